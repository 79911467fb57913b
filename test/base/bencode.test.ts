import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type BencodeInput,
  bencodeSteps,
  decodeBencode,
  decodeBencodePrefix,
  encodeBencode,
  isFault,
  utf8,
} from '../../src/base/index.ts';

interface Row {
  readonly text: string;
  readonly strict: string;
  readonly hex?: string;
}
const vectors: { rows: Row[] } = JSON.parse(readFileSync(new URL('../fixtures/bencode.json', import.meta.url), 'utf8'));
const generated = new Map([
  ['depth 1024 nested lists', () => utf8('l'.repeat(1024) + 'e'.repeat(1024))],
  ['item limit: list of 3000001 zero ints', () => utf8(`l${'i0e'.repeat(3_000_001)}e`)],
]);

test('every bencode vector gets its strict verdict', async (t) => {
  for (const row of vectors.rows) {
    await t.test(`${JSON.stringify(row.text)}: ${row.strict}`, () => {
      const bytes = row.hex === undefined ? generated.get(row.text)!() : Uint8Array.fromHex(row.hex);
      assert.equal(!isFault(decodeBencode(bytes)), row.strict === 'accept');
    });
  }
});

test('peers may send unsorted keys and bytes after the value, but never a key twice', () => {
  const lenient = { anyKeyOrder: true, trailingBytes: true };
  assert.deepEqual(decodeBencode(utf8('d1:bi1e1:ai2eeX'), lenient), new Map([['b', 1]]).set('a', 2));
  assert.ok(isFault(decodeBencode(utf8('d1:ai1e1:ai2ee'), lenient)));
});

test('integers beyond 2^53 keep every digit, and none beyond 64 bits is read', () => {
  assert.equal(decodeBencode(utf8('i9007199254740991e')), Number.MAX_SAFE_INTEGER);
  assert.equal(decodeBencode(utf8('i9007199254740993e')), 9_007_199_254_740_993n);
  assert.equal(decodeBencode(utf8('i-9223372036854775808e')), -(2n ** 63n));
  assert.ok(isFault(decodeBencode(utf8('i9223372036854775808e'))));
  for (const text of ['i-0e', 'i00e', 'i+1e', 'i 1e', 'i1', '01:a', '1:', '-1:a']) {
    assert.ok(isFault(decodeBencode(utf8(text))), text);
  }
});

test('the place of a value is where its very bytes stood in the input', () => {
  const rawOf = (bytes: Uint8Array, rangeOf: string): Uint8Array | undefined => {
    const decoded = decodeBencodePrefix(bytes, { anyKeyOrder: true, rangeOf });
    assert.ok(!isFault(decoded));
    return decoded.range && bytes.subarray(decoded.range.from, decoded.range.to);
  };
  assert.deepEqual(rawOf(utf8('d4:info1:x4:rest1:ye'), 'info'), utf8('1:x'));
  assert.deepEqual(rawOf(utf8('d4:infod1:bi1e1:ai2ee1:ali0eee'), 'info'), utf8('d1:bi1e1:ai2ee'));
  assert.deepEqual(rawOf(utf8('d1:ad4:info1:ne4:infole4:resti1ee'), 'info'), utf8('le'));
  assert.equal(rawOf(utf8('d1:ad4:info1:nee'), 'info'), undefined);
  assert.equal(rawOf(utf8('l4:infoe'), 'info'), undefined);
});

test('a large document is read in steps, with the same result', () => {
  const bytes = utf8(`l${'d1:ai1e1:bl1:xee'.repeat(20_000)}e`);
  const steps = bencodeSteps(bytes, {});
  let rests = 0;
  let step = steps.next();
  for (; !step.done; step = steps.next()) rests++;
  assert.ok(rests > 10);
  assert.deepEqual(step.value, decodeBencodePrefix(bytes));
});

const anyInput = fc.letrec<{ value: BencodeInput }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.maxSafeInteger(),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.uint8Array({ maxLength: 20 }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.string({ unit: 'binary-ascii', maxLength: 6 }), tie('value'), { maxKeys: 4 }),
  ),
})).value;

test('whatever is encoded decodes, and encodes to the same bytes again', () => {
  fc.assert(
    fc.property(anyInput, (value) => {
      const bytes = encodeBencode(value);
      const decoded = decodeBencode(bytes);
      assert.ok(!isFault(decoded), String(decoded));
      assert.deepEqual(encodeBencode(decoded), bytes);
    }),
    { numRuns: 2000 },
  );
});
