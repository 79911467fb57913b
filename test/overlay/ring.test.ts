import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type InfoHash, type NodeId, type Random, randomBelow, seededRandom } from '../../src/base/index.ts';
import type { GrantTerms } from '../../src/overlay/grant.ts';
import { type Descriptor, OWNERS, type Range, Ring, type Token } from '../../src/overlay/index.ts';
import { PER_SUBNET_MAX } from '../../src/overlay/ring.ts';
import { subnetOf } from '../../src/overlay/subnet.ts';
import { eachSeed, pick, SEED } from '../seed.ts';
import { nameOf, randomHash, randomSeat, randomToken, terms, unsigned } from './fixtures.ts';

const ROUNDS = 60;
const SPACE = 2n ** 160n;
const position = (text: string): bigint => BigInt(`0x${text}`);
const asHash = (value: bigint): InfoHash =>
  (((value % SPACE) + SPACE) % SPACE).toString(16).padStart(40, '0') as InfoHash;
const at = (digit: string): Token => digit.padEnd(40, '0') as Token;

/** A supernode with these tokens, on an address that no subnet rule counts. */
const holding = (n: number, ...tokens: Token[]): Descriptor => ({ ...unsigned(n), tokens });
const hosted = (n: number, host: string, seat = 'ab'): Descriptor => ({
  ...unsigned(n, { addresses: [{ host, port: 7373 }] }),
  seat: seat.padEnd(40, '0') as never,
});

/** Supernodes with several tokens each; sometimes two claim one token. */
function randomMembers(random: Random): Descriptor[] {
  const tokens: Token[] = [];
  return Array.from({ length: 1 + randomBelow(random, 12) }, (_, n) => {
    const own = Array.from({ length: 1 + randomBelow(random, 6) }, () =>
      tokens.length > 0 && random() < 0.1 ? pick(random, tokens) : randomToken(random),
    );
    tokens.push(...own);
    return holding(n, ...own.toSorted());
  });
}

/** Grants as they come about, each of a part of what its giver has then, and some that never could. */
function randomGrants(random: Random, members: readonly Descriptor[]): GrantTerms[] {
  const grants: GrantTerms[] = [];
  for (let i = randomBelow(random, 12); i > 0; i--) {
    const giver = pick(random, members);
    const ranges = new Ring(members, grants).rangesOf(giver.nodeId);
    const taker = random() < 0.1 ? unsigned(99) : pick(random, members);
    if (random() < 0.2 || ranges.length === 0) {
      const epoch = 1 + randomBelow(random, 3);
      grants.push({ ...terms(1, 2), giver: giver.nodeId, taker: taker.nodeId, to: randomToken(random), epoch });
    } else {
      const range = pick(random, ranges);
      const to = within(range, random);
      grants.push({ ...terms(1, 2), giver: giver.nodeId, taker: taker.nodeId, to, epoch: range.epoch + 1 });
    }
  }
  return grants.filter((grant, i) => grants.findIndex((other) => keyOf(other) === keyOf(grant)) === i);
}

function within({ from, to }: Range, random: Random): Token {
  const length = (position(to) - position(from) + SPACE) % SPACE || SPACE;
  const part = BigInt(1 + randomBelow(random, 1000));
  return asHash(position(from) + (length * part) / 1001n) as string as Token;
}

/** The owner by the definition: the least distance clockwise from the hash to a token. */
function naiveOwner(members: readonly Descriptor[], hash: string): Descriptor | undefined {
  let best: { distance: bigint; owner: Descriptor } | undefined;
  for (const owner of members.toSorted((a, b) => (a.nodeId < b.nodeId ? -1 : 1))) {
    for (const token of owner.tokens) {
      const distance = (position(token) - position(hash) + SPACE) % SPACE;
      if (!best || distance < best.distance) best = { distance, owner };
    }
  }
  return best?.owner;
}

