import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Instant, instant, type NodeId, seededRandom } from '../../src/base/index.ts';
import { verify } from '../../src/io/identity.ts';
import { areVotesGood } from '../../src/overlay/certificate.ts';
import { Context } from '../../src/overlay/context.ts';
import { Duties } from '../../src/overlay/duties.ts';
import type { OverlayMessage, Seat } from '../../src/overlay/index.ts';
import { candidacy, identity, NOW, sha1, unsigned } from './fixtures.ts';
import { hashAt, MapKeeper, Mesh, type MeshNode } from './mesh.ts';

const HOUR_MS = 3_600_000;
const CAPACITY = { announcesPerSecond: 1000, peers: 1000, hashes: 1000, trackingBytesPerSecond: 1000 };

type VoteRequest = Extract<OverlayMessage, { type: 'vote' }>;
const request = (mesh: Mesh, { address }: MeshNode, changes: Partial<VoteRequest> = {}): VoteRequest => ({
  type: 'vote',
  addresses: [address],
  term: 1,
  issued: mesh.wall,
  seat: undefined,
  ...changes,
});
const outcome = (answer: OverlayMessage): string => (answer.type === 'refused' ? answer.why : answer.type);

test('a witness gives one vote for a term, and that for this candidacy alone', () => {
  const mesh = new Mesh(31);
  const [witness] = mesh.grow(3);
  const candidate = mesh.add({ role: 'client' });
  const issued = mesh.wall;
  const first = mesh.ask(witness!, candidate, request(mesh, candidate, { issued }));
  assert.ok(first.type === 'voted');
  const vote = { witness: witness!.nodeId, signature: first.signature };
  assert.ok(areVotesGood([vote], candidacy(candidate.n, { host: candidate.address.host, issued }), verify));
  const again = (term: number): string => outcome(mesh.ask(witness!, candidate, request(mesh, candidate, { term })));
  assert.deepEqual([1, 0, 2, 2].map(again), [
    'I have voted in that term',
    'I have voted in that term',
    'voted',
    'I have voted in that term',
  ]);
});

test('a witness votes for nobody whom it does not reach, whose clock is wrong, or whose seat it does not know', () => {
  const mesh = new Mesh(32);
  const [witness] = mesh.grow(3);
  const candidate = mesh.add({ role: 'client' });
  const ask = (changes: Partial<VoteRequest>): string =>
    outcome(mesh.ask(witness!, candidate, request(mesh, candidate, changes)));
  assert.match(ask({ issued: mesh.wall - 601 }), /clock/);
  assert.match(ask({ issued: mesh.wall + 602 }), /clock/);
  assert.match(ask({ seat: 'ab'.repeat(20) as Seat }), /no such term/);
  mesh.isOpen = (_, to) => to !== candidate;
  assert.match(ask({}), /cannot be reached/);
  mesh.isOpen = () => true;
  assert.equal(ask({}), 'voted', 'a refused vote is not a vote given');
});

test('the third supernode of a public subnet, and the second of an address, get no vote and cannot stand', () => {
  const mesh = new Mesh(33);
  const [witness] = mesh.grow(3);
  for (const host of ['8.8.4.1', '8.8.4.2']) mesh.join(witness!, { host });
  mesh.until('both to serve', () => mesh.nodes.every(({ overlay }) => overlay.members === 5), 200);
  const tried = ['8.8.4.3', '8.8.4.1', '8.8.5.1'].map((host) => {
    const candidate = mesh.add({ role: 'client', host });
    const voted = outcome(mesh.ask(witness!, candidate, request(mesh, candidate)));
    const stand = { addresses: [candidate.address], capacity: CAPACITY, uptimeSeconds: 9, isVolunteer: false, term: 0 };
    return [voted, outcome(mesh.ask(witness!, candidate, { type: 'stand', ...stand }))];
  });
  const crowded = 'there are enough supernodes in that subnet';
  assert.deepEqual(tried, [
    [crowded, crowded],
    [crowded, crowded],
    ['voted', 'accepted'],
  ]);
});

