// How long it takes from `start` until a node knows a supernode, by each way in of which only that one exists: the cache,
// a DNS name, the local network, an address. One JSON line; milliseconds from the start of the process, start-up included,
// and of that the time until it answers its own user, for comparison. Hosts are network namespaces: Linux, root.
// Argument: joins by each way.

import type { Place } from '../test/interop/clients/client.ts';
import { type Monsoon, type MonsoonSettings, startMonsoon } from '../test/interop/clients/monsoon.ts';
import { TestBed } from '../test/interop/test-bed.ts';
import { until } from '../test/interop/until.ts';
import { machineFacts } from './machine.ts';

const [joins = 5] = process.argv.slice(2).map(Number);
const SECONDS_MAX = 60;
const ASK_AGAIN_MS = 10;
const ZONE = 'seeds.test';

const ends: (() => void)[] = [];
const bed = await TestBed.create({ after: (end: unknown) => void ends.push(end as () => void) });

async function whenKnown(node: Monsoon): Promise<void> {
  const ask = async (): Promise<true | undefined> => (await node.supernodes()).length > 0 || undefined;
  await until('a supernode to be known', SECONDS_MAX, ask, () => node.program.output, ASK_AGAIN_MS);
}

/** One join: until it answers, and until it knows a supernode. */
async function timed(place: Place, settings: MonsoonSettings): Promise<{ startedMs: number; joinedMs: number }> {
  const at = performance.now();
  const node = await startMonsoon(place, settings);
  const startedMs = performance.now() - at;
  await whenKnown(node);
  const joinedMs = performance.now() - at;
  await node.verb('stop');
  await node.stop();
  return { startedMs, joinedMs };
}

const median = (values: readonly number[]): number =>
  Math.round(values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!);

async function measured(settings: MonsoonSettings, place: () => Promise<Place>): Promise<object> {
  const runs = [];
  for (let i = 0; i < joins; i++) runs.push(await timed(await place(), settings));
  const joined = runs.map(({ joinedMs }) => joinedMs);
  return {
    joinedMsMedian: median(joined),
    joinedMsMost: Math.round(Math.max(...joined)),
    startedMsMedian: median(runs.map(({ startedMs }) => startedMs)),
  };
}

try {
  const flags = ['--zone', ZONE, '--dns-port', '53'];
  const supernode = await startMonsoon(await bed.place('supernode'), { role: 'supernode', isNeighbourly: true, flags });
  await whenKnown(supernode);
  const fresh = (): Promise<Place> => bed.place('newcomer');
  const kept = await bed.place('known');
  await timed(kept, { bootstrap: [supernode.contact] });
  const result = {
    bench: 'join',
    joins,
    cache: await measured({}, async () => kept),
    dns: await measured({ bootstrap: [ZONE], flags: ['--dns-server', supernode.host.address] }, fresh),
    lan: await measured({ isNeighbourly: true }, fresh),
    address: await measured({ bootstrap: [supernode.contact] }, fresh),
    ...machineFacts(),
  };
  console.log(JSON.stringify(result));
} finally {
  for (const end of ends) end();
}
process.exit();
