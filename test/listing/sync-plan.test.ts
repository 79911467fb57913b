import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Instant, instant, later, type NodeId } from '../../src/base/index.ts';
import {
  ASKED_ARCS_MAX,
  formatArcs,
  GAPS_MAX,
  PULLS_MAX,
  type PullRequest,
  parseArcs,
  SyncPlan,
} from '../../src/listing/index.ts';
import { nodeIdOf } from './signer.ts';
import { randomOf } from './titles.ts';

const START = instant(1000);
const AMPLE = { bytesPerSecond: 1e9, workShare: 1 };

/** A supernode of the model: entries of its own in the order in which it learned them. */
interface Server {
  readonly nodeId: NodeId;
  readonly entries: number[];
}

const PAGE = 100;
const ENTRY_BYTES = 200;

/** Lets one client pull until nothing is due for a while; returns what it knows after each answer, and the time. */
function pullAll(servers: readonly Server[], plan: SyncPlan, untilMs: number, isLost: () => boolean = () => false) {
  const known = new Set<number>();
  const sizes: number[] = [];
  let now: Instant = START;
  let bytes = 0;
  plan.setSources(
    servers.map(({ nodeId }) => nodeId),
    false,
    now,
  );
  while (now < START + untilMs) {
    const asked = [];
    for (let request = plan.next(now); request; request = plan.next(now)) asked.push(request);
    assert.ok(asked.length <= PULLS_MAX);
    for (const request of asked) {
      const { from, cursor } = request;
      if (isLost()) {
        plan.noteFailure(from, now);
        continue;
      }
      const { entries } = servers.find(({ nodeId }) => nodeId === from)!;
      const at = Number(cursor || '0');
      const page = entries.slice(at, at + PAGE);
      for (const entry of page) known.add(entry);
      bytes += page.length * ENTRY_BYTES;
      const reached = at + page.length;
      plan.noteAnswer(
        request,
        { cursor: String(reached), more: reached < entries.length, bytes: page.length * ENTRY_BYTES, workMs: 0 },
        now,
      );
      sizes.push(known.size);
    }
    now = asked.length > 0 ? later(now, 20) : plan.deadline(now);
  }
  return { known, sizes, bytes };
}

function serversOf(count: number, entries: number): Server[] {
  const servers = Array.from({ length: count }, (_, i): Server => ({ nodeId: idOf(i), entries: [] }));
  const random = randomOf(7);
  for (let entry = 0; entry < entries; entry++) servers[Math.floor(random() * count)]!.entries.push(entry);
  return servers;
}

const idOf = (i: number): NodeId => i.toString(16).padStart(64, '0') as NodeId;

test('N-15 N-34 a client of 200 supernodes learns all of 100,000 entries, never fewer than before, within its bytes', () => {
  const servers = serversOf(200, 100_000);
  const budget = { bytesPerSecond: 500_000, workShare: 1 };
  const { known, sizes, bytes } = pullAll(servers, new SyncPlan(budget, START), 120_000);
  assert.equal(known.size, 100_000);
  assert.ok(
    sizes.every((size, i) => i === 0 || size >= sizes[i - 1]!),
    'monotone',
  );
  assert.equal(bytes, 100_000 * ENTRY_BYTES, 'each entry is carried once');
  const { bytes: spent } = pullAll(servers, new SyncPlan(budget, START), 20_000);
  assert.ok(spent <= 500_000 * (20 + 10) + PULLS_MAX * PAGE * ENTRY_BYTES, `${spent} bytes in 20 s`);
});

test('answers that get lost delay and lose nothing', () => {
  const random = randomOf(3);
  const { known } = pullAll(serversOf(20, 2000), new SyncPlan(AMPLE, START), 600_000, () => random() < 0.3);
  assert.equal(known.size, 2000);
});

test('what is new later comes by the cursor alone', () => {
  const [server] = serversOf(1, 250);
  const plan = new SyncPlan(AMPLE, START);
  pullAll([server!], plan, 4000);
  server!.entries.push(9999);
  const now = later(START, 20_000);
  const request = plan.next(now);
  assert.deepEqual(request, { from: server!.nodeId, cursor: '250', scope: 'all' });
});

test('work is followed by rest, so that it takes no more than its share', () => {
  const plan = new SyncPlan({ bytesPerSecond: 1e9, workShare: 0.25 }, START);
  plan.setSources([nodeIdOf(1)], false, START);
  const request = plan.next(START)!;
  plan.noteAnswer(request, { cursor: 'x', more: true, bytes: 1, workMs: 10 }, START);
  assert.equal(plan.next(later(START, 29)), undefined);
  assert.ok(plan.next(later(START, 30)));
});

test('a supernode that is gone takes its cursor with it, and the others their turns', () => {
  const plan = new SyncPlan(AMPLE, START);
  plan.setSources([nodeIdOf(1), nodeIdOf(2)], false, START);
  const first = plan.next(START)!;
  assert.ok(plan.next(START));
  assert.equal(plan.next(START), undefined, 'each is asked once at a time');
  plan.noteFailure(first.from, START);
  plan.setSources([nodeIdOf(2)], false, START);
  assert.equal(plan.next(later(START, 700_000)), undefined, 'the other one has not answered yet');
});

