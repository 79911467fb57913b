import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  concatBytes,
  encodeBencode,
  isFault,
  nodeIdBytes,
  openRecord,
  RECORD_BYTES_MAX,
  randomBelow,
  sealRecord,
  seededRandom,
  utf8,
} from '../../src/base/index.ts';
import { identityOfSeed, verify } from '../../src/io/identity.ts';
import { eachSeed, randomBytes, SEED } from '../seed.ts';

const signer = identityOfSeed(new Uint8Array(32).fill(7));
const other = identityOfSeed(new Uint8Array(32).fill(8));
const seal = (body: Parameters<typeof sealRecord>[1]): Uint8Array =>
  sealRecord('test-1', body, signer.nodeId, signer.sign);
const codeOf = (opened: unknown): string => (isFault(opened) ? opened.code : 'opened');

test('a sealed record opens to its body and its signer', () => {
  const opened = openRecord('test-1', seal({ n: 7, t: 'text', absent: undefined }), verify);
  assert.ok(!isFault(opened));
  assert.equal(opened.signer, signer.nodeId);
  assert.deepEqual([...opened.body.keys()], ['k', 'n', 't']);
});

test('a record of one kind does not pass for another', () => {
  assert.equal(codeOf(openRecord('test-2', seal({ n: 7 }), verify)), 'record-forged');
  assert.equal(codeOf(openRecord('test-1\nx', seal({ n: 7 }), verify)), 'record-forged');
});

test('no byte of a record can change', () => {
  const record = seal({ n: 7, t: 'some text' });
  for (let at = 0; at < record.length; at++) {
    for (const flip of [1, 0x20, 0x80]) {
      const bad = record.slice();
      bad[at]! ^= flip;
      assert.notEqual(codeOf(openRecord('test-1', bad, verify)), 'opened', `byte ${at}`);
    }
  }
});

test('a record cut at any byte, or with more after it, does not open', () => {
  const record = seal({ n: 7 });
  for (let length = 0; length < record.length; length++)
    assert.notEqual(codeOf(openRecord('test-1', record.subarray(0, length), verify)), 'opened');
  assert.notEqual(codeOf(openRecord('test-1', concatBytes([record, utf8('e')]), verify)), 'opened');
});

test('nobody signs in the name of another', () => {
  const body = { n: 7 };
  assert.equal(
    codeOf(openRecord('test-1', sealRecord('test-1', body, signer.nodeId, other.sign), verify)),
    'record-forged',
  );
});

test('a body names its signer in 32 bytes, whatever it says itself', () => {
  const opened = openRecord('test-1', seal({ k: nodeIdBytes(other.nodeId) }), verify);
  assert.ok(!isFault(opened) && opened.signer === signer.nodeId);
  for (const k of ['x', 7, new Uint8Array(31)]) {
    const record = concatBytes([new Uint8Array(64), encodeBencode({ k })]);
    assert.equal(codeOf(openRecord('test-1', record, verify)), 'record-malformed');
  }
});

test('a record over its bound is refused before it is read, at the bound it is not', () => {
  const empty = seal({ t: '' }).length;
  const fitting = seal({ t: 'x'.repeat(RECORD_BYTES_MAX - empty - 2) });
  assert.equal(fitting.length, RECORD_BYTES_MAX);
  assert.equal(codeOf(openRecord('test-1', fitting, verify)), 'opened');
  assert.equal(codeOf(openRecord('test-1', concatBytes([fitting, new Uint8Array(1)]), verify)), 'record-too-large');
  assert.equal(codeOf(openRecord('test-1', seal({ t: 'x'.repeat(2000) }), verify, 4000)), 'opened');
});

test(`2,000 random records are refused and never throw (seed ${SEED})`, () => {
  eachSeed(2000, (seed) => {
    const random = seededRandom(seed);
    const body =
      random() < 0.5
        ? randomBytes(random, randomBelow(random, 80))
        : encodeBencode({ k: randomBytes(random, 32), a: 1 });
    assert.notEqual(codeOf(openRecord('test-1', concatBytes([randomBytes(random, 64), body]), verify)), 'opened');
  });
});
