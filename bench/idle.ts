// What 1,000 seeding torrents cost a node that nobody asks for any of them: resident memory, CPU and open files of the
// daemon as a user starts it, beside the same node without a torrent; and whether the goal is held, just shared and after a
// restart. One JSON line. Loopback only; Linux.
// Arguments: number of torrents, seconds to watch, which are looked at in windows of half a minute.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cpuSecondsOf, machineFacts } from './machine.ts';

const WINDOW_SECONDS = 30;
const [torrents = 1000, seconds = WINDOW_SECONDS] = process.argv.slice(2).map(Number);
/** What a start announces goes a few at a time, and is over by then. */
const SETTLE_MS = 40_000;
/** The goal for 1,000 torrents. */
const RSS_MIB_MAX = 250;
const CORE_PERCENT_MAX = 1;
const FILE_BYTES = 100_000;
/** Of one command line. */
const SHARES_MAX = 200;

const folder = mkdtempSync(join(tmpdir(), 'monsoon-idle-'));
const program = join(import.meta.dirname, '../bin/monsoon.js');

function monsoon(home: string, ...words: string[]): string {
  const env = { ...process.env, MONSOON_HOME: join(folder, home) };
  return execFileSync(process.execPath, [program, ...words], { encoding: 'utf8', env, maxBuffer: 1 << 26 });
}

function share(home: string): void {
  const content = join(folder, 'content');
  mkdirSync(content);
  const paths = Array.from({ length: torrents }, (_, i) => join(content, `${i}.bin`));
  for (const [i, path] of paths.entries()) writeFileSync(path, Buffer.alloc(FILE_BYTES, `${i} `));
  while (paths.length > 0) monsoon(home, 'share', ...paths.splice(0, SHARES_MAX));
}

interface Watched {
  readonly rssMib: number;
  readonly corePercent: number;
  /** Of each window. */
  readonly windows: readonly number[];
  readonly sockets: number;
  readonly openFiles: number;
}

/** The worst of these as a share of what the goal allows, and whether both stay within it. */
function heldTo(...all: readonly Watched[]): object {
  const rss = Math.max(...all.map(({ rssMib }) => rssMib)) / RSS_MIB_MAX;
  const core = Math.max(...all.map(({ corePercent }) => corePercent)) / CORE_PERCENT_MAX;
  return { rssOfGoal: Number(rss.toFixed(2)), coreOfGoal: Number(core.toFixed(2)), isHeld: rss < 1 && core < 1 };
}

async function watched(home: string): Promise<Watched> {
  const { pid } = JSON.parse(monsoon(home, 'status', '--json')) as { pid: number };
  await sleep(SETTLE_MS);
  const began = cpuSecondsOf(pid);
  const percentSince = (cpuSeconds: number, long: number): number =>
    Number((((cpuSecondsOf(pid) - cpuSeconds) / long) * 100).toFixed(2));
  const windows: number[] = [];
  for (let left = seconds; left > 0; left -= WINDOW_SECONDS) {
    const before = cpuSecondsOf(pid);
    const long = Math.min(left, WINDOW_SECONDS);
    await sleep(long * 1000);
    windows.push(percentSince(before, long));
  }
  const corePercent = percentSince(began, seconds);
  const links = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
  const rssKib = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))![1];
  return {
    rssMib: Math.round(Number(rssKib) / 1024),
    corePercent,
    windows,
    sockets: links.filter((link) => link.startsWith('socket:')).length,
    openFiles: links.length,
  };
}

try {
  monsoon('node', 'start', '--port', '0', '--bind', '127.0.0.1', '--allow-local');
  const empty = await watched('node');
  share('node');
  const idle = await watched('node');
  monsoon('node', 'stop');
  monsoon('node', 'start', '--port', '0', '--bind', '127.0.0.1', '--allow-local');
  const restarted = await watched('node');
  const measured = { empty, idle, restarted, ...heldTo(idle, restarted) };
  console.log(JSON.stringify({ bench: 'idle', torrents, seconds, ...measured, ...machineFacts() }));
} finally {
  monsoon('node', 'stop');
  rmSync(folder, { recursive: true, force: true });
}
