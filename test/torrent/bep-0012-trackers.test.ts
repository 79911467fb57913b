// The announce schedule: tiers (BEP 12), events and intervals (BEP 3).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Instant, instant, randomBelow, seededRandom } from '../../src/base/index.ts';
import { type AnnounceEffect, type AnnounceInput, Announces, TrackerTurns } from '../../src/torrent/index.ts';
import { eachSeed, SEED } from '../seed.ts';

class Bench {
  readonly announces: Announces;
  now: Instant = instant(0);

  constructor(tiers: readonly (readonly string[])[], seed = 1) {
    this.announces = new Announces(tiers, seededRandom(seed), new TrackerTurns(seededRandom(1)));
  }

  say(input: AnnounceInput): string[] {
    this.announces.input(input, this.now);
    return this.announces.effects().map(({ tracker, event }: AnnounceEffect) => `${tracker} ${event ?? '-'}`);
  }

  answer(intervalSeconds = 1800, minIntervalSeconds = 60): string[] {
    return this.say({ type: 'answered', intervalSeconds, minIntervalSeconds });
  }

  fail(): string[] {
    return this.say({ type: 'failed', text: 'no' });
  }

  /** Waits for the deadline; how long that was, in seconds, and what was sent then. */
  due(): [number, string[]] {
    const { deadline } = this.announces;
    assert.ok(deadline, 'there is something to wait for');
    const seconds = (deadline.at - this.now) / 1000;
    this.now = deadline.at;
    return [seconds, this.say({ type: 'tick' })];
  }
}

test('begin says started, completion says completed, the end says stopped', () => {
  const bench = new Bench([['a']]);
  assert.deepEqual(bench.say({ type: 'begin' }), ['a started']);
  assert.equal(bench.announces.deadline, undefined, 'one request at a time');
  bench.answer();
  assert.deepEqual(bench.say({ type: 'complete' }), ['a completed']);
  bench.answer();
  assert.deepEqual(bench.say({ type: 'end' }), ['a stopped']);
  assert.equal(bench.announces.deadline, undefined);
});

test('nothing is said to a tracker that never heard of us, nor without trackers', () => {
  const silent = new Bench([['a']]);
  silent.say({ type: 'begin' });
  assert.deepEqual(silent.say({ type: 'end' }), []);
  const bare = new Bench([[], []]);
  assert.equal(bare.announces.hasTrackers, false);
  assert.deepEqual(bare.say({ type: 'begin' }), []);
  assert.equal(bare.announces.deadline, undefined);
  assert.deepEqual(bare.say({ type: 'hungry', isHungry: true }), []);
});

test('the interval of the tracker is kept, within ten per cent and never below its minimum', () => {
  for (let seed = 0; seed < 50; seed++) {
    const bench = new Bench([['a']], seed);
    bench.say({ type: 'begin' });
    bench.answer(1000, 990);
    const [seconds, sent] = bench.due();
    assert.ok(seconds >= 990 && seconds <= 1100, `${seconds} s`);
    assert.deepEqual(sent, ['a -']);
  }
});

test('absurd intervals are taken as 30 s to an hour', () => {
  for (const [interval, from, to] of [
    [0, 27, 33],
    [-5, 27, 33],
    [1e15, 3240, 3960],
  ] as const) {
    const bench = new Bench([['a']]);
    bench.say({ type: 'begin' });
    bench.answer(interval, interval);
    const [seconds] = bench.due();
    assert.ok(seconds >= from && seconds <= to, `${seconds} s for ${interval}`);
  }
});

test('a torrent without peers asks as soon as the tracker allows, and no sooner', () => {
  const bench = new Bench([['a']]);
  bench.say({ type: 'begin' });
  bench.answer(1800, 120);
  for (let second = 0; second < 110; second++) {
    bench.now = instant(bench.now + 1000);
    assert.deepEqual(bench.say({ type: 'hungry', isHungry: true }), []);
  }
  assert.deepEqual(bench.due(), [10, ['a -']]);
  // Hungry while the request is under way changes nothing.
  assert.deepEqual(bench.say({ type: 'hungry', isHungry: true }), []);
  bench.answer(1800, 120);
  assert.deepEqual(bench.due(), [120, ['a -']]);
});

