// A home of its own for each test, and what stands around it: a daemon of a fake node, the program as a subprocess.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runCommandLine } from '../../app/cli/program.ts';
import type { CliContext, ExitCode, Terminal } from '../../app/cli/verb.ts';
import { loadConfig } from '../../app/config-file.ts';
import { runDaemon } from '../../app/daemon.ts';
import { type Home, homeOf } from '../../app/home.ts';
import { type Log, openLog } from '../../app/log.ts';
import type { RunningNode } from '../../app/running-node.ts';
import { FakeNode } from './fake-node.ts';

const PROGRAM = fileURLToPath(new URL('../../bin/monsoon.js', import.meta.url));
const FAKE_DAEMON = fileURLToPath(new URL('fake-daemon.ts', import.meta.url));
const { NODE_COMPILE_CACHE } = process.env;
/** A daemon of the sources need not compile them again where the tests keep what was compiled. */
const COMPILE_CACHE: Readonly<Record<string, string>> = NODE_COMPILE_CACHE ? { NODE_COMPILE_CACHE } : {};

export interface Place {
  readonly root: string;
  readonly home: Home;
  readonly environment: Readonly<Record<string, string>>;
}

/** An empty home below the temp folder, gone with the test. */
export function placeFor(t: TestContext): Place {
  const root = mkdtempSync(join(tmpdir(), 'monsoon-app-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  // Tests that run beside this one are no neighbours of its nodes.
  const environment = { MONSOON_HOME: root, MONSOON_LAN: 'false', PATH: process.env.PATH ?? '', HOME: root };
  return { root, environment, home: homeAt(root) };
}

export function homeAt(root: string): Home {
  const userId = process.getuid!();
  const { platform } = process;
  return homeOf({
    environment: { MONSOON_HOME: root },
    platform,
    userHome: root,
    tempDir: tmpdir(),
    userId,
    cwd: root,
  });
}

export const SILENT_LOG: Log = openLog('error', { write: () => undefined });

export interface HostedNode<Node extends RunningNode = FakeNode> {
  readonly node: Node;
  readonly ui: string;
  /** Ends the daemon and resolves when it has ended. */
  stop(): Promise<void>;
  /** Resolves when the daemon has ended by itself. */
  readonly ended: Promise<void>;
}

/** Hosts a fake node in this process, as the daemon would host a real one. */
export function hostFakeNode(t: TestContext, place: Place): Promise<HostedNode> {
  return hostNode(t, place, new FakeNode());
}

/** The same for any node. */
export async function hostNode<Node extends RunningNode>(
  t: TestContext,
  place: Place,
  node: Node,
): Promise<HostedNode<Node>> {
  const interrupt = new AbortController();
  const resolved = await loadConfig(place.home, { flags: {}, environment: {} });
  const { promise: serving, resolve: onServing } = Promise.withResolvers<{ readonly ui: string }>();
  const startNode = async (): Promise<Node> => node;
  const settings = { home: place.home, resolved, log: SILENT_LOG, startNode, onServing };
  const ended = runDaemon({ ...settings, interrupt: interrupt.signal });
  const stop = (): Promise<void> => {
    interrupt.abort();
    return ended;
  };
  const { ui } = await Promise.race([serving, ended.then(() => ({ ui: '' }))]);
  t.after(stop);
  return { node, ui, stop, ended };
}

export interface Ran {
  readonly exitCode: number;
  readonly data: string;
  readonly notes: string;
}

export interface RunOptions {
  readonly isTty?: boolean;
  readonly columns?: number;
  readonly interrupt?: AbortSignal;
  readonly onNote?: (text: string) => void;
}

/** Runs one command line in this process. */
export async function runHere(place: Place, words: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const { isTty = false, columns = Number.POSITIVE_INFINITY, interrupt = new AbortController().signal } = options;
  const written = { data: '', notes: '' };
  const terminal = (end: 'data' | 'notes'): Terminal => ({
    isTty,
    columns,
    hasColour: false,
    write: (text) => {
      written[end] += text;
      if (end === 'notes') options.onNote?.(text);
    },
    writeBytes: async (bytes) => {
      written[end] += Buffer.from(bytes).toString();
    },
  });
  const { environment, home, root } = place;
  const ends = { data: terminal('data'), notes: terminal('notes') };
  const context: CliContext = { environment, cwd: root, home, interrupt, ...ends };
  const exitCode: ExitCode = await runCommandLine(words, context, '1.2.3');
  return { exitCode, ...written };
}

/** Runs the real program in a process of its own. */
export function runProgram(place: Place, words: readonly string[], extra: Record<string, string> = {}): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const env = { ...place.environment, ...extra };
    const child = spawn(process.execPath, [PROGRAM, ...words], {
      cwd: place.root,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [data, notes] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => (data += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (notes += text));
    child.on('error', reject);
    child.on('close', (code) => resolve({ exitCode: code ?? -1, data, notes }));
  });
}

export interface DaemonProcess {
  kill(signal: NodeJS.Signals): void;
  readonly exitCode: Promise<number | null>;
}

/** Hosts a fake node in a process of its own; resolves when it serves, or has ended. */
export function spawnFakeDaemon(t: TestContext, place: Place): Promise<DaemonProcess> {
  return spawnServing(t, place, [FAKE_DAEMON]);
}

/** Runs the real program as a daemon in the foreground; resolves when it serves, or has ended. */
export function spawnProgram(t: TestContext, place: Place, words: readonly string[]): Promise<DaemonProcess> {
  return spawnServing(t, place, [PROGRAM, ...words]);
}

async function spawnServing(t: TestContext, place: Place, words: readonly string[]): Promise<DaemonProcess> {
  const env = { ...COMPILE_CACHE, ...place.environment };
  const child = spawn(process.execPath, words, { env, stdio: ['ignore', 'pipe', 'ignore'] });
  t.after(() => child.kill('SIGKILL'));
  const exitCode = new Promise<number | null>((resolve) => child.on('exit', resolve));
  const { promise: serving, resolve } = Promise.withResolvers<void>();
  child.stdout.on('data', (bytes) => /serves|serving/.test(bytes) && resolve());
  await Promise.race([serving, exitCode]);
  return { kill: (signal) => void child.kill(signal), exitCode };
}
