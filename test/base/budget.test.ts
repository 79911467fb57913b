import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Budget, instant, later, SourceBudgets } from '../../src/base/index.ts';

const START = instant(1000);

test('a budget gives its burst at once and its rate from then on', () => {
  const budget = new Budget({ perSecond: 10, burst: 5 }, START);
  let given = 0;
  for (let ms = 0; ms < 10_000; ms++) if (budget.take(1, later(START, ms))) given++;
  assert.ok(given >= 104 && given <= 105, `${given}`);
});

test('what is refused costs nothing, and a clock that stands still or jumps back gives nothing', () => {
  const budget = new Budget({ perSecond: 1000, burst: 100 }, START);
  assert.equal(budget.take(101, START), false);
  assert.equal(budget.take(100, START), true);
  assert.equal(budget.take(1, later(START, -5000)), false);
});

test('sources do not spend from each other', () => {
  const budgets = new SourceBudgets({ perSecond: 1, burst: 2 }, 10);
  assert.deepEqual(
    ['a', 'a', 'a', 'b', 'b', 'b'].map((source) => budgets.take(source, 1, START)),
    [true, true, false, true, true, false],
  );
});

test('the longest unseen source is forgotten first, so a source that keeps asking stays remembered', () => {
  const budgets = new SourceBudgets({ perSecond: 0, burst: 1 }, 3);
  assert.equal(budgets.take('busy', 1, START), true);
  for (let n = 0; n < 20; n++) {
    assert.equal(budgets.take(`other ${n}`, 1, START), true);
    assert.equal(budgets.take('busy', 1, START), false);
  }
  assert.equal(budgets.take('other 0', 1, START), true);
});
