import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type BencodeInput,
  bytesOfHex,
  concatBytes,
  decodeBencode,
  encodeBencode,
  formatAddress,
  isFault,
  parseAddress,
  RECORD_BYTES_MAX,
  sealRecord,
  wallSeconds,
} from '../../src/base/index.ts';
import { encodeVotes } from '../../src/overlay/certificate.ts';
import { SEQUENCE_MAX } from '../../src/overlay/descriptor.ts';
import {
  CERTIFICATE_SECONDS,
  type Descriptor,
  OWN_TOKENS_MAX,
  openDescriptor,
  ROLE_LEAVES,
  type Seat,
  type Statement,
  sealDescriptor,
  tokensOf,
} from '../../src/overlay/index.ts';
import { candidacy, certificateBy, identity, NOW, rules, sha1, statement, voteBy } from './fixtures.ts';

const { nodeId, sign } = identity(1);
const seal = (changes: Partial<Statement> = {}): Descriptor => sealDescriptor(statement(changes), nodeId, sign, sha1);
const codeOf = (record: Uint8Array, now = NOW): string => {
  const opened = openDescriptor(record, rules, now);
  return isFault(opened) ? opened.code : 'opened';
};
const bodyOf = (record: Uint8Array): Record<string, BencodeInput> => {
  const body = decodeBencode(record.subarray(64));
  assert.ok(body instanceof Map);
  return Object.fromEntries(body);
};
const reseal = (changes: Record<string, BencodeInput | undefined>, of: Descriptor = seal()): Uint8Array =>
  sealRecord('descriptor-2', { ...bodyOf(of.record), ...changes }, nodeId, sign);
/** Elected by nodes 2 to 4, for term 1. */
const elected = (changes: Partial<Statement> = {}): Descriptor =>
  seal({ term: 1, certificate: certificateBy([2, 3, 4], candidacy(1)), ...changes });
const SEAT = 'ab'.repeat(20) as Seat;

test('a descriptor opens as it was sealed', () => {
  const addresses = ['203.1.2.3:7373', '[2a00:1:2::3]:443', '10.0.0.1:1', '127.0.0.1:65535'].map(
    (text) => parseAddress(text)!,
  );
  const about = candidacy(1, { host: addresses[0]!.host, term: 7 });
  for (const certificate of [
    certificateBy([], about),
    certificateBy([2], about),
    certificateBy([2, 3, 4, 5, 6], about),
    certificateBy([2, 3, 4, 5, 6], { ...about, seat: SEAT }),
  ]) {
    const roles = 0xffff_ffff - ROLE_LEAVES;
    const bounds = { load: 255, roles, term: 7, sequence: SEQUENCE_MAX, ownTokens: OWN_TOKENS_MAX };
    const sealed = seal({ addresses, certificate, ...bounds });
    const opened = openDescriptor(sealed.record, rules, NOW);
    assert.ok(!isFault(opened), String(opened));
    assert.deepEqual(plain(opened), plain(sealed));
    assert.deepEqual(opened.addresses.map(formatAddress), addresses.map(formatAddress));
    assert.deepEqual(Buffer.from(opened.record), Buffer.from(sealed.record));
  }
});

function plain(descriptor: Descriptor): object {
  const votes = descriptor.certificate.votes.map(({ witness, signature }) => [witness, Buffer.from(signature)]);
  return { ...descriptor, record: undefined, certificate: { ...descriptor.certificate, votes } };
}

test('the bytes of a descriptor are those that the header of descriptor.ts promises', () => {
  const certificate = certificateBy([2], candidacy(1, { seat: SEAT }));
  const body = Buffer.from(seal({ term: 1, certificate }).record.subarray(64)).toString('latin1');
  const latin = (digits: string): string => Buffer.from(digits, 'hex').toString('latin1');
  const votes = Buffer.from(encodeVotes(certificate.votes)).toString('latin1');
  assert.equal(
    body,
    `d1:al6:\x0a\x01\x02\x03\x1c\xcde1:bi1800000000e1:cli500ei1000000ei200000ei60000ee1:ei1800003600e1:fi1e1:ii1800000000e1:k32:${latin(nodeId)}1:li17e1:mi1e1:n7:monsoon1:oi1e1:qi1e1:s20:${latin(SEAT)}1:x96:${votes}e`,
  );
});

