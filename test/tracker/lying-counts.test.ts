// What the listing shows of a swarm whose owner set tells lies: one of three, whatever it says.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { infoHashOfBytes, type NodeId, seededRandom } from '../../src/base/index.ts';
import { type Counts, combineCounts, encodeCounts, parseCounts } from '../../src/listing/index.ts';
import type { Ownership } from '../../src/ports/index.ts';
import { fairCounts } from '../../tracker/index.ts';
import { nodeIdOf } from '../listing/signer.ts';
import { randomBytes, SEED } from '../seed.ts';
import { minute, randomEndpoint, TestKeeper } from './keepers.ts';
import { SELF } from './requests.ts';

const NOW = minute(1000);
const [OWNER, FIRST, SECOND] = [nodeIdOf(1), nodeIdOf(2), nodeIdOf(3)];
const LIES: (Counts | undefined)[] = [
  { seeders: 0, leechers: 0, completions: 0 },
  { seeders: 4_294_967_294, leechers: 4_294_967_294, completions: 4_294_967_294 },
  { seeders: 1 },
  undefined,
];

test(`one liar of an owner set of three moves no shown count by more than 10 % (seed ${SEED})`, () => {
  const random = seededRandom(SEED);
  const swarm = randomBytes(random, 20);
  const ownership: Ownership = { ...SELF, copiesOf: () => [FIRST, SECOND] };
  const owner = new TestKeeper({ ownership });
  const copies = new Map([FIRST, SECOND].map((nodeId) => [nodeId, new TestKeeper()]));
  const forward = (isLost: (to: NodeId) => boolean): void => {
    for (const { to, bytes } of owner.keeping.batches()) if (!isLost(to)) copies.get(to)!.take(bytes, NOW);
  };
  for (let i = 0; i < 1000; i++) {
    const peer = randomEndpoint(random);
    owner.announce(swarm, peer, { event: 'started' }, NOW);
    if (i % 3 === 0) owner.announce(swarm, peer, { isSeeder: true, event: 'completed' }, NOW);
    // The last batch has not come to one of them yet.
    if (i % 20 === 19) forward((to) => i > 960 && to === SECOND);
  }
  const infoHash = infoHashOfBytes(swarm)!;
  const counted = [owner, ...copies.values()].map((keeper) => fairCounts(keeper.registrar.swarms, swarm)!);
  const [truth] = counted;
  assert.deepEqual([truth!.completions, truth!.leechers + truth!.seeders > 950], [334, true]);
  for (let liar = 0; liar < 3; liar++) {
    for (const lie of LIES) {
      const said = counted.map((honest, i) => encodeCounts([i === liar ? lie : honest]));
      const observations = said.map((bytes, i) => {
        const [told] = parseCounts(bytes, [infoHash]) as (readonly [unknown, Counts])[];
        return { source: [OWNER, FIRST, SECOND][i]!, at: 0 as never, ...told?.[1] };
      });
      const shown = combineCounts(observations);
      for (const name of ['seeders', 'leechers', 'completions'] as const) {
        const moved = Math.abs(shown[name]! - truth![name]) / truth![name];
        assert.ok(moved <= 0.1, `${name} ${truth![name]} became ${shown[name]} by a lie of ${JSON.stringify(lie)}`);
      }
    }
  }
});