/** The same by the definition of a grant: lower epochs first, and only who owns a place gives it away. */
function naiveOwnerWith(members: readonly Descriptor[], grants: readonly GrantTerms[], hash: string): string {
  const places = new Map<string, { owner: NodeId; epoch: number }>();
  for (const owner of members.toSorted((a, b) => (a.nodeId < b.nodeId ? 1 : -1)))
    for (const token of owner.tokens) places.set(token, { owner: owner.nodeId, epoch: 0 });
  const placeOf = (spot: string): [string, { owner: NodeId; epoch: number }] =>
    [...places].reduce((best, place) => {
      const distance = (text: string): bigint => (position(text) - position(spot) + SPACE) % SPACE;
      return distance(place[0]) < distance(best[0]) ? place : best;
    });
  const rankOf = ({ epoch, to, giver }: GrantTerms): string => `${String(epoch).padStart(16)} ${to} ${giver}`;
  for (const { giver, taker, to, epoch } of grants.toSorted((a, b) => (rankOf(a) < rankOf(b) ? -1 : 1))) {
    const [token, place] = placeOf(to);
    const isThere = members.some(({ nodeId, tokens }) => nodeId === taker && tokens.length > 0);
    if (isThere && token !== to && place.owner === giver && epoch > place.epoch)
      places.set(to, { owner: taker, epoch });
  }
  return placeOf(hash)[1].owner;
}

const rangesIn = (ring: Ring, members: readonly Descriptor[]): (Range & { nodeId: NodeId })[] =>
  members.flatMap(({ nodeId }) => ring.rangesOf(nodeId).map((range) => ({ ...range, nodeId })));

function shuffled<T>(random: Random, from: readonly T[]): T[] {
  const drawn = from.map((value) => ({ value, by: random() }));
  return drawn.toSorted((a, b) => a.by - b.by).map(({ value }) => value);
}

test('a single supernode owns the whole ring, as one range with equal ends', () => {
  const random = seededRandom(SEED);
  const only = unsigned(1);
  const ring = new Ring([only]);
  const token = only.tokens[0]!;
  const beside = [0n, -1n, position(token), position(token) + 1n].map(asHash);
  for (const hash of [randomHash(random), ...beside]) assert.equal(ring.ownerOf(hash), only);
  assert.deepEqual(ring.rangesOf(only.nodeId), [{ from: token, to: token, epoch: 0, by: 'token' }]);
  assert.deepEqual(ring.ownerSetAt(token), [only]);
});

test('an empty ring has no owner, no range and no member', () => {
  const ring = new Ring([], [terms(1, 2)]);
  assert.equal(ring.ownerOf(asHash(1n)), undefined);
  assert.equal(ring.rangeAt(asHash(1n)), undefined);
  assert.deepEqual([...ring.ownerSetOf(asHash(1n)), ...ring.membersAfter(asHash(1n), 5)], []);
});

test(`the owner is the one a naive search finds, at random hashes and beside every token (seed ${SEED})`, () =>
  eachSeed(ROUNDS, (seed) => {
    const random = seededRandom(seed);
    const members = randomMembers(random);
    const ring = new Ring(members);
    const edges = members.flatMap(({ tokens }) =>
      tokens.flatMap((token) => [-1n, 0n, 1n].map((by) => asHash(position(token) + by))),
    );
    for (const hash of [...edges, ...Array.from({ length: 20 }, () => randomHash(random))])
      assert.equal(ring.ownerOf(hash)?.nodeId, naiveOwner(members, hash)?.nodeId, hash);
  }));

test(`with grants, too, the owner is the one a naive search finds (seed ${SEED})`, () => {
  let counted = 0;
  eachSeed(ROUNDS, (seed) => {
    const random = seededRandom(seed);
    const members = randomMembers(random);
    const grants = randomGrants(random, members);
    const ring = new Ring(members, grants);
    const edges = grants.flatMap(({ to }) => [-1n, 0n, 1n].map((by) => asHash(position(to) + by)));
    for (const hash of [...edges, ...Array.from({ length: 10 }, () => randomHash(random))])
      assert.equal(ring.ownerOf(hash)?.nodeId, naiveOwnerWith(members, grants, hash), hash);
    counted += rangesIn(ring, members).filter(({ by }) => by === 'grant').length;
  });
  assert.ok(counted > ROUNDS, `${counted} grants counted`);
});

test(`ranges divide the ring without gap or overlap, whatever order records came in (seed ${SEED})`, () =>
  eachSeed(ROUNDS, (seed) => {
    const random = seededRandom(seed);
    const members = randomMembers(random);
    const grants = randomGrants(random, members);
    const linesOf = (ring: Ring): string[] =>
      rangesIn(ring, members)
        .map(({ from, to, epoch, by, nodeId }) => `${from} ${to} ${epoch} ${by} ${nodeId}`)
        .toSorted();
    const ring = new Ring(members, grants);
    assert.deepEqual(linesOf(new Ring(shuffled(random, members), shuffled(random, grants))), linesOf(ring));
    const ranges = rangesIn(ring, members);
    assert.equal(ranges.length, ring.size);
    assert.equal(new Set(ranges.map(({ to }) => to)).size, ranges.length);
    assert.deepEqual(ranges.map(({ to }) => to).toSorted(), ranges.map(({ from }) => from).toSorted());
    const lengths = ranges.map(({ from, to }) => (position(to) - position(from) + SPACE) % SPACE || SPACE);
    assert.equal(
      lengths.reduce((sum, length) => sum + length, 0n),
      SPACE,
    );
    for (const range of ranges) {
      const { nodeId, ...plain } = range;
      assert.deepEqual(ring.rangeAt(within(range, random)), plain);
      assert.equal(ring.ownerOf(range.to as string as InfoHash)?.nodeId, nodeId);
    }
  }));

