/**
 * Reaching the daemon of this home, and starting it where that is what a person means. The child is this program
 * again; its control socket answering is the only proof that it serves.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { MonsoonError } from '../../src/base/index.ts';
import { ControlClient } from '../control/client.ts';
import { type Home, prepareHome } from '../home.ts';
import { lastStart } from '../last-start.ts';
import { readableLogLine } from '../show/log-line.ts';
import type { CliContext } from './verb.ts';

const PROGRAM = fileURLToPath(new URL('../../bin/monsoon.js', import.meta.url));
const POLL_MS = 25;
// A node with many torrents reads their state before it serves.
const START_MS_MAX = 60_000;
const LOG_TAIL_LINES = 10;

/** Runs `work` with a client of the daemon, which need not be there. */
export async function withClient<T>(context: CliContext, work: (client: ControlClient) => Promise<T>): Promise<T> {
  const client = new ControlClient(context.home.controlSocket, context.interrupt);
  try {
    return await work(client);
  } finally {
    client.close();
  }
}

/** Runs `work` with a client of the daemon, started first as it was last when there is none. */
export function withDaemon<T>(context: CliContext, work: (client: ControlClient) => Promise<T>): Promise<T> {
  return withClient(context, async (client) => {
    if (!(await client.isThere())) await startAgain(context, client);
    return work(client);
  });
}

async function startAgain(context: CliContext, client: ControlClient): Promise<void> {
  const last = await lastStart(context.home);
  if (!last || last.flags.length === 0) return startDaemon(context, client, []);
  context.notes.write(`As it was started last: ${last.flags.join(' ')}\n`);
  // A folder that is gone says nothing any more of what is relative to it.
  const cwd = (await isFolder(last.cwd)) ? last.cwd : context.home.dataDir;
  await startDaemon({ ...context, cwd }, client, last.flags);
}

/**
 * Starts a daemon and waits until it answers.
 * Rejects with a MonsoonError that shows the end of its log when it ends before that.
 * @param flags of `monsoon start`
 */
export async function startDaemon(context: CliContext, client: ControlClient, flags: readonly string[]): Promise<void> {
  const { home, interrupt, notes } = context;
  await prepareHome(home);
  notes.write('Starting the node …\n');
  const logStart = await sizeOf(home.logFile);
  const child = spawnDaemon(context, flags);
  const end = new Promise<'ended' | Error>((resolve) => {
    child.once('exit', () => resolve('ended'));
    child.once('error', resolve);
  });
  for (let waitedMs = 0; waitedMs < START_MS_MAX; waitedMs += POLL_MS) {
    const event = await Promise.race([end, sleep(POLL_MS, undefined, { signal: interrupt })]);
    // Somebody else's daemon may have been first; then ours ended, and all is well.
    if (await client.isServed()) return;
    if (event instanceof Error)
      throw new MonsoonError('refused', `The node cannot be started: ${event.message}.`, event);
    if (event === 'ended') throw new MonsoonError('refused', await lastWords(home, logStart));
  }
  throw new MonsoonError('timeout', `The node did not serve within ${START_MS_MAX / 1000} s. See ${home.logFile}.`);
}

function spawnDaemon({ home, environment, cwd }: CliContext, flags: readonly string[]): ChildProcess {
  const log = openSync(home.logFile, 'a', 0o600);
  const child = spawn(process.execPath, [PROGRAM, 'start', '--foreground', '--log-to-file', ...flags], {
    detached: true,
    // What the runtime itself has to say about a crash goes beside the log lines.
    stdio: ['ignore', 'ignore', log],
    // The same folder, so that relative paths in variables and flags mean what they meant here.
    cwd,
    env: environment,
    windowsHide: true,
  });
  closeSync(log);
  child.unref();
  return child;
}

/** What the child has logged, which begins at `from` bytes unless the file was begun anew. */
async function lastWords({ logFile }: Home, from: number): Promise<string> {
  const log = await readFile(logFile);
  const own = log.subarray(log.length < from ? 0 : from).toString();
  const lines = own.trimEnd().split('\n').slice(-LOG_TAIL_LINES).map(readableLogLine);
  return `The node ended while it was starting. The end of ${logFile}:\n${lines.join('\n')}`;
}

async function isFolder(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isDirectory() ?? false;
}

async function sizeOf(path: string): Promise<number> {
  const found = await stat(path).catch(() => undefined);
  return found?.size ?? 0;
}
