import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type InfoHash, nodeIdOfBytes, randomBelow, seededRandom, wallSeconds } from '../../src/base/index.ts';
import {
  type Descriptor,
  type Grant,
  OWNERS,
  ROLE_LEAVES,
  SUPERNODES_MAX,
  type Token,
  View,
} from '../../src/overlay/index.ts';
import { BUCKETS } from '../../src/overlay/message-codec.ts';
import { keyOf, unletter } from '../../src/overlay/record-names.ts';
import { GRANTS_PER_GIVER_MAX } from '../../src/overlay/view.ts';
import { eachSeed, pick, SEED } from '../seed.ts';
import { grantBy, NOW, randomToken, sealedBy, sha1, terms, unsigned } from './fixtures.ts';

const template = unsigned(0);
const named = (n: number): Descriptor => {
  const key = new Uint8Array(32);
  new DataView(key.buffer).setUint32(0, n);
  const nodeId = nodeIdOfBytes(key)!;
  return { ...template, nodeId, digest: { ...template.digest, key: keyOf(nodeId) } };
};

test('the highest sequence of a node wins, whatever order descriptors arrive in', () => {
  const versions = [3, 1, 2, 3].map((sequence) => unsigned(1, { sequence, load: sequence }));
  const view = new View(sha1);
  assert.deepEqual(
    versions.map((version) => view.offer(version)),
    ['added', 'stale', 'stale', 'stale'],
  );
  assert.equal(view.offer(unsigned(1, { sequence: 4, load: 99 })), 'renewed');
  assert.equal(view.get(unsigned(1).nodeId)?.load, 99);
  assert.equal(view.size, 1);
});

test('two views that merge each way hold the same', () => {
  const [left, right] = [new View(sha1), new View(sha1)];
  for (const [n, sequence] of [1, 5, 2, 1, 3, 3].entries()) left.offer(unsigned(n, { sequence }));
  for (const [n, sequence] of [4, 1, 2, 8].entries()) right.offer(unsigned(n + 1, { sequence }));
  const [fromLeft, fromRight] = [[...left.descriptors()], [...right.descriptors()]];
  for (const descriptor of fromRight) left.offer(descriptor);
  for (const descriptor of fromLeft) right.offer(descriptor);
  const content = (view: View): string[] =>
    [...view.descriptors()].map(({ nodeId, sequence }) => `${nodeId} ${sequence}`).toSorted();
  assert.deepEqual(content(left), content(right));
});

test('an expired supernode leaves the view and the ring at the second it expires', () => {
  const view = new View(sha1);
  view.offer(unsigned(1, { expires: wallSeconds(NOW + 10) }));
  view.offer(unsigned(2, { expires: wallSeconds(NOW + 20) }));
  view.expire(wallSeconds(NOW + 9));
  assert.equal(view.size, 2);
  view.expire(wallSeconds(NOW + 10));
  assert.deepEqual(
    [...view.descriptors()].map(({ nodeId }) => nodeId),
    [unsigned(2).nodeId],
  );
  assert.deepEqual(view.ring.rangesOf(unsigned(1).nodeId), []);
});

test('a full view takes no newcomer but renews what it holds', () => {
  const view = new View(sha1);
  for (let n = 0; n < SUPERNODES_MAX; n++) assert.equal(view.offer(named(n)), 'added');
  assert.equal(view.offer(named(SUPERNODES_MAX)), 'full');
  assert.equal(view.offer({ ...named(5), sequence: 2 }), 'renewed');
  assert.equal(view.size, SUPERNODES_MAX);
});

test('who leaves is held and does not stay, until it serves again or is gone', () => {
  const view = new View(sha1);
  const said = (n: number, sequence: number, roles = 0): Descriptor => unsigned(n, { sequence, roles });
  for (let n = 0; n < 3; n++) view.offer(said(n, 1));
  const steps: [() => void, number, number][] = [
    [() => view.offer(said(0, 2, ROLE_LEAVES)), 3, 2],
    [() => view.offer(said(0, 3, ROLE_LEAVES)), 3, 2],
    [() => view.offer(said(3, 1, ROLE_LEAVES)), 4, 2],
    [() => view.offer(said(0, 4)), 4, 3],
    [() => view.drop(said(3, 1).nodeId), 3, 3],
    [() => view.offer(said(1, 2, ROLE_LEAVES)), 3, 2],
    [() => void view.expire(wallSeconds(NOW + 10 * 7200)), 0, 0],
  ];
  for (const [step, size, staying] of steps) {
    step();
    assert.deepEqual([view.size, view.staying], [size, staying]);
  }
});

