// The metadata exchange (BEP 9) as the fetching side sees it; the messages themselves are in test/wire.
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import { type Instant, infoHashOfBytes, instant, randomBelow, seededRandom } from '../../src/base/index.ts';
import { type MetadataEffect, MetadataFetch, type MetadataInput } from '../../src/torrent/index.ts';
import { METADATA_BYTES_MAX, METADATA_PIECE_BYTES, metadataReply } from '../../src/wire/index.ts';
import { eachSeed, randomBytes, SEED } from '../seed.ts';

const sha1 = (bytes: Uint8Array): Uint8Array => hash('sha1', bytes, 'buffer');

class Bench {
  readonly raw: Uint8Array;
  readonly fetch: MetadataFetch;
  now: Instant = instant(0);

  constructor(length: number) {
    this.raw = new Uint8Array(length);
    for (let at = 0; at < length; at++) this.raw[at] = (at * 7) % 251;
    this.fetch = new MetadataFetch(infoHashOfBytes(sha1(this.raw))!, sha1);
  }

  say(input: MetadataInput): MetadataEffect[] {
    this.fetch.input(input, this.now);
    return this.fetch.effects();
  }

  offer(link: number, size: number = this.raw.length): MetadataEffect[] {
    return this.say({ type: 'offered', link, size });
  }

  data(link: number, piece: number, spoil = false): MetadataEffect[] {
    const reply = metadataReply(this.raw, piece);
    assert.equal(reply.type, 'data');
    const bytes = reply.bytes.slice();
    if (spoil) bytes[0]! ^= 1;
    return this.say({ type: 'message', link, message: { ...reply, bytes } });
  }

  wait(ms: number): MetadataEffect[] {
    this.now = instant(this.now + ms);
    return this.say({ type: 'tick' });
  }
}

const requests = (effects: readonly MetadataEffect[]): string[] =>
  effects.flatMap((effect) => (effect.type === 'request' ? [`${effect.link}:${effect.piece}`] : []));
const complete = (effects: readonly MetadataEffect[]): Uint8Array | undefined => {
  const done = effects.find((effect) => effect.type === 'complete');
  return done?.type === 'complete' ? done.raw : undefined;
};

for (const length of [1, METADATA_PIECE_BYTES - 1, METADATA_PIECE_BYTES, METADATA_PIECE_BYTES + 1]) {
  test(`metadata of ${length} bytes comes from one peer`, () => {
    const bench = new Bench(length);
    let effects = bench.offer(1);
    const pieces = Math.ceil(length / METADATA_PIECE_BYTES);
    assert.equal(requests(effects).length, pieces);
    for (let piece = 0; piece < pieces; piece++) effects = bench.data(1, piece);
    assert.deepEqual(complete(effects), bench.raw);
    assert.equal(bench.fetch.deadline, undefined);
    assert.deepEqual(bench.offer(2), []);
  });
}

test('16 MiB of metadata come from a peer that needs a minute for them', () => {
  const bench = new Bench(METADATA_BYTES_MAX);
  const open = requests(bench.offer(1));
  let raw: Uint8Array | undefined;
  for (let answered = 0; open.length > 0; answered++) {
    const piece = Number(open.shift()!.split(':')[1]);
    bench.now = instant(bench.now + 60);
    const effects = bench.data(1, piece);
    open.push(...requests(effects));
    raw = complete(effects);
    assert.ok(open.length <= 8 && answered < 2000);
    open.push(...requests(bench.wait(0)));
  }
  assert.deepEqual(raw, bench.raw);
});

test('at most three peers are asked at a time, each for other pieces', () => {
  const bench = new Bench(40 * METADATA_PIECE_BYTES);
  const asked = [1, 2, 3, 4].flatMap((link) => requests(bench.offer(link)));
  assert.deepEqual(new Set(asked.map((request) => request.split(':')[0])), new Set(['1', '2', '3']));
  assert.equal(new Set(asked.map((request) => request.split(':')[1])).size, 24);
});

