// The rate limits with a clock of its own: links that always want more, for as long as it takes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Instant, instant, seededRandom } from '../../src/base/index.ts';
import { Throttle } from '../../src/session/index.ts';
import { eachSeed } from '../seed.ts';

const KIB = 1024;
const BLOCK = 16_384;

interface Flow {
  readonly torrent: string;
  readonly link: string;
  /** Bytes per second that its peer can do at most. */
  readonly pace?: number;
}

/** Runs links that want a megabyte at all times; what each got, after `warmMs` for `ms`. */
function run(
  throttle: Throttle<string, string>,
  flows: readonly Flow[],
  { ms, lateMs = () => 0 }: { ms: number; lateMs?: () => number },
): Map<string, number> {
  const got = new Map(flows.map(({ link }) => [link, 0]));
  const pending = new Map(flows.map(({ link }) => [link, 0]));
  let now = instant(5);
  const end = now + ms;
  const claim = ({ torrent, link, pace }: Flow): void => {
    const allowed = pace === undefined ? Number.POSITIVE_INFINITY : (pace * (now - 5)) / 1000 - got.get(link)!;
    const bytes = allowed < BLOCK ? 0 : Math.min(1 << 20, allowed);
    if (bytes > 0 && pending.get(link) === 0) {
      pending.set(link, bytes);
      throttle.input({ type: 'claim', torrent, link, bytes }, now);
    }
  };
  while (now < end) {
    for (let grants = 1; grants > 0; ) {
      for (const flow of flows) claim(flow);
      const effects = throttle.effects();
      grants = effects.length;
      for (const { link, bytes } of effects) {
        got.set(link, got.get(link)! + bytes);
        pending.set(link, pending.get(link)! - bytes);
      }
    }
    const at = throttle.deadline?.at ?? now + 20;
    now = (Math.max(at, now + 0.01) + lateMs()) as Instant;
    if (now < end) throttle.input({ type: 'tick' }, now);
  }
  return got;
}

const sum = (got: Map<string, number>): number => [...got.values()].reduce((total, bytes) => total + bytes, 0);

function assertWithin(bytes: number, wanted: number, share: number, what: string): void {
  assert.ok(Math.abs(bytes - wanted) <= wanted * share, `${what}: ${bytes} of ${wanted}`);
}

for (const perSecond of [200 * KIB, 1 << 20, 10 << 20, 500 << 20]) {
  for (const links of [1, 7, 60]) {
    test(`${links} links together get ${perSecond / KIB} KiB/s within 5 % over 3 s, and equal shares`, () => {
      const throttle = new Throttle<string, string>();
      throttle.input({ type: 'limit', bytesPerSecond: perSecond }, instant(5));
      const flows = Array.from({ length: links }, (_, i) => ({ torrent: `t${i % 3}`, link: `l${i}` }));
      const got = run(throttle, flows, { ms: 3000 });
      assertWithin(sum(got), 3 * perSecond, 0.05, 'all');
      // A link that wants less at a time than one turn brings may come twice in it.
      if (perSecond > 10 << 20) return;
      const share = (3 * perSecond) / links;
      for (const [link, bytes] of got)
        assert.ok(Math.abs(bytes - share) <= share * 0.05 + 2 * BLOCK, `${link}: ${bytes}`);
    });
  }
}

test('a host that is up to 200 ms late changes nothing over a few seconds', () => {
  eachSeed(20, (seed) => {
    const random = seededRandom(seed);
    const throttle = new Throttle<string, string>();
    throttle.input({ type: 'limit', bytesPerSecond: 4 << 20 }, instant(0));
    const got = run(throttle, [{ torrent: 't', link: 'a' }], { ms: 5000, lateMs: () => random() * 200 });
    assertWithin(sum(got), 5 * (4 << 20), 0.05, 'all');
  });
});

test('a torrent keeps to its own limit and leaves the rest of the node’s to others', () => {
  const throttle = new Throttle<string, string>();
  throttle.input({ type: 'limit', bytesPerSecond: 1 << 20 }, instant(0));
  throttle.input({ type: 'limit', torrent: 'slow', bytesPerSecond: 100 * KIB }, instant(0));
  const flows = [
    { torrent: 'slow', link: 'a' },
    { torrent: 'slow', link: 'b' },
    { torrent: 'free', link: 'c' },
  ];
  const got = run(throttle, flows, { ms: 4000 });
  assertWithin(got.get('a')! + got.get('b')!, 400 * KIB, 0.05, 'the limited torrent');
  assertWithin(sum(got), 4 << 20, 0.05, 'all');
  assert.ok(throttle.isLimited('free'));
});

