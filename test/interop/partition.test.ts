// Two networks that were started apart, with a first supernode, a listing and swarms each, on one LAN: they meet when a
// volunteer is told of a node of each. Then their bridge is cut in two, and heals. At last members leave. The cut
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

interface Shared {
  readonly infoHash: string;
  readonly by: string;
}

test('networks that were apart become one, whether they never met or lost each other, and members leave', async (t) => {
  if (!(await hasWhatItTakes(t, []))) return;
  const bed = await TestBed.create(t);
  const announcer = new Announcer();
  t.after(() => announcer.close());
  const [one, other] = await Promise.all([startSupernodes(bed, PER_SIDE), startSupernodes(bed, PER_SIDE)]);
  const all = [...one, ...other];
  const shared: Shared[] = [];
  let made = 0;
  const share = async (node: Monsoon): Promise<void> => {
    const number = made++;
    const { parent, name } = await makeContent(await bed.directory('content'), `content ${number}`, SIZE, number);
    const { infoHash } = await node.share(join(parent, name));
    shared.push({ infoHash, by: node.contact });
  };
  await Promise.all([share(one[0]!), share(other[0]!)]);
  const known = (): Promise<void> => listedByAll(all, shared);
  const told = (nodes: readonly Monsoon[]): Promise<void> => toldByAll(announcer, nodes, shared);

  await t.test('W-27 N-41 two networks are one view and one listing once a volunteer was told of both', async (t) => {
    const bootstrap = [one[0]!.contact, other[0]!.contact];
    one.push(await startMonsoon(await bed.place('meeting'), { role: 'supernode', bootstrap }));
    all.push(one.at(-1)!);
    const seconds = await whenAgreed(all, MEET_SECONDS_MAX);
    t.diagnostic(`one view after ${seconds.toFixed(1)} s`);
    await known();
    await told(all);
  });

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
      await Promise.all([share(one[1]!), share(other[1]!)]);
      await toldByAll(
        announcer,
        one,
        shared.filter(({ by }) => by === one[1]!.contact),
      );
      await bed.network.heal();
      t.diagnostic(`one view again after ${(await whenAgreed(all, MEET_SECONDS_MAX)).toFixed(1)} s`);
      await known();
      await told(all);
    },
  );

  await t.test('C-05 who stops or is drained loses nothing, and the others answer at once', async (t) => {
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
async function listedByAll(nodes: readonly Monsoon[], shared: readonly Shared[]): Promise<void> {
  for (const node of nodes) {
    let listed: readonly string[] = [];
    await until(
      'everything to be listed',
      LISTING_SECONDS_MAX,
      async () => {
        listed = (await node.listing()).map((row) => row.infoHash);
        return shared.every(({ infoHash }) => listed.includes(infoHash)) || undefined;
      },
      () => `${node.contact} lists ${listed.join(', ')} of ${JSON.stringify(shared)}`,
    );
  }
}

/** Resolves when whoever asks any of these nodes for any torrent is told of who shares it. */
async function toldByAll(announcer: Announcer, nodes: readonly Monsoon[], shared: readonly Shared[]): Promise<void> {
  for (const node of nodes) {
    for (const { infoHash, by } of shared) {
      await until(`${node.contact} to tell that ${by} shares ${infoHash}`, ANSWER_SECONDS_MAX, async () => {
        const { peers } = await announcer.announce(node.contact, infoHash, ASKER_PORT);
        return peers.includes(by) || undefined;
      });
    }
  }
}