test('who asks often is told what came since, and who does not is shown everything', () => {
  const view = new View(sha1);
  const namesSince = (count: number): string[] => Array.from(view.takenSince(count), ({ nodeId }) => nodeId);
  for (let n = 0; n < 1000; n += 3) {
    const { taken } = view;
    const came = [named(n), named(n + 1), named(n + 2)];
    for (const descriptor of [...came, named(0)]) view.offer(descriptor);
    assert.deepEqual(
      namesSince(taken),
      came.map(({ nodeId }) => nodeId),
    );
  }
  assert.equal(namesSince(0).length, view.size);
  assert.deepEqual(namesSince(view.taken), []);
});

test('a sample holds different members, never more than there are, and in time each of them', () => {
  const view = new View(sha1);
  for (let n = 0; n < 10; n++) view.offer(named(n));
  const random = seededRandom(7);
  assert.equal(view.sample(50, random).length, 10);
  const seen = new Set<string>();
  for (let round = 0; round < 100; round++) {
    const drawn = view.sample(3, random).map(({ nodeId }) => nodeId);
    assert.equal(new Set(drawn).size, 3);
    for (const nodeId of drawn) seen.add(nodeId);
  }
  assert.equal(seen.size, 10);
});

/** A grant that only its bytes could tell from one that was sealed. */
const given = (to: Token, changes: Partial<Grant> = {}): Grant => {
  const sealed = new Uint8Array(1);
  return { ...terms(1, 2), to, sealed, record: new Uint8Array(2), ...changes };
};
const contentOf = (view: View): string[] => [
  ...[...view.descriptors()].map(({ nodeId, sequence }) => `${nodeId} ${sequence}`).toSorted(),
  ...[...view.grants()].map(({ to, sequence }) => `${to} ${sequence}`).toSorted(),
];
const digestsOf = (view: View): string[] =>
  Array.from({ length: BUCKETS }, (_, bucket) => view.digests.in(bucket))
    .flat()
    .map(({ key, sequence }) => `${key} ${sequence}`)
    .toSorted();

const MEMBERS = [0, 1, 2, 3, 4, 5].map((n) => [1, 2, 3].map((sequence) => unsigned(n, { sequence })));

/** A view with the giver and the taker of grants, and somebody else. */
function viewOfThree(): View {
  const view = new View(sha1);
  for (const n of [1, 2, 3]) view.offer(unsigned(n));
  return view;
}

/** A view by chance: what was offered, dropped and withdrawn, of few nodes and places. */
function randomView(random: () => number, places: readonly Token[]): View {
  const view = new View(sha1);
  for (let i = randomBelow(random, 40); i > 0; i--) {
    const sequence = 1 + randomBelow(random, 3);
    const versions = pick(random, MEMBERS);
    const what = random();
    if (what < 0.5) view.offer(versions[sequence - 1]!);
    else if (what < 0.8) view.offerGrant(given(pick(random, places), { sequence }));
    else if (what < 0.9) view.drop(versions[0]!.nodeId);
    else view.withdraw(given(pick(random, places)));
  }
  return view;
}

test(`two views have one hash exactly when they hold the same, whatever came in between (seed ${SEED})`, () => {
  const seen = new Map<string, string>();
  let again = 0;
  const places = [0, 1, 2].map((n) => randomToken(seededRandom(n)));
  eachSeed(1500, (seed) => {
    const view = randomView(seededRandom(seed), places);
    const content = contentOf(view).join();
    if (seen.has(content)) again++;
    assert.equal(seen.get(content) ?? view.digests.hash, view.digests.hash);
    seen.set(content, view.digests.hash);
  });
  assert.equal(new Set(seen.values()).size, seen.size);
  assert.ok(again > 10, `${again} views were equal to another`);
  assert.equal(new View(sha1).digests.hash, '0'.repeat(16));
});

test(`the hashes of buckets differ where views do and nowhere else (seed ${SEED})`, () => {
  let differed = 0;
  const places = [0, 1, 2].map((n) => randomToken(seededRandom(n)));
  eachSeed(200, (seed) => {
    const [left, right] = [1, 2].map((part) => randomView(seededRandom(2 * seed + part), places)) as [View, View];
    const [ours, theirs] = [left.digests.bucketHashes, right.digests.bucketHashes];
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const isSame = JSON.stringify(sorted(left, bucket)) === JSON.stringify(sorted(right, bucket));
      assert.equal(ours[bucket] === theirs[bucket], isSame, `bucket ${bucket}`);
      if (!isSame) differed++;
    }
  });
  assert.ok(differed > 200);
});

