// Trackers that refuse and say when to come back (BEP 31).
import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import {
  type BencodeValue,
  encodeBencode,
  fault,
  type Instant,
  instant,
  isFault,
  parseInfoHash,
  randomBelow,
  seededRandom,
  utf8,
} from '../../src/base/index.ts';
import { now } from '../../src/io/alarm-clock.ts';
import { Announcer } from '../../src/io/announcer.ts';
import { BoundNetwork } from '../../src/io/bound-network.ts';
import { HttpClient } from '../../src/io/http-client.ts';
import { newPeerId } from '../../src/io/torrent-identity.ts';
import { TrackerClient } from '../../src/io/tracker-client.ts';
import {
  type AnnounceInput,
  Announces,
  parseTrackerReply,
  type RetryMinutes,
  retryMinutesOf,
  soonestRefusal,
  TrackerRefusal,
  TrackerTurns,
} from '../../src/torrent/index.ts';
import { TrackerFront } from '../../tracker/io/index.ts';
import { eachSeed, pick, SEED } from '../seed.ts';
import { newTracker, ownership } from '../tracker/requests.ts';

const MINUTE_MS = 60_000;
const DAY_MINUTES = 1440;

class Bench {
  readonly announces: Announces;
  now: Instant = instant(0);

  constructor(...tiers: readonly (readonly string[])[]) {
    this.announces = new Announces(tiers, seededRandom(1), new TrackerTurns(seededRandom(1)));
  }

  say(input: AnnounceInput): string[] {
    this.announces.input(input, this.now);
    return this.announces.effects().map(({ tracker, event }) => `${tracker} ${event ?? '-'}`);
  }
  refuse(retryMinutes: RetryMinutes): string[] {
    return this.say({ type: 'failed', text: 'no', retryMinutes });
  }
  answer(): string[] {
    return this.say({ type: 'answered', intervalSeconds: 1800, minIntervalSeconds: 60 });
  }
  /** What is sent up to a minute. */
  until(minute: number): string[] {
    const sent: string[] = [];
    for (
      let { deadline } = this.announces;
      deadline && deadline.at <= minute * MINUTE_MS;
      { deadline } = this.announces
    ) {
      this.now = deadline.at;
      sent.push(...this.say({ type: 'tick' }));
    }
    this.now = instant(minute * MINUTE_MS);
    return sent;
  }
}

function readRetry(value: BencodeValue): RetryMinutes {
  const refusal = parseTrackerReply(encodeBencode({ 'failure reason': utf8('busy'), 'retry in': value }));
  assert.ok(isFault(refusal) && refusal.code === 'tracker-refused');
  return retryMinutesOf(refusal);
}

test('a refusal is read with its minutes, at most a day of them, or as one for ever', () => {
  assert.equal(readRetry(5), 5);
  assert.equal(readRetry(utf8('never')), 'never');
  for (const absurd of [DAY_MINUTES + 1, Number.MAX_SAFE_INTEGER]) assert.equal(readRetry(absurd), DAY_MINUTES);
  for (const nothing of [0, -1, utf8('5'), utf8(''), utf8('Never'), [5]]) assert.equal(readRetry(nothing), undefined);
});

test('a tracker is not asked again before it wants to be, and then with the event that it did not take', () => {
  const bench = new Bench(['a']);
  bench.say({ type: 'begin' });
  assert.deepEqual(bench.refuse(20), []);
  for (const type of ['again', 'complete', 'tick'] as const) assert.deepEqual(bench.say({ type }), [], type);
  assert.deepEqual(bench.say({ type: 'hungry', isHungry: true }), []);
  assert.deepEqual(bench.until(19.99), []);
  assert.deepEqual(bench.until(20), ['a started']);
});

test('one that says never is left alone for ever, until the torrent begins anew', () => {
  const bench = new Bench(['a']);
  bench.say({ type: 'begin' });
  bench.answer();
  assert.deepEqual(bench.until(40), ['a -']);
  bench.refuse('never');
  assert.deepEqual([bench.until(1e6), bench.announces.deadline], [[], undefined]);
  for (const type of ['again', 'complete'] as const) assert.deepEqual(bench.say({ type }), [], type);
  assert.deepEqual(bench.say({ type: 'trackers', tiers: [['a']] }), [], 'nor is it a new one for being named again');
  assert.deepEqual(new Bench(['a']).say({ type: 'begin' }), ['a started']);
});

