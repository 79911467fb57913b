import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type BencodeInput,
  decodeBencode,
  encodeBencode,
  isFault,
  RECORD_BYTES_MAX,
  seededRandom,
  utf8,
} from '../../src/base/index.ts';
import { SEQUENCE_MAX } from '../../src/overlay/descriptor.ts';
import { encodeMessage, MESSAGE_BYTES_MAX, type OverlayMessage, parseMessage } from '../../src/overlay/index.ts';
import { AGAIN_MS_MAX, BUCKETS, DIGESTS_MAX, RECORDS_MAX, SUSPICIONS_MAX } from '../../src/overlay/message-codec.ts';
import { SWARM_FRAME_BYTES_MAX } from '../../src/ports/index.ts';
import { eachSeed, SEED } from '../seed.ts';
import { KEYS, MAKE, TYPES } from './messages.ts';

const some = <T>(length: number, value: T): T[] => new Array<T>(length).fill(value);
const zeros = (length: number): Uint8Array => new Uint8Array(length);
const bodyOf = (message: OverlayMessage): Record<string, BencodeInput> => {
  const body = decodeBencode(encodeMessage(message));
  assert.ok(body instanceof Map);
  return Object.fromEntries(body);
};
const parse = (body: BencodeInput): OverlayMessage | string => {
  const parsed = parseMessage(encodeBencode(body));
  return isFault(parsed) ? parsed.code : parsed;
};
/** Bytes of one value are equal whatever holds them. */
const plain = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (_, part) => (part instanceof Uint8Array ? Buffer.from(part).toString('hex') : part)),
  );
const required = (type: OverlayMessage['type']): string[] => KEYS[type].split(' ').filter((key) => /^[a-z]$/.test(key));
const optional = (type: OverlayMessage['type']): string[] => KEYS[type].match(/(?<=\[)[a-z](?=\])/g) ?? [];

test(`a message of every type arrives as it was sent (seed ${SEED})`, () =>
  eachSeed(200, (seed) => {
    for (const type of TYPES) {
      const sent: OverlayMessage = MAKE[type](seededRandom(seed));
      const parsed = parseMessage(encodeMessage(sent));
      assert.deepEqual(plain(parsed), plain(sent), type);
    }
  }));

test('a message has the keys that docs/PROTOCOL.md names and no other', () => {
  for (const type of TYPES) {
    const found = new Set<string>();
    for (let seed = 0; seed < 20; seed++)
      for (const key of Object.keys(bodyOf(MAKE[type](seededRandom(seed))))) found.add(key);
    assert.deepEqual([...found].toSorted(), [...required(type), ...optional(type), 't'].toSorted(), type);
  }
});

test('a message without one of its keys is refused by name, and one without an optional key is taken', () => {
  for (const type of TYPES) {
    const body = bodyOf(MAKE[type](seededRandom(SEED)));
    for (const key of required(type)) {
      const parsed = parseMessage(encodeBencode({ ...body, [key]: undefined } as BencodeInput));
      assert.ok(isFault(parsed) && parsed.code === 'message-malformed' && parsed.text.includes(`"${key}"`), type);
    }
    for (const key of optional(type))
      assert.notEqual(parse({ ...body, [key]: undefined } as never), 'message-malformed');
  }
});

test('unknown keys are ignored', () => {
  for (const type of TYPES) {
    const sent = MAKE[type](seededRandom(SEED));
    assert.deepEqual(plain(parse({ ...bodyOf(sent), Z: ['later'], zz: 1 })), plain(sent));
  }
});

const NUMBER = [-1, 'x', [], 2n ** 60n];
const UINT32 = [...NUMBER, 2 ** 32];
const FLAG = [...NUMBER, 2];
const TEXT = [1, [], Uint8Array.of(0xff), 'x'.repeat(201)];
const ADDRESSES = [1, [], [1], ['short'], [zeros(6)], some(5, Uint8Array.of(10, 0, 0, 1, 1, 1))];
const DIGESTS = [1, [], zeros(13), zeros(15), zeros(14 * (DIGESTS_MAX + 1))];
const SUSPECTS = [1, [], zeros(37), zeros(39), zeros(38 * (SUSPICIONS_MAX + 1))];
const WANTED = [1, [], zeros(7), zeros(9), zeros(8 * (DIGESTS_MAX + 1))];
const fixed = (length: number): BencodeInput[] => [1, [], '', zeros(length - 1), zeros(length + 1)];
const RECORD = [1, [], '', zeros(RECORD_BYTES_MAX + 1)];
const WIDE = [1, [], zeros(SWARM_FRAME_BYTES_MAX + 1)];

