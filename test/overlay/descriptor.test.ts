import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type BencodeInput,
  bytesOfHex,
  decodeBencode,
  encodeBencode,
  formatAddress,
  isFault,
  parseAddress,
  RECORD_BYTES_MAX,
  randomBelow,
  sealRecord,
  seededRandom,
  wallSeconds,
} from '../../src/base/index.ts';
import { type Descriptor, openDescriptor, sealDescriptor } from '../../src/overlay/index.ts';
import { identity, NOW, rules, sha1, statement } from './fixtures.ts';

const { nodeId, sign } = identity(1);
const seal = (changes = {}): Descriptor => sealDescriptor(statement(changes), nodeId, sign, sha1);
const codeOf = (record: Uint8Array, now = NOW): string => {
  const opened = openDescriptor(record, rules, now);
  return isFault(opened) ? opened.code : 'opened';
};
const bodyOf = (record: Uint8Array): Record<string, BencodeInput> => {
  const body = decodeBencode(record.subarray(64));
  assert.ok(body instanceof Map);
  return Object.fromEntries(body);
};
const reseal = (changes: Record<string, BencodeInput | undefined>): Uint8Array =>
  sealRecord('descriptor-1', { ...bodyOf(seal().record), ...changes }, nodeId, sign);

test('a descriptor opens as it was sealed', () => {
  const addresses = ['203.1.2.3:7373', '[2a00:1:2::3]:443', '10.0.0.1:1', '127.0.0.1:65535'].map(
    (text) => parseAddress(text)!,
  );
  const sealed = seal({ addresses, load: 255, roles: 0xffff_ffff, term: 7, sequence: Number.MAX_SAFE_INTEGER });
  const opened = openDescriptor(sealed.record, rules, NOW);
  assert.ok(!isFault(opened));
  assert.deepEqual({ ...opened, record: undefined }, { ...sealed, record: undefined });
  assert.deepEqual(opened.addresses.map(formatAddress), addresses.map(formatAddress));
  assert.deepEqual(Buffer.from(opened.record), Buffer.from(sealed.record));
});

test('the bytes of a descriptor are those that the header of descriptor.ts promises', () => {
  const body = Buffer.from(seal().record.subarray(64)).toString('latin1');
  const token = Buffer.from(seal().tokens[0]!, 'hex').toString('latin1');
  const key = Buffer.from(nodeId, 'hex').toString('latin1');
  assert.equal(
    body,
    `d1:al6:\x0a\x01\x02\x03\x1c\xcde1:cli500ei1000000ei200000ei60000ee1:ei1800003600e1:fi1e1:ii1800000000e1:k32:${key}1:li17e1:mi0e1:n7:monsoon1:qi1e1:t20:${token}e`,
  );
});

test('a full descriptor leaves half of its 1,000 bytes to certificates and grants', () => {
  const addresses = Array.from({ length: 4 }, (_, i) => ({ host: `2a00:1:2:3:4:5:6:${i + 1}`, port: 65_535 }));
  const biggest = 2 ** 53 - 1;
  const capacity = { announcesPerSecond: biggest, peers: biggest, hashes: biggest, trackingBytesPerSecond: biggest };
  const { record } = seal({ network: 'n'.repeat(32), addresses, capacity, sequence: biggest, term: 0xffff_ffff });
  assert.ok(record.length <= RECORD_BYTES_MAX / 2, `${record.length} bytes`);
});

test('keys that a later version adds are ignored and kept', () => {
  const opened = openDescriptor(reseal({ b: 'certificate', z: ['grant'] }), rules, NOW);
  assert.ok(!isFault(opened));
  assert.deepEqual(Object.keys(bodyOf(opened.record)), [...'abcefiklmnqtz']);
});

test('the issue time must be within 10 minutes of our clock, and the expiry ahead of it by at most 2 hours', () => {
  const at = (issued: number, lifetime: number): string =>
    codeOf(seal({ issued: wallSeconds(NOW + issued), expires: wallSeconds(NOW + issued + lifetime) }).record);
  assert.equal(at(-600, 3600), 'opened');
  assert.equal(at(600, 7200), 'opened');
  assert.equal(at(-601, 3600), 'descriptor-out-of-time');
  assert.equal(at(601, 3600), 'descriptor-out-of-time');
  assert.equal(at(-600, 600), 'descriptor-expired');
  assert.equal(at(0, 7201), 'descriptor-malformed');
  assert.equal(at(0, 0), 'descriptor-malformed');
  assert.equal(at(-3 * 86_400, 7200), 'descriptor-out-of-time');
});