test('a full descriptor with five votes fits its 1,000 bytes', () => {
  const addresses = Array.from({ length: 4 }, (_, i) => ({ host: `2a00:1:2:3:4:5:6:${i + 1}`, port: 65_535 }));
  const biggest = 2 ** 53 - 1;
  const capacity = { announcesPerSecond: biggest, peers: biggest, hashes: biggest, trackingBytesPerSecond: biggest };
  const about = candidacy(1, { network: 'n'.repeat(32), term: 0xffff_ffff, seat: SEAT });
  const certificate = certificateBy([2, 3, 4, 5, 6], about);
  const sizes = { network: about.network, term: about.term, sequence: SEQUENCE_MAX, roles: 0xffff_ffff, load: 255 };
  const { record } = seal({ ...sizes, addresses, capacity, certificate, ownTokens: 8 });
  assert.ok(record.length <= RECORD_BYTES_MAX, `${record.length} bytes`);
});

test('keys that a later version adds are ignored and kept', () => {
  const opened = openDescriptor(reseal({ d: 'new', z: ['newer'] }), rules, NOW);
  assert.ok(!isFault(opened));
  assert.deepEqual(Object.keys(bodyOf(opened.record)), [...'abcdefiklmnoqxz']);
});

test('a descriptor is dated at most ten minutes ahead, however long ago, and good for two hours at most', () => {
  const at = (issued: number, lifetime: number): string =>
    codeOf(seal({ issued: wallSeconds(NOW + issued), expires: wallSeconds(NOW + issued + lifetime) }).record);
  assert.equal(at(-7199, 7200), 'opened');
  assert.equal(at(600, 7200), 'opened');
  assert.equal(at(601, 3600), 'descriptor-out-of-time');
  assert.equal(at(-600, 600), 'descriptor-expired');
  assert.equal(at(0, 7201), 'descriptor-malformed');
  assert.equal(at(0, 0), 'descriptor-malformed');
  assert.equal(at(-3 * 86_400, 7200), 'descriptor-expired');
});

test('a descriptor of another network, or sealed as another kind of record, is refused', () => {
  assert.equal(codeOf(seal({ network: 'typhoon' }).record), 'descriptor-other-network');
  for (const context of ['entry-1', 'descriptor-1', 'grant-1'])
    assert.equal(codeOf(sealRecord(context, bodyOf(seal().record), nodeId, sign)), 'record-forged', context);
});

test('the tokens are the first of the seat, which nobody states: as many as the descriptor says, none while it leaves', () => {
  const tokens = tokensOf(elected().seat, OWN_TOKENS_MAX, sha1);
  for (let ownTokens = 1; ownTokens <= OWN_TOKENS_MAX; ownTokens++) {
    const opened = openDescriptor(elected({ ownTokens }).record, rules, NOW);
    assert.ok(!isFault(opened));
    assert.equal(opened.tokens.length, ownTokens);
    assert.ok(opened.tokens.every((token) => tokens.includes(token)));
    assert.deepEqual(opened.tokens, opened.tokens.toSorted());
  }
  const leaving = openDescriptor(elected({ roles: ROLE_LEAVES }).record, rules, NOW);
  assert.ok(!isFault(leaving));
  assert.deepEqual(leaving.tokens, []);
  assert.equal(leaving.seat, elected().seat);
});

test('the seat follows from the votes, stays through a renewal, and for a first supernode follows from its key and term', () => {
  const kept = certificateBy([5, 6, 7], candidacy(1, { seat: elected().seat }));
  const renewed = openDescriptor(elected({ certificate: kept, sequence: 2 }).record, rules, NOW);
  assert.ok(!isFault(renewed));
  assert.equal(renewed.seat, elected().seat);
  assert.deepEqual(renewed.tokens, elected().tokens);
  const others = elected({ certificate: certificateBy([2, 3, 5], candidacy(1)) });
  assert.notEqual(others.seat, elected().seat);
  assert.notEqual(seal({ term: 1 }).seat, seal().seat);
});

test('a seat kept without votes is refused: nobody keeps what nobody gave', () => {
  assert.equal(codeOf(reseal({ s: bytesOfHex(SEAT)! })), 'descriptor-malformed');
});

