// Twelve nodes, three of which serve at first, under announces of new peers at a steady rate. Lowered caps make
// supernodes overloaded: first one, which hands a part over; then all, which have somebody new elected. Whatever was
// acknowledged has to be told afterwards.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { AnnounceLoad } from './announce-load.ts';
import { type Monsoon, startMonsoon } from './clients/monsoon.ts';
import { busiestOf, overload, relieve, startSupernodes, whenAgreed } from './supernodes.ts';
import { hasWhatItTakes, TestBed } from './test-bed.ts';
import { until } from './until.ts';

const SUPERNODES = 3;
const WAITING = 9;
const HASHES = 120;
const ANNOUNCES_PER_SECOND = 60;
const ENOUGH_LOAD = 600;
const RELIEF_SECONDS_MAX = 120;

test('overloaded supernodes pass hashes on, and somebody new is elected when nobody has room', async (t) => {
  if (!(await hasWhatItTakes(t, []))) return;
  const bed = await TestBed.create(t);
  const supernodes = await startSupernodes(bed, SUPERNODES);
  const bootstrap = [supernodes[0]!.contact];
  const start = async (): Promise<Monsoon> => startMonsoon(await bed.place('waiting'), { role: 'auto', bootstrap });
  const waiting = await Promise.all(Array.from({ length: WAITING }, start));
  const load = new AnnounceLoad(
    supernodes.map(({ contact }) => contact),
    HASHES,
    ANNOUNCES_PER_SECOND,
  );
  t.after(() => load.close());
  load.start();
  await until('some load', RELIEF_SECONDS_MAX, () => load.acknowledged.length >= ENOUGH_LOAD || undefined);

  await t.test('N-39 N-40 C-02 an overloaded supernode hands a part of its hashes to one that has room', async (t) => {
    const giver = await busiestOf(supernodes);
    await overload(giver);
    const { lastHandOff } = await until('a hand-off', RELIEF_SECONDS_MAX, async () => {
      const { overlay } = await giver.status();
      return overlay.handOffs > 0 ? overlay : undefined;
    });
    t.diagnostic(`handed over in ${lastHandOff!.milliseconds} ms`);
    await whenAgreed(supernodes);
    await assertNothingLost(t, load, supernodes);
  });

  await t.test(
    'N-08 N-05 N-33 where nobody has room a waiting node is elected, without a restart, and takes its part',
    async (t) => {
      for (const node of supernodes) await overload(node);
      const elected = await until('somebody new', RELIEF_SECONDS_MAX, async () => {
        for (const node of waiting) if ((await node.status()).role === 'supernode') return node;
        return undefined;
      });
      const { uptimeSeconds, overlay } = await elected.status();
      t.diagnostic(`elected ${uptimeSeconds} s after its start, with ${overlay.ranges} ranges`);
      await until('it to track hashes', RELIEF_SECONDS_MAX, async () => {
        const { used } = (await elected.status()).overlay;
        return used.hashes > 0 || undefined;
      });
      await assertNothingLost(t, load, supernodes);
    },
  );

  await t.test(
    'N-07 W-25 two of four supernodes are killed, and waiting nodes are elected in their place',
    async (t) => {
      const [kept, ...killed] = supernodes;
      for (const node of killed) {
        node.program.killNow();
        load.noteDeath(node.contact);
      }
      const startedAt = performance.now();
      const elected = await until('three to serve again', RELIEF_SECONDS_MAX, async () => {
        const roles = await Promise.all(waiting.map(async (node) => ({ node, ...(await node.status()) })));
        const serving = roles.filter(({ role }) => role === 'supernode').map(({ node }) => node);
        return serving.length >= SUPERNODES - 1 ? serving : undefined;
      });
      await whenAgreed([kept!, ...elected]);
      t.diagnostic(`replaced after ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
      await assertNothingLost(t, load, [kept!, ...elected]);
    },
  );
});

async function assertNothingLost(t: TestContext, load: AnnounceLoad, nodes: readonly Monsoon[]): Promise<void> {
  await load.stop();
  for (const node of nodes) await relieve(node);
  const lost = await load.lost();
  t.diagnostic(`${JSON.stringify(load.outcomes)}; ${lost.length} lost, ${load.excused} with who died at once`);
  assert.deepEqual(lost, []);
  load.start();
}
