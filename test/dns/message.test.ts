import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseQuery, QUERY_BYTES_MAX, type Query, wireName } from '../../dns/index.ts';
import { isInside } from '../../dns/message.ts';
import { randomBelow, seededRandom } from '../../src/base/index.ts';
import { headerOf, ORIGIN, query, ZONE } from './fixtures.ts';

const vectors: { rows: Record<string, { hex: string }> } = JSON.parse(
  readFileSync(new URL('../fixtures/dns_queries.json', import.meta.url), 'utf8'),
);
const FORMERR = 1;

function parsed(bytes: Uint8Array): Query {
  const result = parseQuery(bytes);
  assert.ok(!('drop' in result));
  return result;
}
function complaintOf(bytes: Uint8Array): number {
  const result = parseQuery(bytes);
  assert.ok('drop' in result && !result.drop);
  assert.equal(result.reply.length, 12);
  return headerOf(result.reply).rcode;
}

test('a question comes back in the case it was asked in and is looked up in lower case', () => {
  const bytes = query('sN.mOnSoOn.TeSt', 1);
  const { name, question, type, edns } = parsed(bytes);
  assert.equal(name, ORIGIN);
  assert.deepEqual(Buffer.from(question), bytes.subarray(12));
  assert.deepEqual([type, edns], [1, undefined]);
});

test('EDNS is read, and offers below 512 count as 512 (RFC 6891)', () => {
  assert.equal(parsed(query(ZONE, 1, 4096)).edns?.udpBytes, 4096);
  assert.equal(parsed(query(ZONE, 1, 0)).edns?.udpBytes, 512);
});

test('EDNS options must fill their space exactly', () => {
  const withOptions = (options: number[]): Buffer => {
    const bytes = Buffer.concat([query(ZONE, 1, 1232), Buffer.from(options)]);
    bytes.writeUInt16BE(options.length, bytes.length - options.length - 2);
    return bytes;
  };
  assert.ok(parsed(withOptions([0, 10, 0, 2, 1, 2, 0, 12, 0, 0])).edns);
  assert.equal(complaintOf(withOptions([0, 10, 0, 3, 1, 2])), FORMERR);
  assert.equal(complaintOf(withOptions([0, 10, 0])), FORMERR);
});

test('bytes after the last record are FORMERR, and so is a record cut off anywhere', () => {
  const whole = query(ZONE, 1, 1232);
  assert.equal(complaintOf(Buffer.concat([whole, Buffer.of(0)])), FORMERR);
  for (let length = 12; length < whole.length; length++) assert.equal(complaintOf(whole.subarray(0, length)), FORMERR);
  for (let length = 0; length < 12; length++) assert.deepEqual(parseQuery(whole.subarray(0, length)), { drop: true });
});

test('a name of 255 bytes is read and one of 256 is not', () => {
  const name = (last: number): string => [...Array(3).fill('a'.repeat(63)), 'b'.repeat(last)].join('.');
  assert.equal(parsed(query(name(61), 1)).name.length, 255);
  assert.equal(complaintOf(query(name(62), 1)), FORMERR);
  assert.equal(wireName(name(61))?.length, 255);
  assert.equal(wireName(name(62)), undefined);
  for (const bad of ['', 'a..b', '.a', 'a'.repeat(64)]) assert.equal(wireName(bad), undefined);
});

test('a name is inside a zone only where its labels are, not where its bytes happen to match', () => {
  assert.equal(isInside(ORIGIN, ORIGIN), true);
  assert.equal(isInside(wireName(`a.b.${ZONE}`)!, ORIGIN), true);
  assert.equal(isInside(wireName('monsoon.test')!, ORIGIN), false);
  assert.equal(isInside(wireName(`x${ZONE}`)!, ORIGIN), false);
  const bytesOfZoneInsideALabel = `\x05aa${ORIGIN}`;
  assert.equal(bytesOfZoneInsideALabel.endsWith(ORIGIN), true);
  assert.equal(isInside(bytesOfZoneInsideALabel, ORIGIN), false);
});

test('no mutation of a query throws, and none takes a millisecond', () => {
  const seed = Date.now() >>> 0;
  const random = seededRandom(seed);
  const good = Object.values(vectors.rows).map(({ hex }) => Buffer.from(hex, 'hex'));
  let queries = 0;
  const started = performance.now();
  const rounds = 50_000;
  for (let round = 0; round < rounds; round++) {
    const bytes = Buffer.from(good[randomBelow(random, good.length)]!);
    for (let flips = randomBelow(random, 5); flips > 0; flips--)
      bytes[randomBelow(random, bytes.length)] = random() * 256;
    const result = parseQuery(bytes);
    if ('drop' in result) continue;
    queries++;
    assert.ok(result.name.length <= 255 && result.question.length === result.name.length + 4, `seed ${seed}`);
  }
  assert.ok(queries > 1000, `${queries} of the mutations are still queries, seed ${seed}`);
  assert.ok((performance.now() - started) / rounds < 1, `seed ${seed}`);
  assert.equal(complaintOf(Buffer.concat([query(ZONE, 1), Buffer.alloc(QUERY_BYTES_MAX)])), FORMERR);
});