/** What is out of bounds, by type and key. */
const WRONG: { readonly [Type in OverlayMessage['type']]: Record<string, readonly BencodeInput[]> } = {
  gossip: { d: DIGESTS, s: SUSPECTS, h: fixed(8), a: [...NUMBER, AGAIN_MS_MAX + 1] },
  gossiped: { d: DIGESTS, s: SUSPECTS, w: WANTED, h: fixed(8) },
  records: {
    r: [1, '', [1], ['x'], [zeros(RECORD_BYTES_MAX + 2)], some(RECORDS_MAX + 1, 'xx')],
    w: WANTED,
  },
  sync: { b: [1, [], zeros(7), zeros(8 * (BUCKETS + 1))] },
  synced: { b: [1, [], zeros(BUCKETS + 1)], d: DIGESTS },
  probe: { n: fixed(32), a: [1, [], 'short', zeros(6), zeros(7)] },
  probed: { i: FLAG },
  hello: {},
  here: { l: [...NUMBER, 256], q: NUMBER },
  stand: {
    a: ADDRESSES,
    c: [1, 'x', [], [1, 2, 3], [1, 2, 3, 4, 5], [1, 2, 3, -1]],
    u: NUMBER,
    v: FLAG,
    m: UINT32,
  },
  nominate: { y: TEXT },
  vote: { a: ADDRESSES, m: UINT32, i: NUMBER, s: fixed(20) },
  voted: { g: fixed(64) },
  claim: { r: RECORD },
  claimed: { n: [...NUMBER, 1001] },
  offer: { a: fixed(40), e: UINT32, p: NUMBER, m: NUMBER },
  frame: { c: UINT32, i: UINT32, b: WIDE, h: fixed(20), l: FLAG },
  grant: { r: RECORD, s: fixed(96) },
  receipt: { r: RECORD },
  signed: { g: fixed(64) },
  announces: { b: WIDE, p: FLAG },
  accepted: {},
  refused: { y: TEXT },
};

test('every key out of its bounds or of another type is refused by name', () => {
  for (const type of TYPES) {
    const body = bodyOf(MAKE[type](seededRandom(SEED)));
    assert.deepEqual(Object.keys(WRONG[type]).toSorted(), [...required(type), ...optional(type)].toSorted(), type);
    for (const [key, values] of Object.entries(WRONG[type])) {
      for (const value of values) {
        const parsed = parseMessage(encodeBencode({ ...body, [key]: value }));
        assert.ok(isFault(parsed) && parsed.code === 'message-malformed', `${type} ${key} = ${value}`);
        assert.ok(parsed.text.includes(`"${key}"`), parsed.text);
      }
    }
  }
});

test('the largest of every kind are taken', () => {
  const digests = some(DIGESTS_MAX, { key: 'ff'.repeat(8), sequence: SEQUENCE_MAX });
  const suspects = some(SUSPICIONS_MAX, { nodeId: 'ab'.repeat(32) as never, sequence: SEQUENCE_MAX });
  const view = 'cd'.repeat(8);
  const wanted = some(DIGESTS_MAX, 'ef'.repeat(8));
  const largest: OverlayMessage[] = [
    { type: 'gossiped', digests, suspects, wanted, view },
    { type: 'records', records: some(RECORDS_MAX, zeros(RECORD_BYTES_MAX + 1)), wanted },
    { type: 'synced', buckets: Array.from({ length: BUCKETS }, (_, i) => i), digests },
    { type: 'frame', copy: 0, index: 0, bytes: zeros(SWARM_FRAME_BYTES_MAX), chain: 'ab'.repeat(20), isLast: true },
    { type: 'refused', why: 'x'.repeat(200) },
  ];
  for (const message of largest) {
    const bytes = encodeMessage(message);
    assert.ok(bytes.length <= MESSAGE_BYTES_MAX, `${message.type}: ${bytes.length} bytes`);
    assert.deepEqual(plain(parseMessage(bytes)), plain(message), message.type);
  }
});

test('what is no message is refused', () => {
  for (const body of [[], 1, '', {}, { t: 1 }, { t: '' }, { t: 'x' }, { t: '__proto__' }, { t: 'constructor' }])
    assert.equal(parse(body as BencodeInput), 'message-malformed');
  assert.equal(parse({ t: 'hello', z: some(1000, 1) }), 'message-malformed');
  for (const bytes of [new Uint8Array(0), utf8('<html>'), utf8('d1:t5:hello'), utf8('d1:t5:helloex')]) {
    const parsed = parseMessage(bytes);
    assert.ok(isFault(parsed) && parsed.code === 'message-malformed');
  }
  const large = parseMessage(zeros(MESSAGE_BYTES_MAX + 1));
  assert.ok(isFault(large) && large.code === 'message-too-large');
});

test('what was parsed does not keep the message it came in', () => {
  const bytes = encodeMessage({ type: 'announces', bytes: utf8('kept'), isPassedOn: false });
  const parsed = parseMessage(bytes);
  bytes.fill(0);
  assert.deepEqual(plain(parsed), plain({ type: 'announces', bytes: utf8('kept'), isPassedOn: false }));
});
