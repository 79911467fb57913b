import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AnswerBudget, type Verdict } from '../../dns/index.ts';
import { instant, later, parseIp } from '../../src/base/index.ts';

const START = instant(0);
const tally = (verdicts: readonly Verdict[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const verdict of verdicts) counts[verdict] = (counts[verdict] ?? 0) + 1;
  return counts;
};
const decide = (budget: AnswerBudget, hosts: readonly string[], at = START): Record<string, number> =>
  tally(hosts.map((host) => budget.decide(parseIp(host)!, at)));

test('a /24 and a /48 get 200 answers a second, and every second query beyond is sent to TCP', () => {
  for (const host of ['192.0.2.7', '2001:db8:1::1', '::ffff:192.0.2.7']) {
    const budget = new AnswerBudget(200);
    assert.deepEqual(decide(budget, Array(400).fill(host)), { answer: 200, drop: 100, truncate: 100 });
    assert.deepEqual(decide(budget, Array(100).fill(host), later(START, 500)), { answer: 100 });
  }
});

test('an address beside the victim is sent to TCP at once, however large the flood is', () => {
  for (const [victim, neighbours] of [
    ['192.0.2.7', ['192.0.2.8', '192.0.2.250']],
    ['2001:db8:1:1::1', ['2001:db8:1:2::1', '2001:db8:1:3::1']],
  ] as const) {
    const budget = new AnswerBudget(200);
    decide(budget, Array(20_000).fill(victim));
    for (const neighbour of neighbours) assert.equal(budget.decide(parseIp(neighbour)!, START), 'truncate');
  }
});

test('what goes to one network is bounded, whoever in it the flood pretends to be', () => {
  for (const hosts of [
    Array.from({ length: 20_000 }, () => '192.0.2.1'),
    Array.from({ length: 20_000 }, (_, i) => `192.0.2.${i % 256}`),
    Array.from({ length: 20_000 }, (_, i) => `2001:db8:1:${i.toString(16)}::1`),
  ]) {
    const counts = decide(new AnswerBudget(200), hosts);
    assert.equal(counts.answer, 200);
    assert.ok(counts.truncate! <= 356, JSON.stringify(counts));
  }
});

test('a rate of 0 lifts the limit', () => {
  assert.deepEqual(decide(new AnswerBudget(0), Array(1000).fill('192.0.2.7')), { answer: 1000 });
});

test('another network still gets its answers', () => {
  const budget = new AnswerBudget(200);
  decide(budget, Array(1000).fill('192.0.2.1'));
  assert.equal(budget.decide(parseIp('192.0.3.1')!, START), 'answer');
  assert.equal(budget.decide(parseIp('2001:db8:2::1')!, START), 'answer');
});
