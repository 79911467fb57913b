/**
 * Runs a build that was never run, so that the compiled code beside it (bin/built-program.js) has what a node and its verbs call:
 * two nodes on the loopback interface share and fetch a small file in a folder of their own. Without it the first of all starts
 * takes longer, and nothing else: a machine on which this fails has a program all the same.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { currentBuild, ROOT } from './current-build.js';

const PROGRAM = join(ROOT, 'bin', 'monsoon.js');
const CONTENT_BYTES = 4 * 1024 * 1024;
const STEP_MS_MAX = 30_000;
const TRAINING_MS_MAX = 120_000;
/** Out of the way of every other node, and of every network. */
const ALONE = [
  '--foreground',
  '--port',
  '0',
  '--bind',
  '127.0.0.1',
  '--allow-local',
  '--no-lan',
  '--network',
  'training',
];

/** A daemon with a home of its own. */
interface TrainedNode {
  readonly home: string;
  readonly contact: string;
  readonly process: ChildProcess;
}

async function train(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'monsoon-training-'));
  const nodes = new Set<ChildProcess>();
  const killAll = (): void => nodes.forEach((node) => void node.kill('SIGKILL'));
  const late = setTimeout(killAll, TRAINING_MS_MAX);
  try {
    const content = join(folder, 'content');
    await writeFile(content, randomBytes(CONTENT_BYTES));
    const start = (name: string, ...flags: string[]): Promise<TrainedNode> =>
      startNode(join(folder, name), flags, nodes);
    /** Who started before others wrote what they called knows nothing of it: the second sharer adds its own to all of that. */
    const fetchesOf = { first: ['prefer', 'off'], second: ['prefer'] };
    for (const [name, encryptions] of Object.entries(fetchesOf)) {
      const sharer = await start(`${name} sharer`, '--role', 'supernode');
      const [shared] = JSON.parse(await verb(sharer.home, 'share', content, '--json'));
      for (const encryption of encryptions) {
        const fetcher = await start(`${name} ${encryption}`, '--bootstrap', sharer.contact, '--encryption', encryption);
        const what = encryption === 'off' ? shared.torrentFile : shared.magnet;
        await verb(fetcher.home, 'get', what, '--output', join(fetcher.home, 'fetched'), '--exit', '--json');
        await stopNode(fetcher);
      }
      for (const asked of ['ps', 'status', 'list']) await verb(sharer.home, asked);
      await stopNode(sharer);
    }
  } finally {
    clearTimeout(late);
    killAll();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Resolves once it serves. Its process is added to `nodes` before. */
async function startNode(home: string, flags: readonly string[], nodes: Set<ChildProcess>): Promise<TrainedNode> {
  const node = spawn(process.execPath, [PROGRAM, 'start', ...ALONE, ...flags], {
    env: { ...process.env, MONSOON_HOME: home },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  nodes.add(node);
  for await (const text of node.stderr.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    const port = /serves on port (\d+)/.exec(text)?.[1];
    if (port === undefined) continue;
    node.stderr.resume();
    return { home, contact: `127.0.0.1:${port}`, process: node };
  }
  throw new Error('a node ended while it was starting');
}

async function stopNode(node: TrainedNode): Promise<void> {
  const ended = once(node.process, 'exit', { signal: AbortSignal.timeout(STEP_MS_MAX) });
  node.process.kill('SIGTERM');
  await ended;
}

async function verb(home: string, ...args: string[]): Promise<string> {
  const env = { ...process.env, MONSOON_HOME: home };
  return (await promisify(execFile)(process.execPath, [PROGRAM, ...args], { env, timeout: STEP_MS_MAX })).stdout;
}

const build = currentBuild();
if (build !== undefined && !existsSync(join(dirname(build), 'node.js.code'))) {
  await train().catch((error: Error) =>
    console.error(`The program was built, but not run for practice: ${error.message}`),
  );
}