test('of two supernodes with one token the lower node id has it', () => {
  const [low, high] = [holding(1, at('4')), holding(2, at('4'))].toSorted((a, b) => (a.nodeId < b.nodeId ? -1 : 1));
  for (const members of [
    [low!, high!],
    [high!, low!],
  ]) {
    assert.equal(new Ring(members).ownerOf(asHash(0n)), low);
    assert.deepEqual(new Ring(members).rangesOf(high!.nodeId), []);
  }
});

test('a grant gives the lower part of a range to its taker, and the rest stays', () => {
  const members = [holding(1, at('4')), holding(2, at('8')), holding(3, at('c'))];
  const ring = new Ring(members, [terms(2, 3, { from: at('4'), to: at('6') })]);
  assert.deepEqual(ring.rangeAt(at('5')), { from: at('4'), to: at('6'), epoch: 1, by: 'grant' });
  assert.deepEqual(ring.rangeAt(at('7')), { from: at('6'), to: at('8'), epoch: 0, by: 'token' });
  assert.equal(ring.ownerOf(asHash(position(at('6'))))?.nodeId, members[2]!.nodeId);
  assert.equal(ring.ownerOf(asHash(position(at('6')) + 1n))?.nodeId, members[1]!.nodeId);
});

test('a grant across the end of the ring counts on both sides of it', () => {
  const members = [holding(1, at('4')), holding(2, at('c'))];
  for (const [to, inside, outside] of [
    [at('e'), at('d'), at('f')],
    [at('2'), at('f'), at('3')],
  ] as const) {
    const ring = new Ring(members, [terms(1, 2, { from: at('c'), to })]);
    assert.equal(ring.ownerOf(inside as string as InfoHash), members[1], to);
    assert.equal(ring.ownerOf(outside as string as InfoHash), members[0], to);
  }
});

test('a grant counts only while its giver owns the place and its taker is there', () => {
  const members = [holding(1, at('4')), holding(2, at('8')), holding(3, at('c'))];
  const isVoid = (grant: GrantTerms, some: readonly Descriptor[] = members): boolean =>
    new Ring(some, [grant]).rangeAt(grant.to)?.by !== 'grant';
  const grant = terms(2, 3, { from: at('4'), to: at('6') });
  assert.equal(isVoid(grant), false);
  assert.equal(isVoid({ ...grant, giver: members[0]!.nodeId }), true, 'the giver owns another range');
  assert.equal(isVoid({ ...grant, giver: unsigned(9).nodeId }), true, 'the giver owns nothing');
  assert.equal(isVoid(grant, [members[0]!, members[1]!]), true, 'the taker is gone');
  assert.equal(isVoid(grant, [members[0]!, members[2]!]), true, 'the giver is gone');
  assert.equal(isVoid(grant, [members[0]!, members[1]!, holding(3)]), true, 'the taker leaves');
  assert.equal(isVoid(grant, [...members, holding(4, at('7'))]), true, 'another token cut the range');
  assert.equal(isVoid({ ...grant, to: at('8') }), true, 'the whole range cannot be given');
  assert.equal(isVoid({ ...grant, epoch: 0 }), true, 'the epoch does not grow');
});

test('grants make chains, and a chain breaks where somebody is gone', () => {
  const members = [1, 2, 3, 4].map((n) => holding(n, at(String(2 * n))));
  const chain = [
    terms(4, 1, { from: at('6'), to: at('78') }),
    terms(1, 2, { from: at('6'), to: at('74'), epoch: 2 }),
    terms(2, 3, { from: at('6'), to: at('72'), epoch: 3 }),
  ];
  const ownerAt = (some: readonly Descriptor[], spot: Token, grants: readonly GrantTerms[] = chain): Descriptor =>
    new Ring(some, grants).ownerOf(spot as string as InfoHash)!;
  assert.equal(ownerAt(members, at('71')), members[2]);
  assert.equal(ownerAt(members, at('73')), members[1]);
  assert.equal(ownerAt(members, at('75')), members[0]);
  assert.equal(ownerAt(members, at('79')), members[3]);
  assert.equal(ownerAt(members, at('71'), chain.toReversed()), members[2]);
  const withoutSecond = members.filter((member) => member !== members[1]);
  assert.equal(ownerAt(withoutSecond, at('71')), members[0], 'what came after the missing link is void');
});

