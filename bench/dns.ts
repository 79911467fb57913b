// How many queries a second the DNS responder answers beside NSD and Knot, in the same run: the A records of a name with
// 16 addresses, asked by dnsperf over loopback with a cookie of ours, so that the answer comes whole. One JSON line per
// server; medians over paired, alternating rounds. The client has the other core, so the figure to compare is queries per
// second of the server's own CPU time. `--quick` runs one short round.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildZone, recordRows, TYPE, zoneFile } from '../dns/index.ts';
import { content, cookieOption, host, query, TTL_SECONDS, ZONE } from '../test/dns/fixtures.ts';
import { until } from '../test/interop/until.ts';
import { cpuSecondsOf, machineFacts, median } from './machine.ts';

const IS_QUICK = process.argv.includes('--quick');
const ROUNDS = IS_QUICK ? 1 : 5;
const ROUND_SECONDS = IS_QUICK ? 1 : 5;
const HOSTS = 16;
/** Gentle enough for every server: what is measured is delay, not queueing. */
const LATENCY_QUERIES_PER_SECOND = 5000;
const START_SECONDS_MAX = 20;
const CLIENT_COOKIE = Buffer.from('0102030405060708', 'hex');
const COOKIE_BYTES = 24;

interface Contestant {
  readonly name: string;
  readonly port: number;
  readonly child: ChildProcess;
  /** As dnsperf sends it; ours alone asks for one. */
  readonly cookie: string | undefined;
}
interface Round {
  readonly perSecond: number;
  readonly perCpuSecond: number;
  readonly lost: number;
  readonly p99Ms: number;
}

const folder = mkdtempSync(join(tmpdir(), 'monsoon-bench-'));
const queriesFile = join(folder, 'queries');

async function freePort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  return port;
}

/** The reply of a server to a query of ours; undefined while it does not answer. */
async function ask(port: number, cookie: Uint8Array): Promise<Buffer | undefined> {
  const socket = createSocket('udp4');
  try {
    socket.send(query(ZONE, TYPE.A, 1232, { options: cookieOption(cookie) }), port, '127.0.0.1');
    const [reply] = await once(socket, 'message', { signal: AbortSignal.timeout(500) });
    return reply;
  } catch {
    return undefined;
  } finally {
    socket.close();
  }
}

async function start(name: string, port: number, command: string, args: readonly string[]): Promise<Contestant> {
  const child = spawn('taskset', ['-c', '0', command, ...args], { stdio: 'ignore' });
  const reply = await until(`${name} to answer`, START_SECONDS_MAX, () => ask(port, CLIENT_COOKIE));
  const cookie = name === 'monsoon' ? reply.subarray(-COOKIE_BYTES).toString('hex') : undefined;
  return { name, port, child, cookie };
}

async function startAll(): Promise<Contestant[]> {
  const hosts = Array.from({ length: HOSTS }, (_, n) => host(n));
  const zone = buildZone({ origin: ZONE, ttlSeconds: TTL_SECONDS, serial: 1 }, content({ hosts }));
  writeFileSync(join(folder, 'zone'), zoneFile(recordRows(zone)));
  writeFileSync(queriesFile, `${ZONE} A\n`);
  const [ours, nsd, knot] = [await freePort(), await freePort(), await freePort()];
  const server = join(import.meta.dirname, '../test/interop/dns-server.ts');
  const nsdConfig = join(folder, 'nsd.conf');
  writeFileSync(
    nsdConfig,
    `server:\n  ip-address: 127.0.0.1@${nsd}\n  username: ""\n  chroot: ""\n  server-count: 1\n  minimal-responses: yes\n  rrl-ratelimit: 0\n` +
      `  zonesdir: "${folder}"\n  xfrdir: "${folder}"\n  pidfile: "${folder}/nsd.pid"\n  xfrdfile: "${folder}/xfrd.state"\n` +
      `  zonelistfile: "${folder}/zone.list"\n  database: ""\nremote-control:\n  control-enable: no\n` +
      `zone:\n  name: ${ZONE}\n  zonefile: "${folder}/zone"\n`,
  );
  const knotConfig = join(folder, 'knot.conf');
  writeFileSync(
    knotConfig,
    `server:\n  listen: 127.0.0.1@${knot}\n  rundir: ${folder}\n  udp-workers: 1\n  tcp-workers: 1\n  background-workers: 1\n` +
      `database:\n  storage: ${folder}\nzone:\n  - domain: ${ZONE}\n    file: ${folder}/zone\n`,
  );
  return [
    await start('monsoon', ours, process.execPath, [server, '127.0.0.1', String(ours), '0']),
    await start('nsd', nsd, 'nsd', ['-d', '-c', nsdConfig]),
    await start('knot', knot, 'knotd', ['-c', knotConfig]),
  ];
}

