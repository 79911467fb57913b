// Two networks that were started apart, with a first supernode, a listing and swarms each, on one LAN: they meet when a
// node of one is told of a node of the other. Then their bridge is cut in two, and heals. At last members leave. The cut
// is as long as it takes until each side has given the other up, some 15 s, and not 60: nothing new happens after that.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { Announcer } from './announcer.ts';
import { type Monsoon, startMonsoon } from './clients/monsoon.ts';
import { makeContent } from './content.ts';
import { startSupernodes, whenAgreed, whenWhole } from './supernodes.ts';
import { hasWhatItTakes, TestBed } from './test-bed.ts';
import { until } from './until.ts';

const PER_SIDE = 3;
const SIZE = 2 ** 18;
const ASKER_PORT = 9999;
const ANSWER_SECONDS_MAX = 60;
const DETECTION_SECONDS_MAX = 60;
const MEET_SECONDS_MAX = 120;
const LISTING_SECONDS_MAX = 150;

test('networks that were apart become one, whether they never met or lost each other, and members leave', async (t) => {
  if (!(await hasWhatItTakes(t, []))) return;
  const bed = await TestBed.create(t);
  const announcer = new Announcer();
  t.after(() => announcer.close());
  const [one, other] = await Promise.all([startSupernodes(bed, PER_SIDE), startSupernodes(bed, PER_SIDE)]);
  const all = [...one, ...other];
  const shared: string[] = [];
  const share = async (node: Monsoon): Promise<void> => {
    const { parent, name } = await makeContent(await bed.directory('content'), `${shared.length}`, SIZE, shared.length);
    shared.push((await node.share(join(parent, name))).infoHash);
  };
  await Promise.all([share(one[0]!), share(other[0]!)]);
  const known = (): Promise<void> => listedByAll(all, shared);
  const told = (nodes: readonly Monsoon[]): Promise<void> => toldByAll(announcer, nodes, shared);

  await t.test(
    'W-27 N-41 two networks are one when a node of one, started again, is told of a node of the other',
    async (t) => {
      await one[2]!.verb('stop');
      one[2] = await startMonsoon(one[2]!.place, { role: 'supernode', bootstrap: [other[0]!.contact] });
      all[2] = one[2];
      const seconds = await whenAgreed(all, MEET_SECONDS_MAX);
      t.diagnostic(`one view after ${seconds.toFixed(1)} s`);
      await known();
      await told(all);
    },
  );

  await t.test(
    'W-27 a network that was cut in two is one again when it heals, with what both halves have',
    async (t) => {
      await whenWhole(all);
      await bed.network.cut(other.map(({ host }) => host));
      const apart = await Promise.all([
        whenAgreed(one, DETECTION_SECONDS_MAX),
        whenAgreed(other, DETECTION_SECONDS_MAX),
      ]);
      t.diagnostic(
        `each half is a network of its own after ${apart.map((seconds) => seconds.toFixed(1)).join(' and ')} s`,
      );
      await told(one);
      await Promise.all([share(one[1]!), share(other[1]!)]);
      await bed.network.heal();
      t.diagnostic(`one view again after ${(await whenAgreed(all, MEET_SECONDS_MAX)).toFixed(1)} s`);
      await known();
      await told(all);
    },
  );

  await t.test('C-05 W-02 who stops or is drained loses nothing, and the others answer at once', async (t) => {
    await whenWhole(all);
    const stopped = one[2]!;
    const drained = other[2]!;
    assert.equal((await drained.drain()).role, 'client');
    await told(all.filter((node) => node !== drained));
    await stopped.verb('stop');
    const startedAt = performance.now();
    await told(all.filter((node) => node !== drained && node !== stopped));
    t.diagnostic(`all swarms told ${Math.round(performance.now() - startedAt)} ms after "stop" returned`);
  });
});

/** Resolves when every node lists every torrent. */
async function listedByAll(nodes: readonly Monsoon[], infoHashes: readonly string[]): Promise<void> {
  for (const node of nodes) {
    let listed: readonly string[] = [];
    await until(
      'everything to be listed',
      LISTING_SECONDS_MAX,
      async () => {
        listed = (await node.listing()).map((row) => row.infoHash);
        return infoHashes.every((infoHash) => listed.includes(infoHash)) || undefined;
      },
      () => `${node.contact} lists ${listed.join(', ')} of ${infoHashes.join(', ')}`,
    );
  }
}

/** Resolves when whoever asks any of these nodes for any torrent is told of who shares it. */
async function toldByAll(
  announcer: Announcer,
  nodes: readonly Monsoon[],
  infoHashes: readonly string[],
): Promise<void> {
  for (const node of nodes) {
    for (const infoHash of infoHashes) {
      await until(`${node.contact} to tell of a peer of ${infoHash}`, ANSWER_SECONDS_MAX, async () => {
        const { outcome, peers } = await announcer.announce(node.contact, infoHash, ASKER_PORT);
        return (outcome === 'acknowledged' && peers.some((peer) => peer.endsWith(':7373'))) || undefined;
      });
    }
  }
}