test('hunger does not hurry a tracker that fails', () => {
  const bench = new Bench([['a']]);
  bench.say({ type: 'begin' });
  bench.answer(1800, 30);
  let requests = 0;
  for (let second = 0; second < 3600; second++) {
    bench.now = instant(bench.now + 1000);
    const sent = [...bench.say({ type: 'hungry', isHungry: true }), ...bench.say({ type: 'tick' })];
    for (const _ of sent) {
      requests++;
      bench.fail();
    }
  }
  assert.ok(requests > 3 && requests < 15, `${requests} requests in an hour`);
});

test('all trackers of a tier are tried, then the next tier, then a rest that doubles up to a quarter of an hour', () => {
  const bench = new Bench([['a', 'b'], ['c']]);
  const rests: number[] = [];
  let sent = bench.say({ type: 'begin' });
  for (let round = 0; round < 12; round++) {
    const order = [...sent, ...bench.fail(), ...bench.fail()].map((line) => line.replace(' started', ''));
    assert.deepEqual(new Set(order.slice(0, 2)), new Set(['a', 'b']));
    assert.equal(order[2], 'c');
    assert.deepEqual(bench.fail(), []);
    const [seconds, next] = bench.due();
    rests.push(seconds);
    sent = next;
  }
  assert.equal(bench.announces.failure, 'no');
  for (const [round, rest] of rests.entries()) {
    const wanted = Math.min(5 * 2 ** round, 900);
    assert.ok(rest >= wanted * 0.79 && rest <= wanted * 1.21, `rest ${round} was ${rest} s`);
  }
});

test('a tracker that answers moves to the front of its tier', () => {
  const bench = new Bench([['a', 'b', 'c']]);
  const [first] = bench.say({ type: 'begin' });
  const [second] = bench.fail();
  bench.answer();
  assert.equal(bench.announces.trackers[0], second!.split(' ')[0]);
  assert.notEqual(first, second);
  assert.deepEqual(bench.due()[1], [`${bench.announces.trackers[0]} -`]);
});

test('each announce begins with the first tier again, and the farewell goes to who knows us', () => {
  const bench = new Bench([['a'], ['b']]);
  assert.deepEqual(bench.say({ type: 'begin' }), ['a started']);
  assert.deepEqual(bench.fail(), ['b started']);
  bench.answer();
  assert.deepEqual(bench.due()[1], ['a -']);
  assert.deepEqual(bench.fail(), ['b -']);
  bench.answer();
  assert.deepEqual(bench.say({ type: 'end' }), ['b stopped']);
});

test('trackers of one tier are asked in an order that differs between nodes', () => {
  const tier = ['a', 'b', 'c', 'd'];
  const firsts = new Set(Array.from({ length: 30 }, (_, seed) => new Bench([tier], seed).say({ type: 'begin' })[0]));
  assert.equal(firsts.size, 4);
});

test('completion while a request is under way is told after it', () => {
  const bench = new Bench([['a']]);
  bench.say({ type: 'begin' });
  bench.answer();
  bench.due();
  assert.deepEqual(bench.say({ type: 'complete' }), []);
  assert.deepEqual(bench.answer(), ['a completed']);
});

test('an event whose request fails is told later', () => {
  const bench = new Bench([['a']]);
  bench.say({ type: 'begin' });
  bench.answer();
  assert.deepEqual(bench.say({ type: 'complete' }), ['a completed']);
  bench.fail();
  assert.deepEqual(bench.due()[1], ['a completed']);
});

test('completion while `started` fails does not displace it', () => {
  const bench = new Bench([['a']]);
  bench.say({ type: 'begin' });
  bench.say({ type: 'complete' });
  bench.fail();
  assert.deepEqual(bench.due()[1], ['a started']);
});