test('what a slow link leaves goes to the others', () => {
  const throttle = new Throttle<string, string>();
  throttle.input({ type: 'limit', bytesPerSecond: 1 << 20 }, instant(0));
  const flows = [
    { torrent: 't', link: 'slow', pace: 50 * KIB },
    { torrent: 't', link: 'fast' },
  ];
  const got = run(throttle, flows, { ms: 4000 });
  assertWithin(sum(got), 4 << 20, 0.05, 'all');
  assert.ok(got.get('slow')! >= 4 * 50 * KIB * 0.8, 'the slow one is not starved');
});

test('a link that uses what it got before it wants more gets its limit: a disk takes a moment, a machine at work several', () => {
  for (const usedMs of [10, 100, 300]) {
    const throttle = new Throttle<string, string>();
    const perSecond = 2 << 20;
    throttle.input({ type: 'limit', bytesPerSecond: perSecond }, instant(0));
    let [now, got, readyAt, wanted] = [instant(0), 0, 0, 0];
    for (; now < 10_000; now = instant(now + 5)) {
      if (now >= readyAt && wanted === 0) {
        wanted = 1 << 20;
        throttle.input({ type: 'claim', torrent: 't', link: 'a', bytes: wanted }, now);
      }
      throttle.input({ type: 'tick' }, now);
      for (const { bytes } of throttle.effects()) {
        got += bytes;
        wanted -= bytes;
        if (wanted === 0) readyAt = now + usedMs;
      }
    }
    assertWithin(got, 10 * perSecond, 0.05, `${usedMs} ms for each use`);
  }
});

test('a rest is not saved up', () => {
  const throttle = new Throttle<string, string>();
  throttle.input({ type: 'limit', bytesPerSecond: 1 << 20 }, instant(0));
  throttle.input({ type: 'tick' }, instant(60_000));
  throttle.input({ type: 'claim', torrent: 't', link: 'a', bytes: 10 << 20 }, instant(60_000));
  assert.ok(sum(new Map(throttle.effects().map(({ link, bytes }) => [link, bytes]))) <= (1 << 20) * 0.05 + BLOCK);
});

test('a limit of 0 grants nothing and asks for no alarm; lifting it grants what was claimed', () => {
  const throttle = new Throttle<string, string>();
  throttle.input({ type: 'limit', torrent: 't', bytesPerSecond: 0 }, instant(0));
  throttle.input({ type: 'claim', torrent: 't', link: 'a', bytes: 1 << 20 }, instant(1));
  throttle.input({ type: 'tick' }, instant(10_000));
  assert.deepEqual([throttle.effects(), throttle.deadline, throttle.isClosed('t')], [[], undefined, true]);
  throttle.input({ type: 'limit', torrent: 't', bytesPerSecond: null }, instant(10_001));
  assert.deepEqual(throttle.effects(), [{ link: 'a', bytes: 1 << 20 }]);
  assert.deepEqual([throttle.isLimited('t'), throttle.isClosed('t')], [false, false]);
});

test('refunds are granted again, and a torrent that went waits for nothing', () => {
  const throttle = new Throttle<string, string>();
  throttle.input({ type: 'limit', bytesPerSecond: 100 * KIB }, instant(0));
  throttle.input({ type: 'claim', torrent: 't', link: 'a', bytes: BLOCK }, instant(1));
  assert.equal(throttle.effects().length, 1);
  throttle.input({ type: 'claim', torrent: 't', link: 'b', bytes: BLOCK }, instant(2));
  assert.equal(throttle.effects().length, 0);
  throttle.input({ type: 'refund', torrent: 't', bytes: BLOCK }, instant(3));
  assert.deepEqual(throttle.effects(), [{ link: 'b', bytes: BLOCK }]);
  throttle.input({ type: 'claim', torrent: 't', link: 'a', bytes: BLOCK }, instant(4));
  throttle.input({ type: 'gone', torrent: 't' }, instant(5));
  assert.equal(throttle.deadline, undefined);
});

test('what went ungranted is granted less later, and a second of it is the most', () => {
  const throttle = new Throttle<string, string>();
  throttle.input({ type: 'limit', bytesPerSecond: 100 * KIB }, instant(0));
  for (let sent = 0; sent < 100 * KIB; sent += BLOCK) {
    assert.ok(!throttle.isOverdrawn('t'));
    throttle.input({ type: 'owed', torrent: 't', bytes: BLOCK }, instant(0));
  }
  assert.ok(throttle.isOverdrawn('t'));
  throttle.input({ type: 'claim', torrent: 't', link: 'a', bytes: BLOCK }, instant(1000));
  assert.ok(!throttle.isOverdrawn('t'));
  assert.deepEqual(throttle.effects(), [], 'it was all owed');
  throttle.input({ type: 'tick' }, instant(1200));
  assert.deepEqual(throttle.effects(), [{ link: 'a', bytes: BLOCK }]);
  throttle.input({ type: 'limit', bytesPerSecond: 0 }, instant(1200));
  assert.ok(throttle.isOverdrawn('t'), 'a limit of 0 lets nothing go');
});