test('few supernodes are asked for all they have, many for their own, and a wider question begins anew', () => {
  const plan = new SyncPlan(AMPLE, START);
  const many = Array.from({ length: 6 }, (_, i) => idOf(i));
  plan.setSources(many, false, START);
  const narrow = plan.next(START)!;
  assert.equal(narrow.scope, 'own');
  plan.noteAnswer(narrow, { cursor: '7', more: false, bytes: 1, workMs: 0 }, START);
  const asked = plan.next(START)!;
  plan.setSources(many, true, START);
  plan.noteAnswer(asked, { cursor: '9', more: false, bytes: 1, workMs: 0 }, START);
  const scopes = [];
  for (let request = plan.next(later(START, 9000)); request; request = plan.next(later(START, 9000)))
    scopes.push(request);
  assert.ok(scopes.every(({ scope, cursor }) => scope === 'kept' && cursor === ''));
  plan.setSources(many.slice(0, 2), false, later(START, 9000));
  const whole = new SyncPlan(AMPLE, START);
  whole.setSources(many.slice(0, 2), false, START);
  assert.equal(whole.next(START)!.scope, 'all');
});

test('when everything is wanted again, cursors begin anew, those under way included', () => {
  const plan = new SyncPlan(AMPLE, START);
  const [first, second] = [nodeIdOf(1), nodeIdOf(2)];
  plan.setSources([first, second], false, START);
  const done = plan.next(START)!;
  plan.noteAnswer(done, { cursor: '7', more: false, bytes: 1, workMs: 0 }, START);
  const underWay = plan.next(START)!;
  plan.restart(later(START, 1));
  plan.noteAnswer(underWay, { cursor: '9', more: false, bytes: 1, workMs: 0 }, later(START, 1));
  const anew = [plan.next(later(START, 1)), plan.next(later(START, 1))];
  assert.deepEqual(
    anew.map((request) => [request?.from, request?.cursor]),
    [
      [first, ''],
      [second, ''],
    ],
  );
});

test('of arcs that came to this node two others are asked for all, one page after the other, and somebody else where one fails', () => {
  const plan = new SyncPlan(AMPLE, START);
  const many = Array.from({ length: 6 }, (_, i) => idOf(i));
  plan.setSources(many, true, START);
  const arcs = [{ from: '1'.repeat(40), to: '2'.repeat(40) }];
  plan.fill(arcs);
  const answer = (request: PullRequest, cursor: string, more: boolean): void =>
    plan.noteAnswer(request, { cursor, more, bytes: 1, workMs: 0 }, START);
  const first = plan.next(START)!;
  assert.deepEqual([first.cursor, first.arcs], ['', arcs]);
  answer(first, '4000', true);
  const second = plan.next(START)!;
  assert.deepEqual([second.from, second.cursor, second.arcs], [first.from, '4000', arcs]);
  answer(second, '9000', false);
  const third = plan.next(START)!;
  assert.ok(
    third.arcs === first.arcs && third.from !== first.from && third.cursor === '',
    'somebody else from the beginning',
  );
  plan.noteFailure(third.from, START, third.arcs);
  const fourth = plan.next(START)!;
  assert.ok(fourth.arcs === first.arcs && ![first.from, third.from].includes(fourth.from));
  answer(fourth, '1', false);
  const rest = [];
  for (let request = plan.next(START); request; request = plan.next(START)) rest.push(request);
  assert.ok(rest.length > 0 && rest.every((request) => request.arcs === undefined && request.cursor === ''));
});

test('questions for arcs wait within a bound, and for nothing where everybody is asked for everything', () => {
  const plan = new SyncPlan(AMPLE, START);
  for (let i = 0; i < 2 * GAPS_MAX; i++) plan.fill([{ from: '1'.repeat(40), to: `${i}`.padStart(40, '2') }]);
  plan.setSources([idOf(1), idOf(2)], true, START);
  assert.equal(plan.next(START)!.arcs, undefined);
  const text = formatArcs(new Array(ASKED_ARCS_MAX).fill({ from: '1'.repeat(40), to: '2'.repeat(40) }));
  assert.equal(parseArcs(text)?.length, ASKED_ARCS_MAX);
  assert.deepEqual(parseArcs(`${'1'.repeat(12)}-${'2'.repeat(12)}`), [
    { from: '1'.repeat(12).padEnd(40, '0'), to: '2'.repeat(12).padEnd(40, 'f') },
  ]);
  for (const wrong of ['', `${text},${'1'.repeat(12)}-${'2'.repeat(12)}`, 'x-y', `${'1'.repeat(12)}-`]) {
    assert.equal(parseArcs(wrong), undefined, wrong);
  }
});