test('votes of another election, of nobody or of the node itself are refused', () => {
  const code = (x: Uint8Array, changes = {}): string => codeOf(reseal({ x, ...changes }, elected()));
  const votes = (witnesses: number[], changes = {}): Uint8Array =>
    encodeVotes(certificateBy(witnesses, candidacy(1, changes)).votes);
  assert.equal(code(votes([2, 3, 4])), 'opened');
  const wrong = [
    { term: 2 },
    { issued: wallSeconds(NOW + 1) },
    { network: 'typhoon' },
    { nodeId: identity(9).nodeId },
    { seat: SEAT },
  ];
  for (const changes of wrong) assert.equal(code(votes([2], changes)), 'descriptor-votes-wrong', String(changes));
  assert.equal(code(votes([1, 2, 3])), 'descriptor-votes-wrong');
  assert.equal(code(votes([2, 3, 4]), { s: bytesOfHex(SEAT)! }), 'descriptor-votes-wrong');
  assert.equal(code(votes([2, 3, 4]), { m: 2 }), 'descriptor-votes-wrong');
  assert.equal(code(votes([2, 3, 4]), { b: NOW - 1 }), 'descriptor-votes-wrong');
  const borrowed = [{ ...voteBy(2, candidacy(1)), witness: identity(3).nodeId }];
  assert.equal(code(encodeVotes(borrowed)), 'descriptor-votes-wrong');
});

test('no descriptor outlives its votes', () => {
  const lasting = (seconds: number): string =>
    codeOf(elected({ issued: wallSeconds(NOW + 60), expires: wallSeconds(NOW + seconds) }).record);
  assert.equal(lasting(CERTIFICATE_SECONDS), 'opened');
  assert.equal(lasting(CERTIFICATE_SECONDS + 1), 'descriptor-malformed');
  const unelected = { issued: wallSeconds(NOW + 60), expires: wallSeconds(NOW + CERTIFICATE_SECONDS + 60) };
  assert.equal(codeOf(seal(unelected).record), 'opened', 'without votes there is nothing to outlive');
});

test('every missing, mistyped or exceeded member is refused by name', () => {
  const vote = encodeVotes(certificateBy([2], candidacy(1)).votes);
  const six = encodeVotes(certificateBy([2, 3, 4, 5, 6], candidacy(1)).votes);
  const [low, high] = certificateBy([2, 3], candidacy(1)).votes;
  const wrong: Record<string, readonly (BencodeInput | undefined)[]> = {
    a: [undefined, [], 'x', [1], ['short'], [new Uint8Array(6)], Array(5).fill(bytesOfHex('0a0000011ccd')!)],
    b: [undefined, -1, 'x', 2n ** 60n],
    c: [undefined, 1, [], [1, 2, 3], [1, 2, 3, -1], [1, 2, 3, 'x'], [1, 2, 3, 2n ** 60n]],
    e: [undefined, 'x', -1],
    f: [undefined, -1, 2 ** 32],
    i: [undefined, -1, 'x'],
    l: [undefined, -1, 256],
    m: [undefined, -1, 2 ** 32],
    n: [undefined, 1, [], new Uint8Array([0xff])],
    o: [undefined, 'x', 0, OWN_TOKENS_MAX + 1],
    q: [undefined, 0, -1, 'x', SEQUENCE_MAX + 1, 2n ** 60n],
    s: [1, [], 'short', new Uint8Array(21)],
    x: [
      undefined,
      1,
      [],
      'short',
      concatBytes([vote, vote]),
      concatBytes([six, vote]),
      concatBytes([encodeVotes([high!]), encodeVotes([low!])]),
    ],
  };
  for (const [key, values] of Object.entries(wrong)) {
    for (const value of values) {
      const opened = openDescriptor(reseal({ [key]: value }, elected()), rules, NOW);
      assert.ok(isFault(opened) && opened.code === 'descriptor-malformed', `${key} = ${String(value)}: ${opened}`);
      assert.ok(opened.text.includes(`"${key}"`), opened.text);
    }
  }
  // Multicast, unspecified, broadcast and documentation addresses are no hosts.
  for (const host of ['224.0.0.1', '0.0.0.0', '255.255.255.255', '192.0.2.1', 'ff02::1', '::']) {
    assert.equal(codeOf(seal({ addresses: [{ host, port: 7373 }] }).record), 'descriptor-malformed', host);
  }
});

test('what is no record is refused before anything of it is read', () => {
  assert.equal(codeOf(encodeBencode({})), 'record-malformed');
  assert.equal(codeOf(new Uint8Array(0)), 'record-malformed');
  assert.equal(codeOf(new Uint8Array(RECORD_BYTES_MAX + 1)), 'record-too-large');
});