/** What a server, its children and theirs used; NSD answers in a grandchild. */
function cpuSeconds({ child }: Contestant): number {
  const children = childrenOf(child.pid!);
  const pids = [child.pid!, ...children, ...children.flatMap(childrenOf)];
  return pids.reduce((sum, pid) => sum + cpuSecondsOf(pid), 0);
}

function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1');
  return text.split(' ').filter(Boolean).map(Number);
}

function dnsperf({ port, cookie }: Contestant, ...more: string[]): string {
  const flags = ['-s', '127.0.0.1', '-p', String(port), '-d', queriesFile, '-l', String(ROUND_SECONDS), '-e'];
  const option = cookie === undefined ? [] : ['-E', `10:${cookie}`];
  return execFileSync('taskset', ['-c', '1', 'dnsperf', ...flags, ...option, ...more], {
    encoding: 'utf8',
    maxBuffer: 2 ** 30,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}

function measure(contestant: Contestant): Round {
  const before = cpuSeconds(contestant);
  const report = dnsperf(contestant);
  const used = cpuSeconds(contestant) - before;
  const field = (pattern: RegExp): number => Number(pattern.exec(report)?.[1]);
  const gentle = dnsperf(contestant, '-Q', String(LATENCY_QUERIES_PER_SECOND), '-v');
  const latencies = [...gentle.matchAll(/^> NOERROR .* ([0-9.]+)$/gm)].map(([, seconds]) => Number(seconds) * 1000);
  const sorted = latencies.toSorted((one, other) => one - other);
  return {
    perSecond: field(/Queries per second:\s+([0-9.]+)/),
    perCpuSecond: field(/Queries completed:\s+(\d+)/) / used,
    lost: field(/Queries lost:\s+(\d+)/),
    p99Ms: sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN,
  };
}

const contestants: Contestant[] = [];
try {
  console.log(JSON.stringify({ bench: 'dns', ...machineFacts() }));
  contestants.push(...(await startAll()));
  const rounds = new Map<string, Round[]>(contestants.map(({ name }) => [name, []]));
  for (let round = 0; round < ROUNDS; round++) {
    const order = round % 2 === 0 ? contestants : contestants.toReversed();
    for (const contestant of order) rounds.get(contestant.name)!.push(measure(contestant));
  }
  const rivals = rounds.get('nsd')!;
  for (const [server, own] of rounds) {
    const of = (pick: (round: Round) => number): number => median(own.map(pick));
    const ratio = median(own.map(({ perCpuSecond }, i) => perCpuSecond / rivals[i]!.perCpuSecond));
    console.log(
      JSON.stringify({
        ...{ bench: 'dns', server, queriesPerSecond: Math.round(of(({ perSecond }) => perSecond)) },
        queriesPerCpuSecond: Math.round(of(({ perCpuSecond }) => perCpuSecond)),
        ofNsd: Number(ratio.toFixed(2)),
        p99Ms: Number(of(({ p99Ms }) => p99Ms).toFixed(3)),
        lost: own.reduce((sum, { lost }) => sum + lost, 0),
        rounds: own.length,
      }),
    );
  }
} finally {
  for (const { child } of contestants) child.kill();
  rmSync(folder, { recursive: true, force: true });
}