test('a witness connects to nobody but the candidate: not where a stranger says that he is, and to one of a source at a time', () => {
  const mesh = new Mesh(35);
  const [witness] = mesh.grow(3);
  const [victim, candidate, other] = ['8.8.4.1', '8.8.5.1', '8.8.5.1'].map((host) =>
    mesh.add({ role: 'client', host }),
  );
  const asked: string[] = [];
  mesh.watch = (from, { type }) => {
    if (from === witness && (type === 'hello' || type === 'nominate')) asked.push(type);
  };
  const { addresses } = request(mesh, victim!);
  const stand = { type: 'stand', addresses, capacity: CAPACITY, uptimeSeconds: 9, isVolunteer: true, term: 0 } as const;
  assert.match(outcome(mesh.ask(witness!, candidate!, request(mesh, victim!))), /do not come from there/);
  assert.match(outcome(mesh.ask(witness!, candidate!, stand)), /do not come from there/);
  assert.deepEqual(asked, []);
  const vote = { type: 'asked', exchange: 1e9, from: other!.nodeId, address: other!.address } as const;
  mesh.feed(witness!, { ...vote, message: request(mesh, other!) });
  assert.match(outcome(mesh.ask(witness!, candidate!, request(mesh, candidate!))), /others are voted for now/);
  mesh.run(1);
  assert.equal(outcome(mesh.ask(witness!, candidate!, request(mesh, candidate!))), 'voted');
});

test('a witness takes part in four elections of a public subnet in an hour', () => {
  const mesh = new Mesh(34);
  const [witness] = mesh.grow(3);
  const outcomes = [1, 2, 3, 4, 5].map((last) => {
    const candidate = mesh.add({ role: 'client', host: `8.8.4.${last}` });
    return outcome(mesh.ask(witness!, candidate, request(mesh, candidate)));
  });
  assert.deepEqual(outcomes.slice(0, 4), ['voted', 'voted', 'voted', 'voted']);
  assert.match(outcomes[4]!, /enough nodes of that subnet/);
});

/** A supernode that knows of four others, by itself. */
function lone(seed: number): Context {
  const settings = {
    network: 'monsoon',
    self: identity(1).nodeId,
    sign: identity(1).sign,
    verify,
    sha1,
    random: seededRandom(seed),
    role: 'supernode',
    addresses: () => [],
    capacity: CAPACITY,
    roles: () => 0,
    keeper: new MapKeeper(),
    term: 0,
    sequence: 0,
  } as const;
  const context = new Context(settings, instant(0), NOW);
  for (const n of [1, 2, 3, 4]) context.view.offer(unsigned(n));
  return context;
}

/** Whom a supernode that needs somebody nominates, of an honest node and one that says it is up for years. */
function nominated(seed: number, honestSince: Instant, liarSince: Instant): NodeId {
  const context = lone(seed);
  const duties = new Duties(context);
  const end = 8 * HOUR_MS;
  for (let at = 0; at <= end; at += 300_000) {
    context.now = instant(at);
    for (const [n, since, claimed] of [
      [11, honestSince, (at - honestSince) / 1000],
      [12, liarSince, 10 ** 9],
    ] as const) {
      const addresses = [{ host: `10.1.1.${n}`, port: 7373 }];
      const said = { addresses, capacity: CAPACITY, uptimeSeconds: Math.floor(claimed), isVolunteer: false, term: 0 };
      const from = { nodeId: identity(n).nodeId, address: addresses[0]! };
      if (at >= since) duties.noteStand(from, { type: 'stand', ...said });
    }
    if (at === end) duties.call('a test');
    duties.tick();
  }
  for (const effect of context.exchanges.take())
    if (effect.type === 'event' && effect.event.type === 'nominated') return effect.event.nodeId;
  throw new Error('nobody was nominated');
}

test('W-30 hours up count as the supernode saw them: who claims years does not win by it', () => {
  const [honest, liar] = [identity(11).nodeId, identity(12).nodeId];
  const newcomer = instant(8 * HOUR_MS - 600_000);
  for (let seed = 0; seed < 50; seed++) assert.equal(nominated(seed, instant(0), newcomer), honest);
  const even = Array.from({ length: 50 }, (_, seed) => nominated(seed, instant(0), instant(0)));
  assert.ok(even.includes(honest) && even.includes(liar), 'of two that are there as long, chance decides');
});