test('new trackers hear `started` at once, and the late reply of an old one says nothing about them', () => {
  const bench = new Bench([['old']]);
  bench.say({ type: 'begin' });
  assert.deepEqual(bench.say({ type: 'trackers', tiers: [['new']] }), [], 'one request at a time');
  assert.deepEqual(bench.fail(), ['new started']);
  assert.equal(bench.announces.failure, undefined);
  bench.answer();
  assert.ok(bench.announces.hasAnswered);
  assert.deepEqual(bench.say({ type: 'trackers', tiers: [['newer']] }), ['newer started']);
  assert.equal(bench.announces.hasAnswered, false);
});

test('a torrent that gets its first trackers while it runs announces at once', () => {
  const bench = new Bench([]);
  bench.say({ type: 'begin' });
  assert.deepEqual(bench.say({ type: 'trackers', tiers: [['a']] }), ['a started']);
});

test('a slow tracker is overtaken by the next, which hears the same, and its late failure changes nothing', () => {
  const bench = new Bench([['a'], ['b'], ['c']]);
  bench.say({ type: 'begin' });
  assert.deepEqual(bench.say({ type: 'slow', tracker: 'a' }), ['b started']);
  assert.deepEqual(bench.say({ type: 'slow', tracker: 'a' }), [], 'it is overtaken once');
  assert.deepEqual(bench.say({ type: 'failed', text: 'silent', tracker: 'a' }), []);
  assert.deepEqual(bench.say({ type: 'failed', text: 'no', tracker: 'b' }), ['c started']);
  bench.answer();
  assert.deepEqual(bench.due()[1], ['a -'], 'the next announce begins with it');
});

test('a slow tracker that answers after all is not asked before it allows, and hears the farewell if nobody else answered', () => {
  const bench = new Bench([['a'], ['b']]);
  bench.say({ type: 'begin' });
  bench.say({ type: 'slow', tracker: 'a' });
  bench.say({ type: 'answered', tracker: 'a', intervalSeconds: 1800, minIntervalSeconds: 120 });
  assert.ok(bench.announces.hasAnswered);
  bench.fail();
  const allowedAt = 120_000;
  for (let sent: string[] = []; sent[0] !== 'a started'; bench.fail()) {
    [, sent] = bench.due();
    assert.ok(sent.length === 0 || sent[0] === 'b started' || bench.now >= allowedAt, `${sent} at ${bench.now}`);
  }
  assert.deepEqual(bench.say({ type: 'end' }), ['a stopped']);
});

test('a slow tracker is waited for where no other may be asked', () => {
  for (const [outcome, from, to] of [
    [{ type: 'failed', text: 'silent', tracker: 'a' }, 8, 12],
    [{ type: 'answered', intervalSeconds: 1800, minIntervalSeconds: 60, tracker: 'a' }, 60, 60],
  ] as const) {
    const bench = new Bench([['a'], ['b']]);
    bench.say({ type: 'begin' });
    bench.say({ type: 'slow', tracker: 'a' });
    assert.deepEqual(bench.say({ type: 'slow', tracker: 'b' }), [], 'the last one');
    bench.say({ type: 'failed', text: 'no', tracker: 'b', retryMinutes: 'never' });
    bench.now = instant(bench.now + 20_000);
    assert.deepEqual([bench.say({ type: 'tick' }), bench.announces.deadline], [[], undefined], 'a is still asked');
    bench.say(outcome);
    const [seconds, sent] = bench.due();
    assert.ok(seconds >= from && seconds <= to, `${seconds} s`);
    assert.deepEqual(sent, ['a started']);
  }
});