test('of two grants that exclude each other the same one counts whatever came first', () => {
  const members = [1, 2, 3, 4].map((n) => holding(n, at(String(2 * n))));
  const wide = terms(4, 1, { from: at('6'), to: at('78') });
  const narrow = terms(4, 2, { from: at('6'), to: at('74') });
  for (const grants of [
    [wide, narrow],
    [narrow, wide],
  ]) {
    const ring = new Ring(members, grants);
    assert.equal(ring.ownerOf(at('71') as string as InfoHash), members[1]);
    assert.equal(ring.ownerOf(at('75') as string as InfoHash), members[0]);
  }
  // Of a higher epoch, the narrow one is of what its giver gave away.
  const late = { ...narrow, epoch: 2 };
  assert.equal(new Ring(members, [wide, late]).ownerOf(at('71') as string as InfoHash), members[0]);
});

test(`owner sets are distinct, begin with the owner, and take other subnets first (seed ${SEED})`, () =>
  eachSeed(ROUNDS, (seed) => {
    const random = seededRandom(seed);
    const members = randomMembers(random).map((member, n) => {
      const addresses = [{ host: `8.8.${randomBelow(random, 3)}.${n + 1}`, port: 7373 }];
      return { ...member, seat: randomSeat(random), addresses, subnet: subnetOf({ addresses }) };
    });
    const ring = new Ring(members);
    const counted = members.filter(({ nodeId }) => ring.rangesOf(nodeId).length > 0);
    const subnets = new Set(counted.map(subnetOf));
    for (let i = 0; i < 20; i++) {
      const hash = randomHash(random);
      const set = ring.ownerSetOf(hash);
      assert.equal(set[0], ring.ownerOf(hash));
      assert.equal(new Set(set).size, set.length);
      assert.equal(set.length, Math.min(OWNERS, counted.length));
      assert.equal(new Set(set.map(subnetOf)).size, Math.min(OWNERS, subnets.size));
    }
  }));

test('the members after a position are distinct, in the order of the ring, and never the one left out', () => {
  const members = [holding(1, at('2'), at('4')), holding(2, at('6')), holding(3, at('8'))];
  const ring = new Ring(members);
  assert.deepEqual(ring.membersAfter(at('3'), 5).map(nameOf), members.map(nameOf));
  assert.deepEqual(ring.membersAfter(at('9'), 2).map(nameOf), members.slice(0, 2).map(nameOf));
  assert.deepEqual(ring.membersAfter(at('3'), 2, members[0]!.nodeId).map(nameOf), members.slice(1).map(nameOf));
});

test(`two supernodes of a public subnet and one of an address own anything, in every order (seed ${SEED})`, () => {
  for (const base of ['8.8.4.', '2a00:1:2::']) {
    const hosts = [1, 1, 2, 3, 3, 4].map((last) => `${base}${last}`);
    const crowd = hosts.map((host, n) => hosted(n + 1, host, String(n + 1)));
    const ownersIn = (order: readonly Descriptor[]): Descriptor[] => {
      const ring = new Ring([...order, hosted(50, '9.9.9.9')]);
      return crowd.filter(({ nodeId }) => ring.rangesOf(nodeId).length > 0);
    };
    // The lowest seats of different addresses.
    const expected = [crowd[0], crowd[2]];
    eachSeed(ROUNDS, (seed) => assert.deepEqual(ownersIn(shuffled(seededRandom(seed), crowd)), expected));
    assert.equal(expected.length, PER_SUBNET_MAX);
  }
});

test('neighbours of a /24 and of a /48 crowd each other, and private addresses crowd nobody', () => {
  const subnets = ['8.8.4.1', '8.8.5.1', '2a00:1:2:3::1', '2a00:1:2:4::1', '2a00:1:3::1'].map((host) =>
    subnetOf(hosted(1, host)),
  );
  assert.equal(subnets[2], subnets[3]);
  assert.equal(new Set(subnets).size, 4);
  for (const host of ['10.0.0.1', '192.168.1.1', '127.0.0.1', '169.254.1.1', 'fd00::1', 'fe80::1'])
    assert.equal(subnetOf(hosted(1, host)), undefined, host);
  const ring = new Ring([1, 2, 3, 4].map((n) => hosted(n, '10.0.0.1')));
  assert.equal(ring.size, 4);
});