test('a volunteer is elected soon, however many keys of one address volunteer as well', () => {
  const mesh = new Mesh(7);
  const nodes = mesh.grow(4);
  mesh.run(60);
  const honest = mesh.join(nodes[0]!, { host: '5.6.7.8' });
  const address = { host: '9.9.9.9', port: 4444 };
  const capacity = { announcesPerSecond: 1e6, peers: 1e6, hashes: 1e6, trackingBytesPerSecond: 1e6 };
  const said = { addresses: [address], capacity, uptimeSeconds: 1e6, isVolunteer: true, term: 0 };
  const before = nodes.flatMap(({ events }) => events).length;
  let count = 0;
  for (let second = 0; second < 40 && !honest.overlay.isSupernode; second++) {
    for (let i = 0; i < 10; i++) {
      for (const node of [...nodes, ...nodes, ...nodes, ...nodes, ...nodes]) {
        const from = identity(10_000 + (count % 500)).nodeId;
        const message = { type: 'stand', ...said } as const;
        mesh.feed(node, { type: 'asked', exchange: 1e9 + count++, from, address, message });
      }
      mesh.run(0.1);
    }
  }
  assert.equal(honest.overlay.isSupernode, true);
  assert.ok(nodes.every(({ overlay }) => overlay.candidates <= 3));
  const told = nodes.flatMap(({ events }) => events).slice(before);
  const nominations = told.filter(({ type }) => type === 'nominated').length;
  assert.ok(nominations <= 4 * 4 * 40, `${nominations} nominations`);
});

test('who is called for is nominated at once: a supernode whose term ended is there for three seconds more', () => {
  const context = lone(1);
  const duties = new Duties(context);
  const from = { nodeId: identity(11).nodeId, address: { host: '10.1.1.11', port: 7373 } };
  const said = { addresses: [from.address], capacity: CAPACITY, uptimeSeconds: 9, isVolunteer: false, term: 0 };
  duties.noteStand(from, { type: 'stand', ...said });
  duties.tick();
  context.now = instant(300);
  duties.call('a test');
  assert.equal(duties.deadline, context.now);
  duties.tick();
  assert.ok(context.exchanges.take().some((effect) => effect.type === 'event' && effect.event.type === 'nominated'));
});

test('volunteers of many public subnets that join one node at the same time come to one view', () => {
  const mesh = new Mesh(26);
  const first = mesh.grow(1, { host: '9.1.1.1' })[0]!;
  for (let i = 0; i < 11; i++) mesh.join(first, { host: `9.1.${i + 2}.1` });
  mesh.until('one view', () => mesh.nodes.every(({ overlay }) => overlay.members === 12), 180);
});

test('a supernode that hands over is not due for what only one that serves does', () => {
  const mesh = new Mesh(61);
  const nodes = mesh.grow(4);
  mesh.run(20);
  const leaver = nodes[1]!;
  const other = nodes[2]!;
  // It cannot finish: nobody hears what it would hand over.
  mesh.isLost = (from, _to, { type }) => from === leaver && (type === 'announces' || type === 'frame');
  for (let i = 0; i < 50; i++) leaver.keeper.announce(hashAt(mesh.random), 'peer');
  mesh.until('a replica to have missed something', () => !leaver.overlay.isReplicated, 30);
  const { sequence } = leaver.overlay.view.get(leaver.nodeId)!;
  const suspects = [{ nodeId: leaver.nodeId, sequence }];
  const message = { type: 'gossip', digests: [], suspects, view: '0'.repeat(16), againMs: undefined } as const;
  mesh.feed(leaver, { type: 'asked', exchange: 1_000_000, from: other.nodeId, address: other.address, message });
  mesh.feed(leaver, { type: 'drain' });
  assert.equal(leaver.overlay.phase, 'leaving');
  mesh.run(1);
  assert.equal(leaver.overlay.phase, 'leaving');
  mesh.feed(leaver, { type: 'tick', wall: mesh.wall });
  assert.ok(leaver.overlay.deadline.at > mesh.now, leaver.overlay.deadline.why);
});
