import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  type BencodeInput,
  bytesOfHex,
  decodeBencode,
  encodeBencode,
  isFault,
  randomBelow,
  seededRandom,
  utf8,
} from '../../src/base/index.ts';
import { checkKrpc, KRPC_BYTES_MAX } from '../../src/wire/krpc-check.ts';

const vectors: { rows: Record<string, { hex?: string; expect: string }> } = JSON.parse(
  readFileSync(new URL('../fixtures/krpc_datagrams.json', import.meta.url), 'utf8'),
);
const id = new Uint8Array(20).fill(1);
const hash = new Uint8Array(20).fill(2);

const verdict = (message: BencodeInput): string => {
  const checked = checkKrpc(encodeBencode(message));
  return isFault(checked) ? 'refused' : checked;
};
const query = (q: BencodeInput, a: Record<string, BencodeInput | undefined> = {}): string =>
  verdict({ y: 'q', t: 'aa', q, a: { id, ...a } });
const reply = (r: Record<string, BencodeInput | undefined>): string => verdict({ y: 'r', t: 'aa', r: { id, ...r } });

for (const [name, { hex, expect }] of Object.entries(vectors.rows)) {
  test(`KRPC vector ${name}: ${expect}`, () => {
    const bytes = hex ? bytesOfHex(hex)! : utf8('l'.repeat(20_000) + 'e'.repeat(20_000));
    assert.equal(isFault(checkKrpc(bytes)), expect !== 'reply');
  });
}

test('BEP 5 queries, answers and errors pass', () => {
  assert.equal(query('ping'), 'query');
  assert.equal(query('find_node', { target: hash, want: ['n4'] }), 'query');
  assert.equal(query('get_peers', { info_hash: hash, scrape: 1 }), 'query');
  assert.equal(query('announce_peer', { info_hash: hash, token: 'aoeusnth', port: 6881 }), 'query');
  assert.equal(query('announce_peer', { info_hash: hash, token: 'x', port: 0, implied_port: 1 }), 'query');
  assert.equal(reply({}), 'response');
  assert.equal(reply({ nodes: new Uint8Array(26 * 8) }), 'response');
  assert.equal(reply({ values: [new Uint8Array(6), new Uint8Array(6)], token: 'aoeusnth' }), 'response');
  assert.equal(verdict({ y: 'e', t: 'aa', e: [201, 'A Generic Error Occurred'] }), 'error');
});

test('unsorted keys pass, for real nodes send them', () => {
  const unsorted = `d1:t2:aa1:y1:q1:q4:ping1:ad2:id20:${'i'.repeat(20)}ee`;
  assert.equal(checkKrpc(utf8(unsorted)), 'query');
});

test('BEP 44 items pass within their bounds', () => {
  const signed = { k: new Uint8Array(32), sig: new Uint8Array(64), seq: 4 };
  const value = new Uint8Array(996);
  assert.equal(query('get', { target: hash, seq: 3 }), 'query');
  assert.equal(query('put', { token: 'x', v: value }), 'query');
  assert.equal(query('put', { token: 'x', v: value, ...signed, salt: new Uint8Array(64), cas: 3 }), 'query');
  assert.equal(reply({ v: { any: ['value', 5] }, ...signed }), 'response');
});