test('one that knew us and says never hears no farewell', () => {
  const bench = new Bench(['a']);
  bench.say({ type: 'begin' });
  bench.answer();
  bench.until(40);
  bench.refuse('never');
  assert.deepEqual(bench.say({ type: 'end' }), []);
});

test(`whatever is refused, nobody is asked before its time, and whoever may be asked is (seed ${SEED})`, () => {
  eachSeed(60, (seed) => {
    const random = seededRandom(seed);
    const bench = new Bench(['a', 'b'], ['c'], ['d']);
    const until = new Map<string, number>();
    let sent = bench.say({ type: 'begin' });
    for (let step = 0; step < 200; step++) {
      const { deadline } = bench.announces;
      if (sent.length === 0 && !deadline) break;
      if (sent.length === 0) {
        bench.now = deadline!.at;
        sent = bench.say({ type: 'tick' });
        continue;
      }
      const [tracker] = sent[0]!.split(' ') as [string];
      assert.ok(bench.now >= (until.get(tracker) ?? 0), `${tracker} at ${bench.now}`);
      const retryMinutes = random() < 0.02 ? 'never' : pick(random, [undefined, randomBelow(random, 50) + 1]);
      const minutes = retryMinutes === 'never' ? Number.POSITIVE_INFINITY : (retryMinutes ?? 0);
      until.set(tracker, bench.now + minutes * MINUTE_MS);
      sent = bench.refuse(retryMinutes);
    }
    if (sent.length === 0 && !bench.announces.deadline)
      assert.equal(Math.min(...until.values()), Number.POSITIVE_INFINITY);
  });
});

test('the others are asked meanwhile, and it has its turn again when its time is over', () => {
  const bench = new Bench(['a'], ['b'], ['c']);
  bench.say({ type: 'begin' });
  assert.deepEqual(bench.refuse(45), ['b started']);
  assert.deepEqual(bench.refuse('never'), ['c started']);
  bench.answer();
  assert.deepEqual(bench.until(40), ['c -']);
  bench.answer();
  assert.deepEqual(bench.until(80), ['a -']);
});

test('of several that wait the one to be asked first is waited for', () => {
  const bench = new Bench(['a'], ['b'], ['c']);
  bench.say({ type: 'begin' });
  bench.refuse(30);
  bench.refuse(10);
  bench.refuse('never');
  assert.deepEqual(bench.until(29), ['b started']);
});

test('what one of several supernodes wants does not bind the others', () => {
  const refusals = [new TrackerRefusal('a', 'never'), new TrackerRefusal('b', 9), new TrackerRefusal('c', 3)] as const;
  assert.equal(soonestRefusal(refusals), refusals[2]);
  const silent = fault('tracker-silent', 'd');
  assert.equal(soonestRefusal([...refusals, silent]), silent);
});

/** The URL of a tracker of ours that knows no owner. */
async function trackerWithoutOwners(t: TestContext): Promise<string> {
  const tracker = newTracker({ ownership: ownership({ ownerOf: () => undefined }) });
  const front = new TrackerFront({ tracker, now, nodeAt: () => undefined, handOver: (socket) => socket.destroy() });
  const server = createServer((socket) => socket.once('data', (bytes: Buffer) => front.accept(socket, bytes)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    front.close();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/announce`;
}

test('our own tracker, which knows no owner, is asked again after the five minutes that it says', async (t) => {
  const url = await trackerWithoutOwners(t);
  const http = new HttpClient({ network: await BoundNetwork.open('127.0.0.1'), mayDial: () => true, tls: undefined });
  t.after(() => http.close());
  const udp = { announce: () => assert.fail('asked by datagram') };
  const trackers = new TrackerClient({ http, udp, nodeAt: () => undefined });
  const { promise, resolve } = Promise.withResolvers<void>();
  const infoHash = parseInfoHash('c1'.repeat(20))!;
  const facts = {
    infoHash,
    peerId: newPeerId(),
    port: 7373,
    uploaded: 0,
    downloaded: 0,
    left: 1,
    isPartialSeed: false,
  };
  const torrent = { facts: () => facts, peersFound: () => undefined, log: () => undefined, changed: resolve };
  const announcer = new Announcer(torrent, trackers, [[url]], seededRandom(1));
  const begun = now();
  announcer.note({ type: 'begin' });
  await promise;
  assert.match(announcer.failure!, /no supernode/);
  // Its own rest after a failure is over sooner, and asks nobody.
  announcer.note({ type: 'again' });
  assert.ok(announcer.deadline!.at - begun >= 5 * MINUTE_MS);
});