test('a grant to a node that owns nothing because its subnet is crowded is void', () => {
  const crowd = [1, 2, 3].map((n) => hosted(n, `8.8.4.${n}`, String(n)));
  const giver = hosted(9, '9.9.9.9');
  const ring = new Ring([...crowd, giver], [terms(9, 3, { to: asHash(position(giver.tokens[0]!) - 1n) as never })]);
  assert.deepEqual(ring.rangesOf(crowd[2]!.nodeId), []);
});

test(`a ring that was changed again and again is the ring that its records make at once (seed ${SEED})`, () =>
  eachSeed(ROUNDS, (seed) => {
    const random = seededRandom(seed);
    const held = new Map<NodeId, Descriptor>();
    const grants = new Map<string, GrantTerms>();
    const ring = new Ring();
    const places = Array.from({ length: 4 }, () => randomToken(random));
    for (let i = 0; i < 40; i++) {
      const n = randomBelow(random, 8);
      const what = random();
      const member = hosted(n, `8.8.${n % 2}.${randomBelow(random, 3)}`, String(n % 4));
      const changed = {
        ...member,
        sequence: i,
        tokens: random() < 0.1 ? [] : [pick(random, places), ...member.tokens],
      };
      if (what < 0.6) {
        held.set(member.nodeId, changed);
        ring.put(changed);
      } else if (what < 0.75) {
        held.delete(member.nodeId);
        ring.take(member.nodeId);
      } else if (what < 0.95) {
        const grant = { ...grantTerms(random, held), to: randomToken(random) };
        grants.set(keyOf(grant), grant);
        ring.grant(keyOf(grant), grant);
      } else {
        const key = [...grants.keys()][0] ?? '';
        grants.delete(key);
        ring.revoke(key);
      }
      const made = new Ring(held.values(), grants.values());
      const all = [...held.values()];
      assert.deepEqual(rangesIn(ring, all), rangesIn(made, all));
      assert.equal(ring.size, made.size);
      const hash = randomHash(random);
      assert.deepEqual(ring.ownerSetOf(hash), made.ownerSetOf(hash));
      const draft = { ...changed, tokens: [randomToken(random)] };
      const drafted = [...all.filter(({ nodeId }) => nodeId !== draft.nodeId), draft];
      const withDraft = new Ring(drafted, grants.values());
      assert.deepEqual(rangesIn(ring.with(draft), drafted), rangesIn(withDraft, drafted));
      assert.deepEqual(rangesIn(ring, all), rangesIn(made, all), 'the ring itself stays as it is');
    }
  }));

test(`whoever owns something is drawn as often as any other, however many tokens it has (seed ${SEED})`, () => {
  const random = seededRandom(SEED);
  const members = Array.from({ length: 20 }, (_, n) => {
    const tokens = Array.from({ length: 1 + (n % 8) }, () => randomToken(random));
    return holding(n, ...tokens.toSorted());
  });
  const ring = new Ring(members);
  const [left, ...others] = members.map(({ nodeId }) => nodeId);
  const drawn = new Map<NodeId, number>();
  for (let i = 0; i < 2000; i++) {
    const sample = ring.sample(4, random, (nodeId) => nodeId === left).map(({ nodeId }) => nodeId);
    assert.equal(new Set(sample).size, 4);
    for (const nodeId of sample) drawn.set(nodeId, (drawn.get(nodeId) ?? 0) + 1);
  }
  assert.deepEqual([...drawn.keys()].toSorted(), others.toSorted());
  // Each is drawn 421 times on average, give or take 20.
  for (const times of drawn.values()) assert.ok(times > 300 && times < 540, `${times} times`);
  assert.deepEqual(
    new Ring([members[0]!]).sample(3, random, (nodeId) => nodeId === left),
    [],
  );
});

const keyOf = ({ giver, to }: GrantTerms): string => `${giver} ${to}`;

/** A grant between two who are there, if anybody is. */
function grantTerms(random: Random, held: ReadonlyMap<NodeId, Descriptor>): GrantTerms {
  const ids = [...held.keys(), unsigned(1).nodeId];
  return { ...terms(1, 2), giver: pick(random, ids), taker: pick(random, ids) };
}