test('sizes that cannot be are not believed and stand in nobody’s way', () => {
  const bench = new Bench(100);
  for (const [link, size] of [0, -1, METADATA_BYTES_MAX + 1, Number.NaN, Number.POSITIVE_INFINITY].entries()) {
    assert.deepEqual(bench.offer(link, size), []);
  }
  assert.deepEqual(requests(bench.offer(9)), ['9:0']);
});

test('a peer cannot change its offer, which would make us allocate at its pace', () => {
  const bench = new Bench(100);
  bench.offer(1, METADATA_BYTES_MAX);
  for (let again = 1; again < 100; again++) assert.deepEqual(bench.offer(1, METADATA_BYTES_MAX - again), []);
});

test('when every peer refuses, each is asked again after a rest', () => {
  const bench = new Bench(100);
  bench.offer(1);
  assert.deepEqual(bench.say({ type: 'message', link: 1, message: { type: 'reject', piece: 0 } }), []);
  const { deadline } = bench.fetch;
  assert.ok(deadline && deadline.at > bench.now);
  assert.deepEqual(requests(bench.wait(deadline.at - bench.now)), ['1:0']);
  assert.deepEqual(complete(bench.data(1, 0)), bench.raw);
});

test('a peer that answers nothing for ten seconds makes room for another', () => {
  const bench = new Bench(100);
  bench.offer(1);
  assert.deepEqual(bench.offer(2), []);
  assert.deepEqual(requests(bench.wait(9000)), []);
  assert.deepEqual(requests(bench.wait(1000)), ['2:0']);
});

test('each piece that arrives gives a peer time for the next', () => {
  const bench = new Bench(3 * METADATA_PIECE_BYTES);
  bench.offer(1);
  for (let piece = 0; piece < 2; piece++) {
    assert.deepEqual(requests(bench.wait(8000)), []);
    bench.data(1, piece);
  }
  bench.wait(8000);
  assert.deepEqual(complete(bench.data(1, 2)), bench.raw);
});

test('the one sender of metadata that does not match is distrusted', () => {
  const bench = new Bench(100);
  bench.offer(1);
  bench.offer(2);
  const effects = bench.data(1, 0, true);
  assert.deepEqual(effects[0], { type: 'distrust', link: 1 });
  assert.deepEqual(requests(effects), ['2:0']);
  assert.deepEqual(complete(bench.data(2, 0)), bench.raw);
});

test('of several senders nobody is blamed before one of them sent it all alone', () => {
  const bench = new Bench(12 * METADATA_PIECE_BYTES);
  const open = [...requests(bench.offer(1)), ...requests(bench.offer(2))];
  const distrusted: number[] = [];
  let raw: Uint8Array | undefined;
  for (let step = 0; open.length > 0 && step < 200; step++) {
    const [link, piece] = open.shift()!.split(':').map(Number) as [number, number];
    const effects = bench.data(link, piece, link === 2);
    for (const effect of effects) if (effect.type === 'distrust') distrusted.push(effect.link);
    open.push(...requests(effects));
    raw ??= complete(effects);
  }
  assert.deepEqual(raw, bench.raw);
  assert.ok(!distrusted.includes(1));
});

test('who fetches alone gets no piece of another, so that blame is sure', () => {
  const bench = new Bench(2 * METADATA_PIECE_BYTES);
  bench.offer(1);
  bench.data(1, 0, true);
  bench.say({ type: 'linkClosed', link: 1 });
  // Link 2 completes what a liar began: nobody can be blamed yet.
  bench.offer(2);
  assert.deepEqual(requests(bench.data(2, 1, true)), ['2:0', '2:1']);
  bench.data(2, 0);
  bench.say({ type: 'linkClosed', link: 2 });
  assert.deepEqual(requests(bench.offer(3)), ['3:0', '3:1']);
  bench.data(3, 0);
  assert.deepEqual(complete(bench.data(3, 1)), bench.raw);
});

