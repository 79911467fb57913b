import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesOfHex, concatBytes, hex, nodeIdBytes, seededRandom, utf8 } from '../../src/base/index.ts';
import { genesisSeat, OWN_TOKENS_MAX, tokensOf } from '../../src/overlay/index.ts';
import { electedSeat, ownTokensFor, parseToken } from '../../src/overlay/token.ts';
import { randomBytes, SEED } from '../seed.ts';
import { identity, randomSeat, sha1 } from './fixtures.ts';

const { nodeId } = identity(1);

test('a first seat is the SHA-1 of its words, the key and the term', () => {
  const words = concatBytes([utf8('monsoon seat\n'), nodeIdBytes(nodeId), Uint8Array.of(0, 0, 1, 2)]);
  assert.equal(genesisSeat(nodeId, 258, sha1), hex(sha1(words)));
});

test(`an elected seat is the SHA-1 of its words and the signatures in their order (seed ${SEED})`, () => {
  const random = seededRandom(SEED);
  const signatures = [1, 2, 3].map(() => randomBytes(random, 64));
  assert.equal(electedSeat(signatures, sha1), hex(sha1(concatBytes([utf8('monsoon seat\n'), ...signatures]))));
  assert.notEqual(electedSeat(signatures.toReversed(), sha1), electedSeat(signatures, sha1));
  assert.notEqual(electedSeat(signatures.slice(1), sha1), electedSeat(signatures, sha1));
});

test(`own tokens are SHA-1s of the seat and a number, ascending, and more of them keep those there were (seed ${SEED})`, () => {
  const seat = randomSeat(seededRandom(SEED));
  const named = (n: number): string =>
    hex(sha1(concatBytes([utf8('monsoon token\n'), bytesOfHex(seat)!, Uint8Array.of(n)])));
  for (let count = 0; count <= OWN_TOKENS_MAX; count++) {
    const expected = Array.from({ length: count }, (_, n) => named(n)).toSorted();
    assert.deepEqual(tokensOf(seat, count, sha1), expected);
  }
});

test('a capacity gives 1 to 8 own tokens, one for each 125 announces a second, and a claim of more gives no more', () => {
  const counts = [0, 1, 124, 125, 249, 250, 500, 999, 1000, 1001, 10 ** 6, Number.MAX_SAFE_INTEGER].map(ownTokensFor);
  assert.deepEqual(counts, [1, 1, 1, 1, 1, 2, 4, 7, 8, 8, 8, 8]);
});

test('a token from outside is 40 lower-case hex digits', () => {
  assert.equal(parseToken('0123456789abcdef'.repeat(3).slice(0, 40)), '0123456789abcdef'.repeat(3).slice(0, 40));
  for (const text of ['', 'a'.repeat(39), 'a'.repeat(41), 'A'.repeat(40), 'g'.repeat(40), `${'a'.repeat(40)}\n`])
    assert.equal(parseToken(text), undefined, text);
});