test('a descriptor of another network, or sealed as another kind of record, is refused', () => {
  assert.equal(codeOf(seal({ network: 'typhoon' }).record), 'descriptor-other-network');
  const otherKind = sealRecord('entry-1', bodyOf(seal().record), nodeId, sign);
  assert.equal(codeOf(otherKind), 'record-forged');
});

test('a node can claim only the token that its key and term give', () => {
  const token = (n: number, term = 0): Uint8Array =>
    bytesOfHex(sealDescriptor(statement({ term }), identity(n).nodeId, sign, sha1).tokens[0]!)!;
  assert.equal(codeOf(reseal({ t: token(1) })), 'opened');
  assert.equal(codeOf(reseal({ t: token(2) })), 'descriptor-foreign-token');
  assert.equal(codeOf(reseal({ t: token(1, 1) })), 'descriptor-foreign-token');
  assert.equal(codeOf(reseal({ t: '' })), 'descriptor-foreign-token');
  const both = [token(1), token(2)].sort(Buffer.compare);
  assert.equal(codeOf(reseal({ t: Buffer.concat(both) })), 'descriptor-foreign-token');
  assert.equal(codeOf(reseal({ t: Buffer.concat(both.toReversed()) })), 'descriptor-malformed');
});

test('every missing, mistyped or exceeded member is refused by name', () => {
  const wrong: Record<string, readonly (BencodeInput | undefined)[]> = {
    a: [undefined, [], 'x', [1], ['short'], [new Uint8Array(6)], Array(5).fill(bytesOfHex('0a0000011ccd')!)],
    c: [undefined, 1, [], [1, 2, 3], [1, 2, 3, -1], [1, 2, 3, 'x'], [1, 2, 3, 2n ** 60n]],
    e: [undefined, 'x', -1],
    f: [undefined, -1, 2 ** 32],
    i: [undefined, -1, 'x'],
    l: [undefined, -1, 256],
    m: [undefined, -1, 2 ** 32],
    n: [undefined, 1, [], new Uint8Array([0xff])],
    q: [undefined, 0, -1, 'x', 2n ** 60n],
    t: [undefined, 1, 'short'],
  };
  for (const [key, values] of Object.entries(wrong)) {
    for (const value of values) {
      const opened = openDescriptor(reseal({ [key]: value }), rules, NOW);
      assert.ok(isFault(opened) && opened.code === 'descriptor-malformed', `${key} = ${String(value)}`);
      assert.ok(opened.text.includes(`"${key}"`), opened.text);
    }
  }
  // Multicast, unspecified, broadcast and documentation addresses are no hosts.
  for (const host of ['224.0.0.1', '0.0.0.0', '255.255.255.255', '192.0.2.1', 'ff02::1', '::']) {
    assert.equal(codeOf(seal({ addresses: [{ host, port: 7373 }] }).record), 'descriptor-malformed', host);
  }
});

test('no mutation of a descriptor opens, throws or hangs', () => {
  const seed = Date.now() >>> 0;
  const random = seededRandom(seed);
  const { record } = seal();
  for (let i = 0; i < 3000; i++) {
    const mutated = Uint8Array.from(
      record.subarray(0, random() < 0.2 ? randomBelow(random, record.length) : undefined),
    );
    for (let flips = 1 + randomBelow(random, 4); flips > 0; flips--) {
      mutated[randomBelow(random, mutated.length)]! ^= 1 << randomBelow(random, 8);
    }
    if (Buffer.compare(mutated, record) !== 0) assert.notEqual(codeOf(mutated), 'opened', `seed ${seed}, round ${i}`);
  }
  assert.equal(codeOf(encodeBencode({})), 'record-malformed');
  assert.equal(codeOf(new Uint8Array(RECORD_BYTES_MAX + 1)), 'record-too-large');
});
