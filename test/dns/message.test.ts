import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { QUERY_BYTES_MAX, UDP_BYTES_MAX, wireName } from '../../dns/index.ts';
import { DROP, emptyQuery, type Query, readQuery } from '../../dns/message.ts';
import { instant, randomBelow, seededRandom, wallSeconds } from '../../src/base/index.ts';
import { pick, randomBytes, SEED } from '../seed.ts';
import { authorityOf, cookieOption, headerOf, ORIGIN, query, ZONE } from './fixtures.ts';

const vectors: { rows: Record<string, { hex: string }> } = JSON.parse(
  readFileSync(new URL('../fixtures/dns_queries.json', import.meta.url), 'utf8'),
);
const FORMERR = 1;

function parsed(bytes: Uint8Array): Query {
  const query = emptyQuery();
  assert.equal(readQuery(query, bytes), 0);
  return query;
}
const verdictOf = (bytes: Uint8Array): number => readQuery(emptyQuery(), bytes);

test('a question is read where it stands, with its type and class', () => {
  const bytes = query('sN.mOnSoOn.TeSt', 28, undefined, { dnsClass: 3 });
  const { nameEnd, type, class: dnsClass, ednsVersion } = parsed(bytes);
  assert.deepEqual([nameEnd, type, dnsClass, ednsVersion], [12 + ORIGIN.length, 28, 3, -1]);
});

test('EDNS is read, and offers below 512 count as 512 (RFC 6891)', () => {
  assert.equal(parsed(query(ZONE, 1, 4096)).udpBytes, 4096);
  assert.equal(parsed(query(ZONE, 1, 0)).udpBytes, 512);
});

test('EDNS options must fill their space exactly', () => {
  const withOptions = (options: number[]): Buffer => query(ZONE, 1, 1232, { options });
  assert.equal(parsed(withOptions([0, 9, 0, 2, 1, 2, 0, 12, 0, 0])).ednsVersion, 0);
  assert.equal(verdictOf(withOptions([0, 9, 0, 3, 1, 2])), FORMERR);
  assert.equal(verdictOf(withOptions([0, 9, 0])), FORMERR);
});

test('bytes after the last record are FORMERR, and so is a record cut off anywhere', () => {
  const whole = query(ZONE, 1, 1232);
  assert.equal(verdictOf(Buffer.concat([whole, Buffer.of(0)])), FORMERR);
  for (let length = 12; length < whole.length; length++) assert.equal(verdictOf(whole.subarray(0, length)), FORMERR);
  for (let length = 0; length < 12; length++) assert.equal(verdictOf(whole.subarray(0, length)), DROP);
});

test('a name of 255 bytes is read and one of 256 is not', () => {
  const name = (last: number): string => [...Array(3).fill('a'.repeat(63)), 'b'.repeat(last)].join('.');
  assert.equal(parsed(query(name(61), 1)).nameEnd - 12, 255);
  assert.equal(verdictOf(query(name(62), 1)), FORMERR);
  assert.equal(wireName(name(61))?.length, 255);
  assert.equal(wireName(name(62)), undefined);
  for (const bad of ['', 'a..b', '.a', 'a'.repeat(64)]) assert.equal(wireName(bad), undefined);
});

test('a cookie has 8 bytes, or 16 to 40 with the server’s part, and one without a question is a query (RFC 7873)', () => {
  const withCookie = (length: number): Buffer =>
    query(ZONE, 1, 1232, { options: cookieOption(new Uint8Array(length)) });
  for (const length of [8, 16, 24, 40]) assert.equal(parsed(withCookie(length)).cookieBytes, length);
  for (const length of [0, 7, 9, 15, 41]) assert.equal(verdictOf(withCookie(length)), FORMERR, `${length}`);
  const whole = withCookie(8);
  const alone = Buffer.concat([whole.subarray(0, 12), whole.subarray(12 + ORIGIN.length + 4)]);
  alone.writeUInt16BE(0, 4);
  assert.equal(parsed(alone).hasQuestion, false);
  alone.writeUInt16BE(9, alone.length - 12);
  assert.equal(verdictOf(alone), FORMERR);
});