const sorted = (view: View, bucket: number): unknown =>
  view.digests.in(bucket).toSorted((a, b) => (a.key < b.key ? -1 : 1));

test(`digests name what is held, and each leads to its record (seed ${SEED})`, () => {
  const places = [0, 1, 2].map((n) => randomToken(seededRandom(n)));
  eachSeed(200, (seed) => {
    const view = randomView(seededRandom(seed), places);
    const descriptors = [...view.descriptors()].map(({ nodeId, sequence }) => `${keyOf(nodeId)} ${sequence}`);
    const grants = [...view.grants()].map((grant) => `${view.grantKeyOf(grant)} ${grant.sequence}`);
    assert.deepEqual(digestsOf(view), [...descriptors, ...grants].toSorted());
    for (const { nodeId, sequence, record } of view.descriptors()) {
      assert.equal(view.digests.sequenceOf(keyOf(nodeId)), sequence);
      const opened = unletter(view.digests.recordOf(keyOf(nodeId))!);
      assert.deepEqual([opened?.kind, Buffer.from(opened!.record)], ['descriptor', Buffer.from(record)]);
    }
    for (const grant of view.grants()) {
      const opened = unletter(view.digests.recordOf(view.grantKeyOf(grant))!);
      assert.deepEqual([opened?.kind, Buffer.from(opened!.record)], ['grant', Buffer.from(grant.record)]);
    }
  });
});

test('a record of no known kind, or of none, has no meaning', () => {
  for (const bytes of [new Uint8Array(0), Uint8Array.of(0), Uint8Array.of(0x65, 1, 2)])
    assert.equal(unletter(bytes), undefined);
});

test('a node that was dropped comes back with a higher sequence and no other', () => {
  const view = new View(sha1);
  const held = unsigned(1, { sequence: 5 });
  view.offer(held);
  view.drop(held.nodeId);
  assert.equal(view.digests.hash, new View(sha1).digests.hash);
  assert.equal(view.digests.recordOf(keyOf(held.nodeId)), undefined);
  assert.equal(view.offer(held), 'stale');
  assert.equal(view.offer(unsigned(1, { sequence: 4 })), 'stale');
  assert.equal(view.size, 0);
  assert.equal(view.offer(unsigned(1, { sequence: 6 })), 'added');
  view.drop(unsigned(9).nodeId);
  assert.equal(view.size, 1);
});

test('the version rises when the ring may be another, and not when a descriptor says the same', () => {
  const view = new View(sha1);
  const step = (act: () => unknown): number => {
    const before = view.version;
    act();
    return view.version - before;
  };
  assert.equal(
    step(() => view.offer(unsigned(1))),
    1,
  );
  assert.equal(
    step(() => view.offer(unsigned(1, { sequence: 2, load: 9 }))),
    0,
  );
  assert.equal(view.ring.rangeAt('00')?.to, unsigned(1).tokens[0]);
  assert.equal(view.ring.ownerOf('0'.repeat(40) as never)?.load, 9, 'the ring names the newest');
  assert.equal(
    step(() => view.offer(unsigned(1, { sequence: 3, ownTokens: 2 }))),
    1,
  );
  assert.equal(
    step(() => view.offer(unsigned(1, { sequence: 4, addresses: [{ host: '10.9.9.9', port: 1 }] }))),
    1,
  );
  view.offer(unsigned(2));
  assert.equal(
    step(() => view.offerGrant(given('8'.repeat(40) as Token))),
    1,
  );
  assert.equal(
    step(() => view.withdraw(given('8'.repeat(40) as Token))),
    1,
  );
  assert.equal(
    step(() => view.withdraw(given('8'.repeat(40) as Token))),
    0,
  );
  assert.equal(
    step(() => view.drop(unsigned(1).nodeId)),
    1,
  );
});

test('of the grants of one place the highest sequence stays, and no lower epoch replaces a higher one', () => {
  const view = viewOfThree();
  const to = '8'.repeat(40) as Token;
  const offer = (sequence: number, epoch: number): boolean => view.offerGrant(given(to, { sequence, epoch }));
  assert.deepEqual(
    [offer(5, 2), offer(5, 2), offer(4, 2), offer(6, 1), offer(6, 2), offer(7, 3)],
    [true, false, false, false, true, true],
  );
  assert.deepEqual(
    [...view.grants()].map(({ sequence }) => sequence),
    [7],
  );
});

