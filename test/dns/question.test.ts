// Our own questions, and what answers say: of a responder that packs names, and of whoever sends anything.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AskedType, encodeQuestion, type NameReply, readNameReply, TYPE } from '../../dns/index.ts';
import { emptyQuery, readQuery } from '../../dns/message.ts';
import { randomBelow, seededRandom } from '../../src/base/index.ts';
import { randomBytes, SEED } from '../seed.ts';

const ID = 0x1234;
const QUESTION_NAME = 12;
/** A pointer to the question's name. */
const NAME = [0xc0, QUESTION_NAME];
const u16 = (value: number): number[] => [value >>> 8, value & 255];
const label = (text: string): number[] => [text.length, ...Buffer.from(text)];

const ask = (type: AskedType, name = 'host.test'): Uint8Array => encodeQuestion(ID, name, type)!;
const record = (type: number, data: readonly number[], owner: readonly number[] = NAME): number[] => [
  ...owner,
  ...u16(type),
  ...u16(1),
  ...[0, 0, 0, 60],
  ...u16(data.length),
  ...data,
];

/** An answer to that question with these records. */
function answer(question: Uint8Array, records: readonly number[][], flags = 0x8180): Uint8Array {
  const head = [...u16(ID), ...u16(flags), ...u16(1), ...u16(records.length), 0, 0, 0, 0];
  return Uint8Array.from([...head, ...question.subarray(QUESTION_NAME, question.length - 11), ...records.flat()]);
}
const read = (type: AskedType, records: readonly number[][]): NameReply | undefined =>
  readNameReply(ask(type), answer(ask(type), records));

test('a question is one that our own responder reads, and what is no name is not asked for', () => {
  const query = emptyQuery();
  assert.equal(readQuery(query, ask('AAAA', 'Sn.Example.Org.')), 0);
  assert.deepEqual([query.type, query.udpBytes], [TYPE.AAAA, 1232]);
  for (const name of ['', 'a..b', 'a b', 'ü.test', `${'a'.repeat(64)}.test`, 'a.'.repeat(130)])
    assert.equal(encodeQuestion(ID, name, 'A'), undefined, name);
});

test('addresses are read behind an alias, in both families', () => {
  const alias = record(5, [...label('real'), ...NAME]);
  const owner = [...label('real'), ...NAME];
  assert.deepEqual(read('A', [alias, record(1, [192, 0, 2, 7], owner)])?.records, [
    { type: 'A', address: '192.0.2.7' },
  ]);
  const six = [0x20, 1, 0xd, 0xb8, ...Array(11).fill(0), 7];
  assert.deepEqual(read('AAAA', [record(28, six, owner)])?.records, [{ type: 'AAAA', address: '2001:db8::7' }]);
  // One of another length is none, and the others count.
  assert.deepEqual(read('A', [record(1, [1, 2, 3]), record(1, [1, 2, 3, 4])])?.records.length, 1);
});

test('strings are joined, and names in data may point back', () => {
  assert.deepEqual(read('TXT', [record(16, [...label('one '), ...label('two')])])?.records, [
    { type: 'TXT', text: 'one two' },
  ]);
  assert.deepEqual(read('SRV', [record(33, [...u16(5), ...u16(0), ...u16(80), ...label('a'), ...NAME])])?.records, [
    { type: 'SRV', priority: 5, port: 80, target: 'a.host.test' },
  ]);
  assert.deepEqual(read('SOA', [record(6, [...label('ns'), ...NAME, 0, ...Array(20).fill(0)])])?.records, [
    { type: 'SOA', primary: 'ns.host.test' },
  ]);
});

test('what is no answer to the question is not read', () => {
  const question = ask('A');
  const good = answer(question, [record(1, [192, 0, 2, 7])]);
  assert.equal(readNameReply(question, good)?.records.length, 1);
  const wrong = [0, 2, 5, 13, 13 + 9].map((at) => good.with(at, good[at]! ^ 0x81));
  for (const bytes of wrong) assert.equal(readNameReply(question, bytes), undefined);
  assert.equal(readNameReply(question, question), undefined);
  for (let length = 0; length < good.length; length++)
    assert.equal(readNameReply(question, good.subarray(0, length)), undefined, `${length}`);
});

test('absent is an answer, refused is none, and of a cut one nothing is believed', () => {
  const question = ask('A');
  const reply = (flags: number): NameReply =>
    readNameReply(question, answer(question, [record(1, [1, 2, 3, 4])], flags))!;
  assert.deepEqual(readNameReply(question, answer(question, [], 0x8183)), {
    isAnswer: true,
    isTruncated: false,
    records: [],
  });
  assert.equal(reply(0x8182).isAnswer, false);
  assert.equal(reply(0x8185).isAnswer, false);
  assert.deepEqual(reply(0x8380), { isAnswer: true, isTruncated: true, records: [] });
});

test('pointers that lead forward or round end the reading', () => {
  const question = ask('SRV');
  const at = answer(question, []).length;
  for (const target of [at + 30, at + 18]) {
    const data = [...u16(1), ...u16(1), ...u16(1), ...u16(0xc000 | target)];
    assert.deepEqual(read('SRV', [record(33, data)])?.records, []);
  }
});

test(`bytes of any kind are read or refused (seed ${SEED})`, () => {
  const random = seededRandom(SEED);
  let answered = 0;
  for (let i = 0; i < 20_000; i++) {
    const type = (['A', 'AAAA', 'TXT', 'SRV', 'SOA'] as const)[randomBelow(random, 5)]!;
    const data = [...randomBytes(random, randomBelow(random, 40))];
    const bytes = answer(ask(type), [record(TYPE[type], data), record(TYPE[type], data, [...label('x'), ...NAME])]);
    for (let n = randomBelow(random, 3); n > 0; n--)
      bytes[randomBelow(random, bytes.length)] = randomBelow(random, 256);
    if (readNameReply(ask(type), bytes)?.records.length) answered++;
  }
  assert.ok(answered > 0);
});
