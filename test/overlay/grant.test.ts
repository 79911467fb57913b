import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type BencodeInput,
  concatBytes,
  decodeBencode,
  encodeBencode,
  isFault,
  nodeIdBytes,
  RECORD_BYTES_MAX,
  sealRecord,
  utf8,
  wallSeconds,
} from '../../src/base/index.ts';
import { verify } from '../../src/io/identity.ts';
import { SEQUENCE_MAX } from '../../src/overlay/descriptor.ts';
import { EPOCH_MAX, isReceipt, type SealedGrant } from '../../src/overlay/grant.ts';
import {
  GRANT_SECONDS,
  type Grant,
  openGrant,
  openSealedGrant,
  receiptOf,
  signedGrant,
  type Token,
  takenBytes,
} from '../../src/overlay/index.ts';
import { grantBy, identity, NOW, rules, sealedBy } from './fixtures.ts';

const sealed = sealedBy(1, 2);
const takenBy = (n: number, of: SealedGrant = sealed): Uint8Array => identity(n).sign(takenBytes(of.sealed));
const receiptBy = (n: number, of: SealedGrant = sealed): Uint8Array => receiptOf(identity(n).nodeId, takenBy(n, of));
const bytesOf = (...values: Record<string, unknown>[]): unknown[] =>
  values.map(({ sealed: s, record: r, ...rest }) => ({ ...rest, s: s && Buffer.from(s as Uint8Array) }));
const codeOf = (opened: unknown): string => (isFault(opened) ? opened.code : 'opened');
const open = (grant: Pick<Grant, 'record'>, now = NOW): string => codeOf(openGrant(grant.record, rules, now));
const openSealed = (bytes: Uint8Array, now = NOW): string => codeOf(openSealedGrant(bytes, rules, now));
const reseal = (changes: Record<string, BencodeInput | undefined>, context = 'grant-1'): Uint8Array => {
  const body = decodeBencode(sealed.sealed.subarray(64));
  assert.ok(body instanceof Map);
  return sealRecord(context, { ...Object.fromEntries(body), ...changes }, identity(1).nodeId, identity(1).sign);
};

test('a grant opens as it was sealed and signed, with a receipt and without', () => {
  const opened = openSealedGrant(sealed.sealed, rules, NOW);
  assert.ok(!isFault(opened));
  assert.deepEqual(bytesOf({ ...opened }), bytesOf({ ...sealed }));
  for (const receipt of [undefined, receiptBy(3)]) {
    const grant = signedGrant(sealed, takenBy(2), receipt);
    const passed = openGrant(grant.record, rules, NOW);
    assert.ok(!isFault(passed), String(passed));
    assert.deepEqual(bytesOf({ ...passed }), bytesOf({ ...grant }));
    assert.deepEqual(Buffer.from(passed.record), Buffer.from(grant.record));
  }
});

test('the bytes of a grant are those that the header of grant.ts promises', () => {
  const latin = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
  const [giver, taker] = [1, 2].map((n) => latin(nodeIdBytes(identity(n).nodeId)));
  assert.equal(
    latin(sealed.sealed.subarray(64)),
    `d1:ei1e1:f20:${'\0'.repeat(20)}1:k32:${giver}1:n7:monsoon1:qi1800000000e1:t20:${`\x88`.repeat(20)}1:w32:${taker}1:xi1800007200ee`,
  );
  assert.equal(latin(takenBytes(utf8('x'))), 'monsoon grant-taken-1\nx');
  const receipt = receiptBy(3);
  const { record } = signedGrant(sealed, takenBy(2), receipt);
  const length = sealed.sealed.length;
  assert.equal(
    latin(record),
    `d1:g${length}:${latin(sealed.sealed)}1:r96:${latin(receipt)}1:s64:${latin(takenBy(2))}e`,
  );
});

test('a grant counts until it expires, and one that would last longer than two lives is refused', () => {
  const until = (seconds: number): string => open(grantBy(1, 2, { expires: wallSeconds(NOW + seconds) }));
  assert.equal(until(1), 'opened');
  assert.equal(until(0), 'grant-expired');
  assert.equal(until(-1), 'grant-expired');
  assert.equal(until(2 * GRANT_SECONDS), 'opened');
  assert.equal(until(2 * GRANT_SECONDS + 1), 'grant-expired');
  assert.equal(open(grantBy(1, 2), wallSeconds(NOW + GRANT_SECONDS)), 'grant-expired');
});

test('a grant of another network, or sealed as another kind of record, is refused', () => {
  assert.equal(open(grantBy(1, 2, { network: 'typhoon' })), 'grant-other-network');
  for (const context of ['descriptor-2', 'entry-1', 'grant-taken-1'])
    assert.equal(openSealed(reseal({}, context)), 'record-forged', context);
});