test('new trackers do not wait for a slow one of the old', () => {
  const bench = new Bench([['old']]);
  bench.say({ type: 'begin' });
  assert.deepEqual(bench.say({ type: 'trackers', tiers: [['new']] }), []);
  assert.deepEqual(bench.say({ type: 'slow', tracker: 'old' }), ['new started']);
  bench.say({ type: 'failed', text: 'silent', tracker: 'old' });
  assert.equal(bench.announces.failure, undefined);
  bench.say({ type: 'answered', tracker: 'new', intervalSeconds: 1800, minIntervalSeconds: 60 });
  assert.ok(bench.announces.hasAnswered);
});

test(`however slow trackers are, each is asked once at a time and none is forgotten (seed ${SEED})`, () => {
  eachSeed(60, (seed) => {
    const random = seededRandom(seed);
    const bench = new Bench([['a', 'b'], ['c'], ['d']], seed);
    const underWay = new Set<string>();
    const note = (sent: readonly string[]): void => {
      for (const line of sent) {
        const [tracker] = line.split(' ') as [string];
        assert.ok(!underWay.has(tracker), `${tracker} twice`);
        underWay.add(tracker);
      }
    };
    note(bench.say({ type: 'begin' }));
    for (let step = 0; step < 400; step++) {
      const asked = [...underWay];
      const tracker = asked[randomBelow(random, asked.length)];
      const { deadline } = bench.announces;
      assert.ok(tracker !== undefined || deadline, 'it never falls asleep for good');
      if (tracker === undefined || (deadline && random() < 0.3)) {
        const at = Math.max(deadline!.at, bench.now);
        assert.ok(deadline!.at >= bench.now, 'no time that has passed is waited for');
        bench.now = instant(at);
        note(bench.say({ type: 'tick' }));
        continue;
      }
      bench.now = instant(bench.now + randomBelow(random, 20_000));
      const isSlow = random() < 0.4;
      if (!isSlow) underWay.delete(tracker);
      const outcomes: AnnounceInput[] = [
        { type: 'failed', text: 'x', tracker, retryMinutes: random() < 0.2 ? randomBelow(random, 60) + 1 : undefined },
        { type: 'answered', tracker, intervalSeconds: 1800, minIntervalSeconds: 60 },
      ];
      note(bench.say(isSlow ? { type: 'slow', tracker } : outcomes[randomBelow(random, 2)]!));
    }
  });
});

test(`whatever happens, one request is under way at a time, and none comes before the tracker allows (seed ${SEED})`, () => {
  eachSeed(60, (seed) => {
    const random = seededRandom(seed);
    const bench = new Bench([['a', 'b'], ['c'], ['d', 'e']], seed);
    bench.say({ type: 'begin' });
    let isUnderWay = true;
    let allowedAt = 0;
    let hasEvent = false;
    for (let step = 0; step < 400; step++) {
      bench.now = instant(bench.now + randomBelow(random, 60_000));
      const minIntervalSeconds = 30 + randomBelow(random, 300);
      const inputs: AnnounceInput[] = [
        { type: 'tick' },
        { type: 'hungry', isHungry: random() < 0.5 },
        ...(random() < 0.1 ? [{ type: 'complete' } as const] : []),
        ...(isUnderWay ? [{ type: 'failed', text: 'x' } as const] : []),
        ...(isUnderWay ? [{ type: 'answered', intervalSeconds: 1800, minIntervalSeconds } as const] : []),
      ];
      const input = inputs[randomBelow(random, inputs.length)]!;
      if (input.type === 'answered') allowedAt = bench.now + minIntervalSeconds * 1000;
      if (input.type === 'answered' || input.type === 'failed') isUnderWay = false;
      if (input.type === 'complete') hasEvent = true;
      const sent = bench.say(input);
      assert.ok(sent.length <= (isUnderWay ? 0 : 1));
      if (sent.length === 0) continue;
      isUnderWay = true;
      // What brings news may come at any time.
      if (sent[0]!.endsWith(' -') && !hasEvent) assert.ok(bench.now >= allowedAt);
      if (sent[0]!.endsWith('completed')) hasEvent = true;
    }
    if (!isUnderWay) assert.ok(bench.announces.deadline, 'it never falls asleep for good');
  });
});
