// How many announces a second, and how much memory for 1,000,000 peers in 100,000 swarms, beside Debian's opentracker
// in the same run. One JSON line per row; medians over paired, alternating rounds. Loopback only.
// A client in another process shares the machine, so the figure to compare is announces per second of the server's
// own CPU time; the wall rate is bounded by the client too. `--quick` runs one round and no memory row.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROUNDS = process.argv.includes('--quick') ? 1 : 5;
const ROUND_SECONDS = 2;
const WIDE_PEERS = 1_000_000;
const CLOCK_TICKS_PER_SECOND = 100;
const OPENTRACKER = '/usr/bin/opentracker';

interface Contestant {
  readonly name: string;
  readonly port: number;
  readonly child: ChildProcess;
}
interface Round {
  readonly perSecond: number;
  readonly perCpuSecond: number;
}

const folder = mkdtempSync(join(tmpdir(), 'monsoon-bench-'));
const repository = join(import.meta.dirname, '..');

/** The JavaScript a package ships: read as TypeScript, the server would hold the type stripper in memory as well. */
function compileServer(): string {
  const tsconfig = join(folder, 'tsconfig.json');
  writeFileSync(
    tsconfig,
    JSON.stringify({
      extends: join(repository, 'tsconfig.json'),
      compilerOptions: {
        noEmit: false,
        outDir: join(folder, 'dist'),
        rootDir: repository,
        declaration: false,
        isolatedDeclarations: false,
      },
      files: [join(repository, 'bench/tracker-server.ts')],
      include: [],
    }),
  );
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  symlinkSync(join(repository, 'node_modules'), join(folder, 'node_modules'));
  execFileSync(join(repository, 'node_modules/.bin/tsc'), ['-p', tsconfig], { stdio: 'inherit' });
  return join(folder, 'dist/bench/tracker-server.js');
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address ? address.port : 0;
}

function pinned(core: number, command: string, args: string[]): [string, string[]] {
  return existsSync('/usr/bin/taskset') ? ['taskset', ['-c', String(core), command, ...args]] : [command, args];
}

async function start(name: string, commandOf: (port: number) => [string, string[]]): Promise<Contestant> {
  const port = await freePort();
  const [command, args] = commandOf(port);
  const child = spawn(...pinned(0, command, args), { stdio: 'ignore' });
  await new Promise((resolve) => setTimeout(resolve, 1000));
  if (child.exitCode !== null) throw new Error(`${name} did not start`);
  return { name, port, child };
}

const server = compileServer();
const startOurs = () => start('monsoon', (port) => [process.execPath, [server, String(port)]]);

/** Debian's build answers for listed hashes only; the list is every hash the load uses. */
function startOpentracker(): Promise<Contestant> {
  const hashes = Array.from({ length: 100_000 }, (_, i) =>
    (Math.imul(i + 1, 0x9e3779b1) >>> 0).toString(16).padStart(8, '0').repeat(5),
  );
  writeFileSync(join(folder, 'hashes'), `${hashes.join('\n')}\n`);
  chmodSync(folder, 0o755);
  return start('opentracker', (port) => [
    OPENTRACKER,
    ['-i', '127.0.0.1', '-p', String(port), '-P', String(port), '-d', folder, '-u', 'nobody', '-w', 'hashes'],
  ]);
}

function cpuSeconds(contestant: Contestant): number {
  const fields = readFileSync(`/proc/${contestant.child.pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SECOND;
}

function rssMiB(pid: number | undefined): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

/** Runs the client to its end. */
async function load(contestant: Contestant, mode: 'new' | 'keep', length: string, workload: string): Promise<Round> {
  const script = join(import.meta.dirname, 'tracker-load.ts');
  const args = [script, String(contestant.port), mode, length, workload];
  const before = cpuSeconds(contestant);
  const client = spawn(...pinned(1, process.execPath, args), { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  client.stdout!.on('data', (chunk) => {
    text += chunk;
  });
  await new Promise((resolve) => client.on('close', resolve));
  const { answered, failed, seconds } = JSON.parse(text);
  if (failed > 0) throw new Error(`${contestant.name} failed ${failed} announces`);
  return { perSecond: answered / seconds, perCpuSecond: answered / (cpuSeconds(contestant) - before) };
}

function median(numbers: number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1]!;
}

function print(row: string, contestant: Contestant, rounds: Round[], rivals: Round[] = []): void {
  const ratios = rivals.map((rival, i) => rounds[i]!.perCpuSecond / rival.perCpuSecond);
  console.log(
    JSON.stringify({
      bench: 'tracker',
      row,
      tracker: contestant.name,
      announcesPerSecond: Math.round(median(rounds.map((round) => round.perSecond))),
      announcesPerCpuSecond: Math.round(median(rounds.map((round) => round.perCpuSecond))),
      ...(ratios.length > 0 && { ofOpentracker: Number(median(ratios).toFixed(2)) }),
      rounds: rounds.length,
    }),
  );
}

async function compareRates(ours: Contestant, rival: Contestant | undefined): Promise<void> {
  const contestants = rival ? [ours, rival] : [ours];
  const fresh = new Map<Contestant, Round[]>(contestants.map((contestant) => [contestant, []]));
  const kept: Round[] = [];
  // Fills the swarms, so that every answer has its 50 peers from the first round on.
  for (const contestant of contestants) await load(contestant, 'new', '40000', 'hot');
  for (let round = 0; round < ROUNDS; round++) {
    for (const contestant of round % 2 ? contestants : contestants.toReversed()) {
      fresh.get(contestant)!.push(await load(contestant, 'new', `${ROUND_SECONDS}s`, 'hot'));
    }
    kept.push(await load(ours, 'keep', `${ROUND_SECONDS}s`, 'hot'));
  }
  if (rival) print('new-connection', rival, fresh.get(rival)!);
  print('new-connection', ours, fresh.get(ours)!, rival && fresh.get(rival));
  // Against its new connections: Debian's opentracker closes every one.
  print('keep-alive', ours, kept, rival && fresh.get(rival));
}

async function compareMemory(): Promise<void> {
  const empty = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const emptyMiB = rssMiB(empty.pid);
  empty.kill();
  for (const starts of [startOurs, ...(existsSync(OPENTRACKER) ? [startOpentracker] : [])]) {
    const contestant = await starts();
    await load(contestant, contestant.name === 'monsoon' ? 'keep' : 'new', String(WIDE_PEERS), 'wide');
    const rss = rssMiB(contestant.child.pid);
    const above = contestant.name === 'monsoon' && { aboveEmptyNodeMiB: Math.round(rss - emptyMiB) };
    const row = { bench: 'tracker', row: 'memory', tracker: contestant.name, peers: WIDE_PEERS, swarms: 100_000 };
    console.log(JSON.stringify({ ...row, rssMiB: Math.round(rss), ...above }));
    contestant.child.kill();
  }
}

const ours = await startOurs();
const rival = existsSync(OPENTRACKER) ? await startOpentracker() : undefined;
try {
  await compareRates(ours, rival);
} finally {
  ours.child.kill();
  rival?.child.kill();
}
if (ROUNDS > 1) await compareMemory();
rmSync(folder, { recursive: true });
