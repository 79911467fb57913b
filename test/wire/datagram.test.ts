import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesOfHex, randomBelow, seededRandom, utf8 } from '../../src/base/index.ts';
import { type DatagramKind, datagramKind } from '../../src/wire/index.ts';
import { randomBytes, SEED } from '../seed.ts';

const CONNECT = '00000417271019800000000012345678';
const SHAPES: readonly [string, string, DatagramKind | undefined][] = [
  ['a DHT query', '64313a6164323a6964', 'krpc'],
  ['a DHT answer with the address of BEP 42 first', '64323a6970363a', 'krpc'],
  ['a dictionary without keys', '6465', undefined],
  ['a connect request', CONNECT, 'tracker-request'],
  ['a connect request that is cut off', CONNECT.slice(0, 30), undefined],
  ['a request with a connection id of ours', `b2${'00'.repeat(97)}`, 'tracker-request'],
  ['a request with another connection id', `c2${'00'.repeat(97)}`, undefined],
  ['an answer to a connect', '0000000012345678aabbccddeeff0011', 'tracker-reply'],
  ['an error', '0000000312345678', 'tracker-reply'],
  ['an unknown action', '0000000412345678', undefined],
  ['an error that is cut off', '00000003123456', undefined],
  ['a uTP SYN', '4100303900000000000000000000000000010000', undefined],
  ['nothing', '', undefined],
];

for (const [name, hex, kind] of SHAPES) {
  test(`${name} is ${kind ?? 'nobody’s'}`, () => assert.equal(datagramKind(bytesOfHex(hex)!), kind));
}

test('text is nobody’s', () => assert.equal(datagramKind(utf8('GET /announce HTTP/1.1\r\n\r\n')), undefined));

test(`no bytes break it, and what it names has the length that the name promises (seed ${SEED})`, () => {
  const random = seededRandom(SEED);
  for (let n = 0; n < 20_000; n++) {
    const bytes = randomBytes(random, randomBelow(random, 24));
    if (n % 2 === 0) bytes.fill(0, 0, 3);
    const kind = datagramKind(bytes);
    if (kind === 'tracker-reply') assert.ok(bytes.length >= 8);
    if (kind === 'tracker-request') assert.ok(bytes.length >= 16);
  }
});