test('what the taker did not sign is no grant, nor what somebody else signed for it', () => {
  const signedBy = (taken: Uint8Array, receipt?: Uint8Array): string => open(signedGrant(sealed, taken, receipt));
  assert.equal(signedBy(takenBy(2)), 'opened');
  assert.equal(signedBy(takenBy(1)), 'grant-unsigned');
  assert.equal(signedBy(takenBy(3)), 'grant-unsigned');
  assert.equal(signedBy(takenBy(2, sealedBy(1, 2, { epoch: 2 }))), 'grant-unsigned');
  assert.equal(signedBy(identity(2).sign(sealed.sealed)), 'grant-unsigned');
  assert.equal(signedBy(new Uint8Array(0)), 'grant-unsigned');
  assert.equal(open({ record: encodeBencode({ g: sealed.sealed }) }), 'grant-unsigned');
});

test('a receipt that is there must be good', () => {
  assert.equal(isReceipt(receiptBy(3), sealed.sealed, verify), true);
  const forged = [
    receiptOf(identity(4).nodeId, takenBy(3)),
    receiptBy(3, sealedBy(1, 2, { epoch: 2 })),
    receiptBy(3).subarray(1),
    concatBytes([receiptBy(3), Uint8Array.of(0)]),
    new Uint8Array(0),
  ];
  for (const receipt of forged) {
    assert.equal(isReceipt(receipt, sealed.sealed, verify), false);
    assert.equal(open(signedGrant(sealed, takenBy(2), receipt)), 'grant-unsigned');
  }
  assert.equal(isReceipt(undefined, sealed.sealed, verify), false);
  assert.equal(open({ record: encodeBencode({ g: sealed.sealed, r: 1, s: takenBy(2) }) }), 'grant-unsigned');
});

test('a grant that its giver did not seal is forged', () => {
  const foreign = concatBytes([identity(9).sign(sealed.sealed.subarray(64)), sealed.sealed.subarray(64)]);
  assert.equal(openSealed(foreign), 'record-forged');
  for (let at = 0; at < sealed.sealed.length; at++) {
    const changed = sealed.sealed.slice();
    changed[at]! ^= 1;
    assert.notEqual(openSealed(changed), 'opened', `byte ${at}`);
  }
});

test('every missing, mistyped or exceeded member of what was sealed is refused', () => {
  const place = (length: number): Uint8Array => new Uint8Array(length).fill(0x88);
  const wrong: Record<string, readonly (BencodeInput | undefined)[]> = {
    e: [undefined, 'x', -1, EPOCH_MAX + 1],
    f: [undefined, 1, place(19), place(21), place(20)],
    n: [undefined, 1, []],
    q: [undefined, 'x', -1, SEQUENCE_MAX + 1],
    t: [undefined, [], place(19), place(21), new Uint8Array(20)],
    w: [undefined, 1, place(31), place(33), nodeIdBytes(identity(1).nodeId)],
    x: [undefined, 'x', -1, 2n ** 60n],
  };
  for (const [key, values] of Object.entries(wrong))
    for (const value of values)
      assert.equal(openSealed(reseal({ [key]: value })), 'grant-malformed', `${key} ${value}`);
  assert.equal(openSealed(reseal({ z: ['later'] })), 'opened', 'keys of later versions are ignored');
});

test('what is passed on and is no dictionary with a sealed grant is refused', () => {
  const good = { g: sealed.sealed, s: takenBy(2) };
  assert.equal(open({ record: encodeBencode({ ...good, z: 1 }) }), 'opened');
  for (const body of [
    [],
    {},
    { s: takenBy(2) },
    { ...good, g: 1 },
    { ...good, z: Array(20).fill(1) },
  ] as BencodeInput[])
    assert.equal(open({ record: encodeBencode(body) }), 'grant-malformed');
  assert.equal(open({ record: encodeBencode({ ...good, g: new Uint8Array(3) }) }), 'record-malformed');
  assert.equal(open({ record: new Uint8Array(RECORD_BYTES_MAX + 1) }), 'grant-malformed');
});

test('the largest grant fits a record, and what was opened does not keep the message it came in', () => {
  const biggest = { network: 'n'.repeat(32), epoch: EPOCH_MAX, sequence: SEQUENCE_MAX, to: 'f'.repeat(40) as Token };
  const large = sealedBy(1, 2, biggest);
  assert.ok(signedGrant(large, takenBy(2, large), receiptBy(3, large)).record.length <= RECORD_BYTES_MAX);
  const record = grantBy(1, 2).record.slice();
  const opened = openGrant(record, rules, NOW);
  assert.ok(!isFault(opened));
  record.fill(0);
  assert.equal(open(opened), 'opened');
  assert.equal(openSealed(opened.sealed), 'opened');
});