test('a liar about the size that sends drop by drop holds up an honest peer for a minute at most', () => {
  const bench = new Bench(100);
  const asked = requests(bench.offer(1, METADATA_BYTES_MAX));
  bench.offer(2);
  let isAsked = false;
  for (let second = 0; second < 70 && !isAsked; second++) {
    if (second % 9 === 8) {
      const piece = Number(asked.shift()!.split(':')[1]);
      const bytes = new Uint8Array(METADATA_PIECE_BYTES);
      bench.say({ type: 'message', link: 1, message: { type: 'data', piece, totalSize: METADATA_BYTES_MAX, bytes } });
    }
    const { deadline } = bench.fetch;
    bench.now = instant(bench.now + 1000);
    if (deadline && deadline.at <= bench.now) isAsked = requests(bench.say({ type: 'tick' })).includes('2:0');
  }
  assert.ok(isAsked);
  assert.deepEqual(complete(bench.data(2, 0)), bench.raw);
});

test(`among liars, refusers and the silent, one honest peer is enough (seed ${SEED})`, () => {
  eachSeed(60, (seed) => {
    const random = seededRandom(seed);
    const bench = new Bench(1 + randomBelow(random, 6 * METADATA_PIECE_BYTES));
    const manners = ['honest', 'liar', 'refuser', 'silent', 'wrong size', 'leaver'] as const;
    const peers = Array.from({ length: 8 }, (_, link) =>
      link === seed % 8 ? 'honest' : manners[randomBelow(random, 6)]!,
    );
    let effects: MetadataEffect[] = peers.flatMap((manner, link) =>
      bench.offer(link, manner === 'wrong size' ? 1 + randomBelow(random, 50_000) : bench.raw.length),
    );
    for (let turn = 0; turn < 2000 && !complete(effects); turn++) {
      const next: MetadataEffect[] = [];
      for (const effect of effects) {
        if (effect.type === 'distrust') assert.ok(['liar', 'wrong size'].includes(peers[effect.link]!));
        if (effect.type !== 'request') continue;
        const { link, piece } = effect;
        const manner = peers[link]!;
        if (manner === 'honest') next.push(...bench.data(link, piece));
        else if (manner === 'liar') next.push(...bench.data(link, piece, true));
        else if (manner === 'refuser')
          next.push(...bench.say({ type: 'message', link, message: { type: 'reject', piece } }));
        else if (manner === 'leaver') next.push(...bench.say({ type: 'linkClosed', link }));
        else if (manner === 'wrong size') {
          const message = {
            type: 'data',
            piece,
            totalSize: randomBelow(random, 60_000),
            bytes: randomBytes(random, 99),
          } as const;
          next.push(...bench.say({ type: 'message', link, message }));
        }
      }
      effects = next.length > 0 ? next : bench.wait(Math.max(1, (bench.fetch.deadline?.at ?? bench.now) - bench.now));
    }
    assert.deepEqual(complete(effects), bench.raw);
  });
});

test(`no message makes the fetch throw, ask out of range or ask too much (seed ${SEED})`, () => {
  eachSeed(12, (seed) => {
    const random = seededRandom(seed);
    const bench = new Bench(1 + randomBelow(random, 20 * METADATA_PIECE_BYTES));
    for (let step = 0; step < 300; step++) {
      const link = randomBelow(random, 5);
      const piece = randomBelow(random, 70_000) >> randomBelow(random, 16);
      const bytes = new Uint8Array(random() < 0.5 ? METADATA_PIECE_BYTES : randomBelow(random, 40_000));
      const inputs: MetadataInput[] = [
        { type: 'offered', link, size: random() < 0.7 ? bench.raw.length : randomBelow(random, 2 ** 25) },
        { type: 'linkClosed', link },
        { type: 'tick' },
        { type: 'message', link, message: { type: 'request', piece } },
        { type: 'message', link, message: { type: 'reject', piece } },
        { type: 'message', link, message: { type: 'data', piece, totalSize: bench.raw.length, bytes } },
      ];
      bench.now = instant(bench.now + randomBelow(random, 4000));
      for (const effect of bench.say(inputs[randomBelow(random, inputs.length)]!)) {
        assert.notEqual(effect.type, 'complete');
        if (effect.type === 'request') assert.ok(effect.piece * METADATA_PIECE_BYTES < METADATA_BYTES_MAX);
      }
    }
  });
});
