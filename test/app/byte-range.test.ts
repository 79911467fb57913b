// RFC 9110, section 14: which bytes a Range header names, however it is written.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ByteRange, parseRange } from '../../app/control/byte-range.ts';
import { randomOf } from '../listing/titles.ts';
import { SEED } from '../seed.ts';

const SIZE = 1000;
const HUGE = '9'.repeat(400);

const GOOD: [string, ByteRange][] = [
  ['bytes=0-0', { start: 0, length: 1 }],
  ['bytes=0-', { start: 0, length: 1000 }],
  ['bytes=10-19', { start: 10, length: 10 }],
  ['bytes=999-', { start: 999, length: 1 }],
  ['bytes=999-999', { start: 999, length: 1 }],
  ['bytes=500-5000', { start: 500, length: 500 }],
  [`bytes=1-${HUGE}`, { start: 1, length: 999 }],
  ['bytes=-1', { start: 999, length: 1 }],
  ['bytes=-1000', { start: 0, length: 1000 }],
  [`bytes=-${HUGE}`, { start: 0, length: 1000 }],
  ['BYTES=5-6', { start: 5, length: 2 }],
  ['bytes = 5-6 ', { start: 5, length: 2 }],
  ['bytes=0005-06', { start: 5, length: 2 }],
];
const WRONG = [
  ...['bytes=', 'bytes=-', 'bytes=--1', 'bytes=1', 'bytes=1-2-3', 'bytes=a-b', 'bytes=0x1-2', 'bytes=1.5-2'],
  ...['bytes=2-1', 'bytes=-0', 'bytes=1000-', 'bytes=1000-1001', `bytes=${HUGE}-`, 'bytes=+1-2', 'bytes=1-+2'],
  ...['bytes=0-1,', 'bytes=,', 'bytes=0-1,x', 'bytes=0 -1', 'bytes=0- 1', 'bytes=１-2', 'bytes==0-1', 'bytes=NaN-'],
];
const OF_ALL = [undefined, '', 'lines=0-1', 'none', 'bytes', 'bytes 0-1', 'bytes=0-1,5-6', 'bytes=0-1, -5'];

test('one range is cut to the file', () => {
  for (const [header, range] of GOOD) assert.deepEqual(parseRange(header, SIZE), range, header);
});

test('a range that is malformed or holds no byte is refused, and what is no range of bytes is not heard', () => {
  for (const header of WRONG) assert.equal(parseRange(header, SIZE), undefined, header);
  for (const header of OF_ALL) assert.equal(parseRange(header, SIZE), 'whole', `${header}`);
});

test('an empty file has no range', () => {
  for (const header of ['bytes=0-', 'bytes=0-0', 'bytes=-0']) assert.equal(parseRange(header, 0), undefined, header);
  assert.equal(parseRange('bytes=-5', 0), 'whole');
});

test(`whatever a header says, a range lies inside the file (seed ${SEED})`, () => {
  const random = randomOf(SEED);
  const signs = [...'0123456789-,= byteslin\t+.xX'];
  let ranges = 0;
  for (let i = 0; i < 20_000; i++) {
    const size = Math.floor(random() * 50);
    const tail = Array.from({ length: Math.floor(random() * 8) }, () => signs[Math.floor(random() * signs.length)]!);
    const digits = (): string => `${Math.floor(random() * 60)}`;
    const header = i % 2 ? `bytes=${tail.join('')}` : `bytes=${digits()}-${digits()}${i % 4 ? '' : tail.join('')}`;
    const range = parseRange(header, size);
    if (range === undefined || range === 'whole') continue;
    ranges++;
    assert.ok(Number.isInteger(range.start) && Number.isInteger(range.length), header);
    assert.ok(range.start >= 0 && range.length > 0 && range.start + range.length <= size, header);
  }
  assert.ok(ranges > 1000, `${ranges} of them were ranges`);
});
