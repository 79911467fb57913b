// Whom a node asks each round, and what it tells them of the next time; and what follows where somebody does not ask.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { instant, later, type NodeId, seededRandom, wallSeconds } from '../../src/base/index.ts';
import { verify } from '../../src/io/identity.ts';
import { APPOINTMENTS_MAX, Appointments } from '../../src/overlay/appointments.ts';
import { Context } from '../../src/overlay/context.ts';
import { sealDescriptor } from '../../src/overlay/index.ts';
import { PARTNERS_MAX, Partners } from '../../src/overlay/partners.ts';
import { identity, NOW, nobody, sha1, statement } from './fixtures.ts';
import { MapKeeper } from './mesh.ts';

/** The surroundings of node 1, which knows nodes 2 to `count`. */
function contextOf(count: number): Context {
  const { nodeId, sign } = identity(1);
  const capacity = { announcesPerSecond: 1000, peers: 1000, hashes: 1000, trackingBytesPerSecond: 1000 };
  const settings = {
    ...{ network: 'monsoon', self: nodeId, sign, verify, sha1, random: seededRandom(1), capacity },
    ...{ role: 'supernode' as const, addresses: () => [], roles: () => 0, keeper: new MapKeeper() },
    ...{ term: 0, sequence: 0 },
  };
  const context = new Context(settings, instant(0), NOW);
  for (let n = 1; n <= count; n++) join(context, n);
  return context;
}

function join(context: Context, n: number): void {
  const addresses = [{ host: `10.0.${n >> 8}.${n & 255}`, port: 7373 }];
  const said = statement({ addresses, sequence: 5, certificate: nobody, expires: wallSeconds(NOW + 3600) });
  context.view.offer(sealDescriptor(said, identity(n).nodeId, identity(n).sign, sha1));
}

test('a member is asked when it was told, whoever comes and goes, and all are asked in time', () => {
  const context = contextOf(30);
  const partners = new Partners(context);
  const promised = new Map<NodeId, number>();
  const asked = new Set<NodeId>();
  let promises = 0;
  const rounds = 600;
  for (let round = 0; round < rounds; round++) {
    if (round % 40 === 20) context.view.drop(identity(2 + round / 20).nodeId);
    if (round % 40 === 30) join(context, 31 + round);
    const { member, rounds: again } = partners.next()!;
    const { nodeId } = member;
    for (const [other, at] of promised) if (at === round && context.member(other)) assert.equal(nodeId, other);
    promised.delete(nodeId);
    asked.add(nodeId);
    if (again === undefined) continue;
    promised.set(nodeId, round + again);
    promises++;
  }
  assert.ok(promises > 0.9 * rounds, `${promises} promises`);
  const first = Array.from({ length: 29 }, (_, i) => identity(2 + i).nodeId).filter((nodeId) => context.member(nodeId));
  for (const nodeId of first) assert.ok(asked.has(nodeId), nodeId);
});

test('who must be turned to at once is a partner, or anybody while there are too few', () => {
  const context = contextOf(40);
  const partners = new Partners(context);
  const idsOf = (count: number, except?: NodeId): NodeId[] =>
    partners.some(count, new Set(except ? [except] : [])).map(({ nodeId }) => nodeId);
  assert.equal(new Set(idsOf(6)).size, 6, 'before anybody was asked');
  const asked = Array.from({ length: PARTNERS_MAX }, () => partners.next()!.member.nodeId);
  const turnedTo = new Set<NodeId>();
  for (let i = 0; i < 50; i++) {
    const some = idsOf(4, asked[0]);
    assert.equal(new Set(some).size, 4);
    for (const nodeId of some) turnedTo.add(nodeId);
  }
  assert.deepEqual([...turnedTo].toSorted(), asked.slice(1).toSorted());
  context.view.drop(asked[1]!);
  const more = idsOf(PARTNERS_MAX);
  assert.equal(new Set(more).size, PARTNERS_MAX);
  assert.ok(!more.includes(asked[1]!), 'it is no member any more');
  assert.equal(asked.filter((nodeId) => more.includes(nodeId)).length, PARTNERS_MAX - 1);
});

// With ten some are chosen again while a place that they had is over.
for (const members of [30, 10]) {
  test(`in between a partner of ${members} can be told the same round again`, () => tellsTheSame(members));
}

function tellsTheSame(members: number): void {
  const partners = new Partners(contextOf(members));
  const promised = new Map<NodeId, number>();
  for (let round = 0; round < 3000; round++) {
    for (const [nodeId, at] of promised) assert.equal(partners.roundsBefore(nodeId), at - round);
    const { member, rounds } = partners.next()!;
    if (rounds === undefined) {
      promised.delete(member.nodeId);
      assert.equal(partners.roundsBefore(member.nodeId), undefined);
    } else promised.set(member.nodeId, round + rounds);
  }
  assert.equal(partners.roundsBefore(identity(99).nodeId), undefined);
}

test('few have as many partners as there are, and none where nobody is', () => {
  const context = contextOf(1);
  const partners = new Partners(context);
  assert.equal(partners.next(), undefined);
  for (let n = 2; n < 20; n++) join(context, n);
  for (let i = 0; i < 4 * PARTNERS_MAX; i++) partners.next();
  const around = new Set(Array.from({ length: PARTNERS_MAX }, () => partners.next()!.member.nodeId));
  assert.equal(around.size, PARTNERS_MAX);
});

test('who does not ask when it said it would is missed once, and who is late, leaves or is gone is not', () => {
  const context = contextOf(5);
  const missed: NodeId[] = [];
  const appointments = new Appointments(context, (nodeId) => void missed.push(nodeId));
  const [silent, late, gone, quiet] = [2, 3, 4, 5].map((n) => identity(n).nodeId) as [NodeId, NodeId, NodeId, NodeId];
  for (const nodeId of [silent, late, gone, quiet]) appointments.note(nodeId, 4000);
  const run = (ms: number): void => {
    context.now = later(context.now, ms);
    appointments.tick();
  };
  run(4200);
  assert.deepEqual(missed, []);
  appointments.note(late, 4000);
  appointments.note(quiet, undefined);
  context.view.drop(gone);
  run(400);
  assert.deepEqual(missed, [silent]);
  run(3000);
  assert.deepEqual(missed, [silent]);
  run(1200);
  assert.deepEqual(missed, [silent, late]);
  assert.equal(appointments.deadline, undefined);
});

test('however many say that they will ask, so many are expected', () => {
  const context = contextOf(APPOINTMENTS_MAX + 20);
  let missed = 0;
  const appointments = new Appointments(context, () => void missed++);
  for (const { nodeId } of context.others()) appointments.note(nodeId, 1000);
  context.now = later(context.now, 2000);
  appointments.tick();
  assert.equal(missed, APPOINTMENTS_MAX);
});
