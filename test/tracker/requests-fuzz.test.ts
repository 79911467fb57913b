import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesOfLatin1, type Fault, isFault, randomBelow, seededRandom } from '../../src/base/index.ts';
import { ANSWER_BYTES_MAX, HEAD_BYTES_MAX, parseHead, routeOf } from '../../tracker/index.ts';
import { announceQuery, dictOf, newTracker, START } from './requests.ts';

const MUTATIONS = 100_000;
const SEEDS = [
  `GET /announce?${announceQuery({ event: 'started', numwant: 30 })} HTTP/1.1\r\nHost: t\r\nConnection: keep-alive\r\n\r\n`,
  `GET /announce?${announceQuery({ compact: 0 })} HTTP/1.0\r\nContent-Length: 0\r\n\r\n`,
  `GET http://t:80/scrape?${announceQuery()} HTTP/1.1\r\nUser-Agent: a/1\r\nConnection: close, x\r\n\r\n`,
].map(bytesOfLatin1);
const PIECES = [
  '%',
  '&',
  '=',
  '\r\n',
  ' ',
  'info_hash=',
  '&left=0',
  '&port=99',
  '\0',
  '/',
  'GET ',
  '&event=stopped',
].map(bytesOfLatin1);

test('mutated requests never throw, never read past their bounds, and every answer is bencode', (t) => {
  const seed = Math.floor(Math.random() * 2 ** 32);
  t.diagnostic(`seed ${seed}`);
  const random = seededRandom(seed);
  const tracker = newTracker({ swarmsMax: 200, peersMax: 2000 });
  const outcomes = new Map<string, number>();
  const count = (outcome: string) => outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  for (let i = 0; i < MUTATIONS; i++) {
    const bytes = Uint8Array.from(SEEDS[i % SEEDS.length]!);
    let length = bytes.length;
    for (let change = randomBelow(random, 4); change > 0; change--) {
      const at = randomBelow(random, bytes.length);
      const kind = randomBelow(random, 4);
      if (kind === 0) bytes[at] = randomBelow(random, 256);
      else if (kind === 1) bytes.set(PIECES[randomBelow(random, PIECES.length)]!.subarray(0, bytes.length - at), at);
      else if (kind === 2) bytes.copyWithin(at, randomBelow(random, bytes.length));
      else if (random() < 0.2) length = at;
    }
    const input = bytes.subarray(0, length);
    const route = routeOf(input, 0);
    if (typeof route === 'string') {
      count(route);
      continue;
    }
    const head = parseHead(input, route);
    if (head === undefined || isFault(head)) {
      count(head === undefined ? 'cut' : (head as Fault).code);
      continue;
    }
    assert.ok(head.end <= input.length && head.end <= HEAD_BYTES_MAX);
    const source = i % 2 ? Uint8Array.of(192, 0, 2, i & 255) : new Uint8Array(16).fill(i & 255);
    const { body } = tracker.serve(route.kind, head.query, source, START);
    assert.ok(body.length < ANSWER_BYTES_MAX);
    const answer = dictOf(body);
    count(answer.has('failure reason') ? 'refused' : answer.has('files') ? 'scraped' : 'announced');
  }
  assert.ok(tracker.swarmCount <= 200 && tracker.peerCount <= 2000);
  for (const outcome of ['other', 'undecided', 'cut', 'http-malformed', 'refused', 'scraped', 'announced']) {
    assert.ok((outcomes.get(outcome) ?? 0) > 100, `${outcome} is reached: ${outcomes.get(outcome)}`);
  }
});
