// PCP and NAT-PMP (RFC 6886) byte for byte.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesOfHex, hex, isFault, seededRandom, writeUint32 } from '../../src/base/index.ts';
import { natPmpCodec } from '../../src/lan/nat-pmp.ts';
import { pcpCodec } from '../../src/lan/pcp.ts';
import { eachSeed, randomBytes } from '../seed.ts';

const NONCE = bytesOfHex('000102030405060708090a0b')!;
const pcp = pcpCodec(NONCE);
const wish = { transport: 'tcp', host: '192.168.1.7', port: 7373, externalPort: 7373, lifetimeSeconds: 1800 } as const;
const bytes = (...parts: string[]): Uint8Array => bytesOfHex(parts.join(''))!;
const FOUR = '00000000000000000000ffff';
const PCP_GOOD = [
  '02810000 00000708 00001000 000000000000000000000000',
  hex(NONCE),
  '06000000 1ccd 1cce',
  FOUR,
  '05060708',
].map((part) => part.replaceAll(' ', ''));

test('RFC 6887 11.1: a MAP request holds lifetime, our address, nonce, transport, ports and no wished address', () => {
  assert.equal(
    hex(pcp.encode('tcp', wish)),
    `0201000000000708${FOUR}c0a80107${hex(NONCE)}060000001ccd1ccd${FOUR}00000000`,
  );
  const six = hex(pcp.encode('udp', { ...wish, transport: 'udp', host: 'fd00::7', lifetimeSeconds: 0 }));
  assert.equal(six, `0201000000000000fd000000000000000000000000000007${hex(NONCE)}110000001ccd1ccd${'00'.repeat(16)}`);
});

test('RFC 6887 11.1: an answer to us is read, and one that is not ours is foreign', () => {
  assert.deepEqual(pcp.parse(bytes(...PCP_GOOD), 7373), {
    to: 'tcp',
    epochSeconds: 4096,
    host: '5.6.7.8',
    externalPort: 7374,
    lifetimeSeconds: 1800,
  });
  const good = bytes(...PCP_GOOD);
  for (const [at, why] of [
    [24, 'another nonce'],
    [36, 'another transport'],
    [40, 'another port'],
    [1, 'a request'],
  ] as const) {
    const other = good.slice();
    other[at] = at === 1 ? 1 : 0xee;
    const verdict = pcp.parse(other, 7373);
    assert.ok(isFault(verdict) && verdict.code === 'foreign', why);
  }
  for (let length = 0; length < good.length; length++) assert.ok(isFault(pcp.parse(good.subarray(0, length), 7373)));
});

test('RFC 6887 7.4, 14.1: refusals say why, announcements carry the age, another version is told apart', () => {
  const refused = bytes(...PCP_GOOD);
  for (let result = 1; result < 256; result++) {
    refused[3] = result;
    const verdict = pcp.parse(refused, 7373);
    assert.ok(isFault(verdict) && verdict.code === 'refused' && verdict.text !== '', `${result}`);
  }
  const notice = pcp.parse(bytes('02800000', '00000000', '00000005', '00'.repeat(12)), 7373);
  assert.ok(!isFault(notice) && notice.to === 'notice' && notice.epochSeconds === 5);
  const older = pcp.parse(bytes('00810001', '00000005'), 7373);
  assert.ok(isFault(older) && older.code === 'other-version');
});

test('RFC 6886 3.2, 3.3: requests and answers', () => {
  assert.equal(hex(natPmpCodec.encode('address', wish)), '0000');
  assert.equal(hex(natPmpCodec.encode('tcp', wish)), '000200001ccd1ccd00000708');
  assert.equal(
    hex(natPmpCodec.encode('udp', { ...wish, externalPort: 0, lifetimeSeconds: 0 })),
    '000100001ccd000000000000',
  );
  const address = natPmpCodec.parse(bytes('00800000', '00000010', '05060708'), 7373);
  assert.deepEqual(address, { to: 'address', epochSeconds: 16, host: '5.6.7.8', externalPort: 0, lifetimeSeconds: 0 });
  const good = bytes('00820000', '00000010', '1ccd1cce', '00000708');
  assert.deepEqual(natPmpCodec.parse(good, 7373), {
    to: 'tcp',
    epochSeconds: 16,
    host: undefined,
    externalPort: 7374,
    lifetimeSeconds: 1800,
  });
  const foreign = natPmpCodec.parse(good, 7374);
  assert.ok(isFault(foreign) && foreign.code === 'foreign');
  for (let length = 0; length < good.length; length++)
    assert.ok(isFault(natPmpCodec.parse(good.subarray(0, length), 7373)));
  good[3] = 2;
  const refused = natPmpCodec.parse(good, 7373);
  assert.ok(isFault(refused) && refused.code === 'refused');
});

test('no datagram makes either throw, and what passes is within its bounds', () => {
  eachSeed(2000, (seed) => {
    const random = seededRandom(seed);
    const datagram = randomBytes(random, Math.floor(random() * 80));
    if (random() < 0.7 && datagram.length > 3)
      datagram.set([random() < 0.5 ? 2 : 0, 0x80 | Math.floor(random() * 3), 0, 0]);
    if (datagram.length >= 60) {
      datagram.set(NONCE, 24);
      writeUint32(datagram, 40, (7373 << 16) | Math.floor(random() * 65_536));
    }
    for (const codec of [pcp, natPmpCodec]) {
      const answer = codec.parse(datagram, 7373);
      if (!isFault(answer)) assert.ok(answer.externalPort >= 0 && answer.externalPort <= 65_535);
    }
  });
});
