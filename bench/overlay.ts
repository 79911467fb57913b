/**
 * How long a supernode takes to hand 100,000 peers to another, and what announces to it wait meanwhile. Two nodes in
 * namespaces of their own; steady announces of known peers, each timed, before and during the hand-off. Prints one JSON
 * line per row: every round, and the medians. Linux, root.
 * Options: --rounds N (5, of at most 8: each takes another range), --peers N (100000), --rate N announces per second (200)
 */
import { parseArgs } from 'node:util';
import { Announcer } from '../test/interop/announcer.ts';
import type { Monsoon } from '../test/interop/clients/monsoon.ts';
import { startSupernodes, whenWhole } from '../test/interop/supernodes.ts';
import { TestBed } from '../test/interop/test-bed.ts';
import { until } from '../test/interop/until.ts';
import { machineFacts, median } from './machine.ts';
import { fillSwarms } from './overlay-fill.ts';
import { SteadyAnnounces } from './overlay-load.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    peers: { type: 'string', default: '100000' },
    rate: { type: 'string', default: '200' },
  },
});
const PEERS_PER_HASH = 100;
const FIRST_PORT = 10_000;
/** Of what is announced of a range, a node twice as busy as it may be gives about two thirds. */
const GIVEN = 0.65;
const BYTES_PER_SECOND = 4_000_000;
const UNBOUNDED = 2_000_000_000;
const CAPS = ['--tracking-bytes', `${BYTES_PER_SECOND}`, '--tracking-peers', '2000000'];
/** What is announced while swarms are filled is forgotten as load after a minute. */
const BEFORE_SECONDS = 65;
const HAND_OFF_SECONDS_MAX = 60;
const WATCH_MS = 10;
/** Announces that count as those before. */
const MEASURED_BEFORE_MS = 20_000;

interface Round {
  readonly peers: number;
  readonly handOffMs: number;
  readonly beforeP99Ms: number;
  readonly duringP99Ms: number;
  readonly announcesDuring: number;
}

async function measure(giver: Monsoon, range: Arc): Promise<Round> {
  const hashes = Math.round(Number(values.peers) / GIVEN / PEERS_PER_HASH);
  const infoHashes = spread(range, hashes);
  await giver.cap({ trackingBytesPerSecond: UNBOUNDED });
  await fillSwarms(
    giver.contact,
    infoHashes,
    Array.from({ length: PEERS_PER_HASH }, (_, i) => FIRST_PORT + i),
  );
  await giver.cap({ trackingBytesPerSecond: BYTES_PER_SECOND });
  const { handOffs } = (await giver.status()).overlay;
  const announcer = new Announcer();
  const load = new SteadyAnnounces(announcer, giver.contact, infoHashes, FIRST_PORT, Number(values.rate));
  load.start();
  const startedAt = performance.now();
  const passed = (): true | undefined => performance.now() - startedAt > BEFORE_SECONDS * 1000 || undefined;
  await until('the load to be steady', 2 * BEFORE_SECONDS, passed);
  const { used } = (await giver.status()).overlay;
  await giver.cap({ trackingBytesPerSecond: Math.round(used.trackingBytesPerSecond / 2) });
  const begunAt = await whenAt(async () => (await giver.status()).overlay.handOff !== null);
  await giver.cap({ trackingBytesPerSecond: BYTES_PER_SECOND });
  const endedAt = await whenAt(async () => (await giver.status()).overlay.handOff === null);
  await load.stop();
  announcer.close();
  const { overlay } = await giver.status();
  if (overlay.handOffs === handOffs) throw new Error(`the hand-off failed at ${overlay.lastHandOff?.failedAt}`);
  const { range: given, milliseconds } = overlay.lastHandOff!;
  const during = load.delaysBetween(begunAt, endedAt);
  return {
    peers: infoHashes.filter((infoHash) => infoHash <= given!.to).length * PEERS_PER_HASH,
    handOffMs: Math.round(milliseconds!),
    beforeP99Ms: percentile(load.delaysBetween(begunAt - MEASURED_BEFORE_MS, begunAt), 0.99),
    duringP99Ms: percentile(during, 0.99),
    announcesDuring: during.length,
  };
}

interface Arc {
  readonly from: string;
  readonly to: string;
}

/** Info hashes at even distances in a range. */
function spread({ from, to }: Arc, count: number): string[] {
  const [start, end] = [BigInt(`0x${from}`), BigInt(`0x${to}`)];
  const step = (end - start) / BigInt(count + 1);
  return Array.from({ length: count }, (_, i) => (start + step * BigInt(i + 1)).toString(16).padStart(40, '0'));
}

async function whenAt(isSo: () => Promise<boolean>): Promise<number> {
  return until(
    'the hand-off',
    HAND_OFF_SECONDS_MAX,
    async () => ((await isSo()) ? performance.now() : undefined),
    () => '',
    WATCH_MS,
  );
}

function percentile(delays: readonly number[], share: number): number {
  const sorted = delays.toSorted((a, b) => a - b);
  return Math.round(10 * (sorted[Math.floor(sorted.length * share)] ?? Number.NaN)) / 10;
}

const removals: (() => unknown)[] = [];
try {
  const bed = await TestBed.create({ after: (remove) => removals.push(remove as () => unknown) });
  const nodes = await startSupernodes(bed, 2, CAPS);
  const giver = nodes[0]!;
  const own = (await giver.supernodes()).find(({ isSelf }) => isSelf)!.ranges.filter(({ from, to }) => from < to);
  const rounds: Round[] = [];
  for (const range of own.slice(0, Number(values.rounds))) {
    await whenWhole(nodes);
    const round = await measure(giver, range);
    rounds.push(round);
    console.log(JSON.stringify({ bench: 'overlay', round: rounds.length, ...round }));
  }
  const of = (name: keyof Round): number => median(rounds.map((round) => round[name]));
  const ratio = median(rounds.map(({ beforeP99Ms, duringP99Ms }) => duringP99Ms / beforeP99Ms));
  const medians = {
    rounds: rounds.length,
    peers: of('peers'),
    handOffMs: of('handOffMs'),
    beforeP99Ms: of('beforeP99Ms'),
    duringP99Ms: of('duringP99Ms'),
    duringOfBefore: Number(ratio.toFixed(2)),
  };
  console.log(JSON.stringify({ bench: 'overlay', ...medians, ...machineFacts() }));
} finally {
  for (const remove of removals) await remove();
}
