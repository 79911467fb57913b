import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AnswerBudget, type Verdict } from '../../dns/index.ts';
import { instant, later } from '../../src/base/index.ts';

const START = instant(0);
const tally = (verdicts: readonly Verdict[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const verdict of verdicts) counts[verdict] = (counts[verdict] ?? 0) + 1;
  return counts;
};
const decide = (budget: AnswerBudget, hosts: readonly string[], at = START): Record<string, number> =>
  tally(hosts.map((host) => budget.decide(host, at)));

test('a /24 and a /48 get 200 answers a second, and half of the rest are sent to TCP', () => {
  for (const hosts of [
    Array.from({ length: 400 }, (_, i) => `192.0.2.${i % 256}`),
    Array.from({ length: 400 }, (_, i) => `2001:db8:1:${i.toString(16)}::1`),
    Array.from({ length: 400 }, (_, i) => `::ffff:192.0.2.${i % 256}`),
  ]) {
    const budget = new AnswerBudget();
    assert.deepEqual(decide(budget, hosts), { answer: 200, drop: 100, truncate: 100 });
    assert.deepEqual(decide(budget, hosts.slice(0, 100), later(START, 500)), { answer: 100 });
  }
});

test('another network still gets its answers', () => {
  const budget = new AnswerBudget();
  decide(budget, Array(1000).fill('192.0.2.1'));
  assert.equal(budget.decide('192.0.3.1', START), 'answer');
  assert.equal(budget.decide('2001:db8:2::1', START), 'answer');
});