test('each member of the wrong type or size is refused', () => {
  const short = new Uint8Array(19);
  const announce = { info_hash: hash, token: 'x', port: 6881 };
  const put = { token: 'x', v: 'v', k: new Uint8Array(32), sig: new Uint8Array(64), seq: 1 };
  type Case = [string, Record<string, BencodeInput | undefined>];
  const refused: Case[] = [
    ['find_node', {}],
    ['find_node', { target: { a: 1 } }],
    ['get_peers', { info_hash: short }],
    ['get', { target: hash, seq: 'x' }],
    ['sample_infohashes', { target: hash }],
    ...[short, 5, [1]].map((info_hash): Case => ['announce_peer', { ...announce, info_hash }]),
    ...['', 5, [1], new Uint8Array(65)].map((token): Case => ['announce_peer', { ...announce, token }]),
    ...[undefined, 0, -1, 65_536, 'x', 2n ** 60n].map((port): Case => ['announce_peer', { ...announce, port }]),
    ['announce_peer', { ...announce, implied_port: 'x' }],
    ...[short, 5, undefined].map((k): Case => ['put', { ...put, k }]),
    ...[short, 5, undefined].map((sig): Case => ['put', { ...put, sig }]),
    ...['x', -1, undefined].map((seq): Case => ['put', { ...put, seq }]),
    ...[5, new Uint8Array(65)].map((salt): Case => ['put', { ...put, salt }]),
    ['put', { ...put, cas: 'x' }],
    ['put', { ...put, v: new Uint8Array(997) }],
    ['put', { ...put, v: undefined }],
  ];
  for (const [q, a] of refused) assert.equal(query(q, a), 'refused', `${q} ${JSON.stringify(Object.keys(a))}`);
  for (const q of [5, ['ping'], '', 'constructor']) assert.equal(query(q), 'refused');
  assert.equal(query('put', { ...put, k: undefined, sig: undefined, seq: undefined }), 'query');
  for (const nodes of [new Uint8Array(27), 5, []]) assert.equal(reply({ nodes }), 'refused');
  for (const values of [[new Uint8Array(18)], [5], 'x']) assert.equal(reply({ values }), 'refused');
  for (const e of [undefined, 5, [201], ['x', 'x'], [201, ['x']]])
    assert.equal(verdict({ y: 'e', t: 'aa', e }), 'refused');
});

test('an answer must carry a transaction id like ours, and a query one that is not worth reflecting', () => {
  for (const t of ['', 5, ['aa'], undefined]) {
    assert.equal(verdict({ y: 'q', t, q: 'ping', a: { id } }), 'refused');
    assert.equal(verdict({ y: 'r', t, r: { id } }), 'refused');
  }
  assert.equal(verdict({ y: 'q', t: new Uint8Array(32), q: 'ping', a: { id } }), 'query');
  assert.equal(verdict({ y: 'q', t: new Uint8Array(33), q: 'ping', a: { id } }), 'refused');
  assert.equal(verdict({ y: 'r', t: 'aaaa', r: { id } }), 'refused');
});

test('a key that would replace the prototype of an object is refused wherever it stands', () => {
  assert.equal(query('ping', { ['__proto__']: { target: 5 } }), 'refused');
  const inside = new Map<string, BencodeInput>([['__proto__', 5]]);
  assert.equal(query('put', { token: 'x', v: inside }), 'refused');
});

test('what passes is within the size bound and well-typed, whatever a mutation does', () => {
  const seed = Date.now() >>> 0;
  const random = seededRandom(seed);
  const good = Object.values(vectors.rows).flatMap(({ hex }) => (hex ? [bytesOfHex(hex)!] : []));
  let passed = 0;
  for (let round = 0; round < 20_000; round++) {
    const bytes = Uint8Array.from(good[randomBelow(random, good.length)]!);
    for (let flips = randomBelow(random, 4); flips > 0; flips--)
      bytes[randomBelow(random, bytes.length)] = random() * 256;
    if (isFault(checkKrpc(bytes))) continue;
    passed++;
    const message = decodeBencode(bytes, { anyKeyOrder: true });
    assert.ok(message instanceof Map, `seed ${seed}`);
    const args = message.get('a');
    assert.ok(args instanceof Map && args.get('id') instanceof Uint8Array, `seed ${seed}`);
  }
  assert.ok(passed > 100, `${passed} of the mutations still passed, seed ${seed}`);
  assert.ok(isFault(checkKrpc(new Uint8Array(KRPC_BYTES_MAX + 1))));
});