test('one giver has a bounded number of grants, and renews those that are held', () => {
  const view = viewOfThree();
  const random = seededRandom(1);
  const places = Array.from({ length: GRANTS_PER_GIVER_MAX + 1 }, () => randomToken(random));
  assert.equal(places.filter((to) => view.offerGrant(given(to))).length, GRANTS_PER_GIVER_MAX);
  assert.equal(view.offerGrant(given(places[0]!, { sequence: NOW + 1 })), true);
  assert.equal(view.offerGrant(given(places.at(-1)!, { giver: unsigned(3).nodeId })), true);
  view.withdraw(given(places[0]!));
  assert.equal(view.offerGrant(given(randomToken(random))), true);
});

test('a grant that its taker has not signed counts in the ring of its giver and is passed on to nobody', () => {
  const view = new View(sha1);
  const [giver, taker] = [unsigned(1), unsigned(2)];
  for (const member of [giver, taker]) view.offer(member);
  const before = view.digests.hash;
  const [end] = giver.tokens;
  const to = (BigInt(`0x${end}`) - 1n).toString(16).padStart(40, '0') as Token;
  const sealed = sealedBy(1, 2, { to });
  assert.equal(view.offerGrant({ ...sealed, record: new Uint8Array(0) }), true);
  assert.deepEqual([view.digests.hash, view.digests.digestOf(view.grantKeyOf(sealed))], [before, undefined]);
  assert.equal(view.ring.ownerSetAt(to)[0]?.nodeId, taker.nodeId);
  assert.equal(view.offerGrant(grantBy(1, 2, { to })), true, 'the same grant, signed, takes its place');
  assert.notEqual(view.digests.hash, before);
  view.withdraw(sealed);
  assert.equal(view.digests.hash, before);
  assert.ok(view.ring.ownerSetAt(to).length < OWNERS);
});

test('an expired grant leaves the view and the ring at the second it expires', () => {
  const view = new View(sha1);
  for (const n of [1, 2]) view.offer(unsigned(n));
  view.offerGrant(grantBy(1, 2, { expires: wallSeconds(NOW + 10) }));
  assert.equal(view.expire(wallSeconds(NOW + 9)), false);
  assert.equal([...view.grants()].length, 1);
  assert.equal(view.expire(wallSeconds(NOW + 10)), true);
  assert.deepEqual([...view.grants()], []);
});

test('nobody replaces what another gave, and nobody fills the table from outside', () => {
  const view = viewOfThree();
  const to = '8'.repeat(40) as Token;
  const stranger = unsigned(7).nodeId;
  const beyond = { sequence: 2 ** 48 - 1, epoch: 2 ** 32 - 1 };
  assert.equal(view.offerGrant(given(to)), true);
  assert.equal(view.offerGrant(given(to, { giver: stranger, ...beyond })), false);
  assert.equal(view.offerGrant(given(to, { taker: stranger, ...beyond })), false);
  assert.equal(view.offerGrant(given(to, { giver: unsigned(3).nodeId, ...beyond })), true);
  assert.equal(view.grantOf(unsigned(1).nodeId, to)?.sequence, given(to).sequence);
  assert.equal(view.offerGrant(given(to, { sequence: NOW + 1 })), true, 'its giver renews it');
});

test('no grant and no widening goes by the short name of a supernode', () => {
  const view = viewOfThree();
  const victim = unsigned(3);
  const digits = keyOf(victim.nodeId);
  for (const spot of [digits.padEnd(40, '0'), digits.padStart(40, '0'), victim.nodeId.slice(0, 40)]) {
    view.offerGrant(given(spot as Token, { sequence: 2 ** 48 - 1 }));
    const widening = { network: 'monsoon', infoHash: spot as InfoHash, level: 1, sequence: 2 ** 48 - 1 };
    for (const owner of [1, 2, 3].map((n) => unsigned(n).nodeId))
      view.offerWidening({ ...widening, owner, expires: wallSeconds(NOW + 600), record: new Uint8Array(1) });
  }
  assert.equal(view.digests.sequenceOf(digits), victim.sequence);
  assert.equal(unletter(view.digests.recordOf(digits)!)?.kind, 'descriptor');
});
