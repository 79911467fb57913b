// Who gets a link's place, with a clock of its own.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Instant, instant, later } from '../../src/base/index.ts';
import { IDLE_LINK_MS, LinkBudget, type LinkPlace } from '../../src/session/index.ts';

const START = instant(1000);

/** A link in a place, which gives it back when it has to leave. */
function hold(budget: LinkBudget, place: LinkPlace, usefulAt: Instant, left: () => void = () => {}) {
  const link = {
    usefulAt,
    hasLeft: false,
    giveWay(): void {
      link.hasLeft = true;
      budget.give(place);
      left();
    },
  };
  place.holder = link;
  return link;
}

test('links that dialled us leave a quarter of the places to those that we dial', () => {
  const budget = new LinkBudget({ linksMax: 8, hostLinksMax: 8 });
  const taken = (from?: string): number => {
    let count = 0;
    while (budget.take(from, START)) count++;
    return count;
  };
  assert.equal(taken('127.0.0.1'), 6);
  assert.equal(taken(), 2);
});

test('a public host has few incoming links, by its /64 where it has IPv6; the local network is not counted', () => {
  const budget = new LinkBudget({ linksMax: 100, hostLinksMax: 2 });
  const take = (from?: string) => budget.take(from, START);
  const first = take('2a00:1:2:3::1')!;
  assert.ok(take('2a00:1:2:3:ffff::2'));
  assert.equal(budget.hasRoom('2a00:1:2:3::9', START), false);
  assert.equal(take('2a00:1:2:3::9'), undefined);
  assert.ok(take('2a00:1:2:4::1') && take('8.8.8.8') && take('8.8.8.9'));
  assert.ok(take(), 'whom we dial');
  assert.ok([1, 2, 3].every(() => take('192.168.1.1') && take('127.0.0.1')));
  budget.give(first);
  assert.ok(take('2a00:1:2:3::9'));
});

test('when all places are taken the longest idle link gives way, and none that was of use lately', () => {
  const budget = new LinkBudget({ linksMax: 3, hostLinksMax: 3 });
  const take = (at: Instant) => budget.take(undefined, at);
  const [busy, idle, idlest] = [3, 2, 1].map((age) => hold(budget, take(START)!, later(START, -age)));
  busy!.usefulAt = later(START, IDLE_LINK_MS);
  assert.equal(take(START), undefined);
  const end = later(START, IDLE_LINK_MS);
  const newcomers = [hold(budget, take(end)!, end), hold(budget, take(end)!, end)];
  assert.deepEqual([busy!.hasLeft, idle!.hasLeft, idlest!.hasLeft], [false, true, true]);
  assert.equal(take(end), undefined);
  assert.ok(newcomers.every((link) => !link.hasLeft));
  assert.ok(take(later(end, IDLE_LINK_MS)));
});

test('a host with all its links replaces its own idle one, and an incoming link replaces incoming ones', () => {
  const budget = new LinkBudget({ linksMax: 4, hostLinksMax: 2 });
  const dialled = hold(budget, budget.take(undefined, START)!, later(START, -3));
  const other = hold(budget, budget.take('8.8.4.4', START)!, later(START, -2));
  const [first, second] = [1, 0].map((age) => hold(budget, budget.take('8.8.8.8', START)!, later(START, -age)));
  const end = later(START, IDLE_LINK_MS);
  assert.ok(budget.take('8.8.8.8', end));
  assert.deepEqual(
    [dialled, other, first!, second!].map((link) => link.hasLeft),
    [false, false, true, false],
  );
  assert.ok(budget.take('1.1.1.1', end));
  assert.deepEqual(
    [dialled, other, second!].map((link) => link.hasLeft),
    [false, true, false],
  );
});

test('whoever looks for another link because one gave way does not push out the next', () => {
  const budget = new LinkBudget({ linksMax: 2, hostLinksMax: 2 });
  const take = (at: Instant) => budget.take(undefined, at);
  const end = later(START, IDLE_LINK_MS);
  const again: (LinkPlace | undefined)[] = [];
  const links = [0, 1].map(() => hold(budget, take(START)!, START, () => again.push(take(end))));
  assert.ok(take(end));
  assert.deepEqual(again, [undefined]);
  assert.equal(links.filter((link) => link.hasLeft).length, 1);
});