test('an IXFR tells the serial it has, and a signature is found at the end only', () => {
  const soa = Buffer.from('c00c0006000100000000001600000000002a000000000000000000000000000000000000', 'hex');
  soa.writeUInt32BE(42, 14);
  const asked = Buffer.concat([query(ZONE, 251), soa.subarray(0, 34)]);
  asked.writeUInt16BE(1, 8);
  assert.equal(parsed(asked).heldSerial, 42);
  asked.writeUInt16BE(1, 12 + ORIGIN.length);
  assert.equal(verdictOf(asked), FORMERR);
  const tsig = Buffer.from('01610000fa00ff000000000000', 'hex');
  const signed = Buffer.concat([query(ZONE, 6), tsig]);
  signed.writeUInt16BE(1, 10);
  assert.equal(parsed(signed).tsigAt, 12 + ORIGIN.length + 4);
  const twice = Buffer.concat([signed, tsig]);
  twice.writeUInt16BE(2, 10);
  assert.equal(verdictOf(twice), FORMERR);
});

test('N-30 no mutation of a query throws, stalls or draws more than it may: 100,000 of them', () => {
  const random = seededRandom(SEED);
  const signed = Buffer.concat([query(ZONE, 252), Buffer.from('01610000fa00ff0000000000050461626300', 'hex')]);
  signed.writeUInt16BE(1, 10);
  const cookie = query(ZONE, 16, 1232, { options: cookieOption(randomBytes(random, 24)) });
  const good = [
    ...Object.values(vectors.rows).map(({ hex }) => Buffer.from(hex, 'hex')),
    signed,
    cookie,
    query(`nobody.${ZONE}`, 1),
  ];
  const authority = authorityOf();
  const asker = Uint8Array.of(192, 0, 2, 7);
  const reply = Buffer.alloc(UDP_BYTES_MAX);
  const rcodes = new Map<number, number>();
  const moment = { now: instant(0), wallNow: wallSeconds(1_800_000_000) };
  let longestMs = 0;
  for (let round = 0; round < 100_000; round++) {
    const bytes = Buffer.from(pick(random, good));
    for (let flips = randomBelow(random, 5); flips > 0; flips--)
      bytes[randomBelow(random, bytes.length)] = random() < 0.5 ? 1 << randomBelow(random, 8) : random() * 256;
    const end = random() < 0.2 ? randomBelow(random, bytes.length + 1) : bytes.length;
    const asked = bytes.subarray(0, end);
    const answer = (): [number, readonly Uint8Array[], number] => {
      const startedAt = performance.now();
      const stream = authority.answerStream(asked, asker, moment);
      const length = authority.answerDatagram(asked, asker, moment, reply);
      return [length, stream, performance.now() - startedAt];
    };
    const [length, stream, firstMs] = answer();
    // What is slow once was somebody else's turn on the processor; what is slow again is ours.
    if (firstMs > longestMs) longestMs = Math.max(longestMs, Math.min(firstMs, answer()[2]));
    assert.ok(length <= Math.max(12, 3 * asked.length), `${length} bytes to ${asked.length}, seed ${SEED}`);
    assert.equal(length > 0, stream.length > 0, `seed ${SEED}`);
    if (length === 0) continue;
    const { rcode } = headerOf(reply);
    rcodes.set(rcode, (rcodes.get(rcode) ?? 0) + 1);
    assert.ok((reply[2]! & 0x80) !== 0 && reply.readUInt16BE(0) === asked.readUInt16BE(0), `seed ${SEED}`);
  }
  assert.ok(longestMs < 50, `${longestMs} ms`);
  // Answers, FORMERR, NXDOMAIN, NOTIMP, REFUSED and NOTAUTH: every way out was taken.
  for (const rcode of [0, 1, 3, 4, 5, 9]) assert.ok((rcodes.get(rcode) ?? 0) > 100, `rcode ${rcode}, seed ${SEED}`);
  assert.equal(verdictOf(Buffer.concat([query(ZONE, 1), Buffer.alloc(QUERY_BYTES_MAX)])), FORMERR);
});
