// Rates, chokes, link depth and the sentence that says why nothing moves.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { instant, randomBelow, seededRandom } from '../../src/base/index.ts';
import { type ChokeCandidate, chooseUnchoked } from '../../src/torrent/choker.ts';
import { type StallFacts, stallReason } from '../../src/torrent/index.ts';
import { LinkState } from '../../src/torrent/link-state.ts';
import { Rate } from '../../src/torrent/rate.ts';
import { BLOCK_BYTES } from '../../src/wire/index.ts';
import { eachSeed, SEED } from '../seed.ts';

test('a steady stream reads as its true rate from the first reading on', () => {
  const rate = new Rate(instant(0));
  for (let second = 1; second <= 30; second++) {
    rate.note(1_000_000);
    assert.ok(Math.abs(rate.at(instant(second * 1000)) - 1_000_000) < 1);
  }
  assert.equal(rate.total, 30_000_000);
});

test('a stream that stops reads as nothing after five seconds, and readings close together agree', () => {
  const rate = new Rate(instant(0));
  rate.note(50_000_000);
  const first = rate.at(instant(1000));
  assert.equal(rate.at(instant(1010)), first);
  let now = 1000;
  for (; rate.at(instant(now)) > 0; now += 1000) assert.ok(now < 10_000);
  assert.ok(now > 4000);
});

test(`the choker fills its slots with the fastest and one lucky link, never with more (seed ${SEED})`, () => {
  eachSeed(300, (seed) => {
    const random = seededRandom(seed);
    const candidates: ChokeCandidate[] = Array.from({ length: randomBelow(random, 12) }, (_, link) => ({
      link,
      bytesPerSecond: randomBelow(random, 5),
      isSnubbing: random() < 0.2,
    }));
    const slots = randomBelow(random, 6);
    const before = random() < 0.5 ? randomBelow(random, 12) : undefined;
    const { unchoked, optimistic } = chooseUnchoked(candidates, slots, before, random);
    assert.ok(unchoked.size <= slots);
    const fair = candidates.filter((one) => !one.isSnubbing);
    if (fair.length >= slots) assert.equal(unchoked.size, slots);
    const slowest = Math.min(
      ...candidates.filter((one) => unchoked.has(one.link) && one.link !== optimistic).map((one) => one.bytesPerSecond),
    );
    for (const one of fair) if (!unchoked.has(one.link)) assert.ok(one.bytesPerSecond <= slowest);
    for (const one of candidates) if (one.isSnubbing && unchoked.has(one.link)) assert.equal(one.link, optimistic);
    assert.equal(unchoked.isSubsetOf(new Set(candidates.map((one) => one.link))), true);
  });
});

test('a fast link is given more requests, a slow one fewer, and an idle one keeps its depth', () => {
  const link = new LinkState(1, { host: '10.0.0.1', port: 1 }, true, 1, instant(0));
  link.queueMax = 2000;
  let now = 0;
  const stream = (blocksPerSecond: number, seconds: number): void => {
    for (let second = 0; second < seconds; second++) {
      link.noteAsked(blocksPerSecond, instant(now));
      for (let block = 0; block < blocksPerSecond; block++) link.noteArrival(BLOCK_BYTES, instant(now + 50));
      link.noteAsked(1, instant(now));
      now += 1000;
      link.adjustDepth(instant(now));
      link.noteArrival(BLOCK_BYTES, instant(now));
    }
  };
  stream(200, 10);
  assert.equal(link.depth, 256);
  for (let second = 1; second <= 60; second++) link.adjustDepth(instant(now + second * 1000));
  now += 60_000;
  assert.equal(link.depth, 256);
  stream(1, 30);
  assert.ok(link.depth <= 8, `${link.depth}`);
  link.queueMax = 2;
  assert.equal(link.depth, 2);
});

test('probation doubles with each bad piece and is worked off by good ones', () => {
  const link = new LinkState(1, { host: '10.0.0.1', port: 1 }, true, 1, instant(0));
  for (const pieces of [1, 3, 7]) {
    link.noteSharedFailure();
    for (let piece = 0; piece < pieces; piece++) {
      assert.ok(link.isSuspect);
      link.noteGoodPiece();
    }
    assert.ok(!link.isSuspect);
  }
});

const moving: StallFacts = {
  hasMetadata: true,
  isComplete: false,
  downBytesPerSecond: 0,
  links: 3,
  unchokedLinks: 1,
  usefulLinks: 2,
  knownPeers: 9,
  refusingPeers: 0,
  hasTrackers: true,
  trackerHasAnswered: true,
  trackerFailure: undefined,
  diskProblem: undefined,
  isDownClosed: false,
  isUpClosed: false,
};
const stalls: [string, Partial<StallFacts>, RegExp | null][] = [
  ['nothing while data moves', { downBytesPerSecond: 1 }, null],
  ['nothing when complete', { isComplete: true, links: 0 }, null],
  [
    'that nobody finds a share whose tracker is silent',
    { isComplete: true, links: 0, trackerHasAnswered: false, trackerFailure: 'timeout' },
    /^nobody can find it yet: no tracker answers: timeout$/,
  ],
  [
    'that nobody finds a share without a supernode',
    { isComplete: true, links: 0, trackerHasAnswered: false, hasTrackers: false },
    /^nobody can find it yet: no supernode is known/,
  ],
  ['the disk before anything else', { diskProblem: 'the disk is full', isComplete: true }, /^the disk is full$/],
  [
    'that nobody has the pieces',
    { usefulLinks: 0 },
    /^all 3 connected peers lack the missing pieces; waiting for a seed$/,
  ],
  ['that the one peer lacks them', { usefulLinks: 0, links: 1 }, /^the one connected peer lacks the missing pieces/],
  ['that peers choke us', { unchokedLinks: 0 }, /^all 2 useful peers choke us; they serve others first$/],
  [
    'that the one useful peer chokes us',
    { unchokedLinks: 0, usefulLinks: 1 },
    /^the one useful peer chokes us; it serves/,
  ],
  ['that pieces are awaited', {}, /^waiting for 3 connected peers to send the missing pieces$/],
  [
    'that metadata is awaited',
    { hasMetadata: false, links: 1 },
    /^the metadata is not found yet: the one connected peer has not sent it$/,
  ],
  ['that known peers are silent', { links: 0 }, /^9 peers are known but none answers/],
  ['that the one known peer is silent', { links: 0, knownPeers: 1 }, /^one peer is known and does not answer/],
  ['that peers refuse encryption', { links: 0, refusingPeers: 2 }, /^2 peers refuse encryption; --encryption-out/],
  ['that there is nobody to ask', { links: 0, knownPeers: 0, hasTrackers: false }, /^no tracker and no peer is known/],
  ['what the tracker said', { links: 0, knownPeers: 0, trackerFailure: 'timeout' }, /^no tracker answers: timeout$/],
  [
    'that the tracker has not answered',
    { links: 0, knownPeers: 0, trackerHasAnswered: false },
    /^waiting for the tracker/,
  ],
  ['that the swarm is empty', { links: 0, knownPeers: 0 }, /^the tracker knows no other peer/],
];
for (const [what, changes, wanted] of stalls) {
  test(`a stalled torrent says ${what}`, () => {
    const reason = stallReason({ ...moving, ...changes });
    if (wanted === null) assert.equal(reason, null);
    else assert.match(reason ?? '', wanted);
  });
}
