// The TXT record of a zone: whoever reads DNS and whoever answers it must mean the same.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concatBytes, isFault, seededRandom } from '../../src/base/index.ts';
import { sha1 } from '../../src/io/hash.ts';
import { verify } from '../../src/io/identity.ts';
import {
  encodeZoneText,
  openDescriptor,
  parseZoneText,
  sealDescriptor,
  ZONE_TEXT_RECORDS_MAX,
  type ZoneText,
  zoneTextLength,
} from '../../src/overlay/index.ts';
import { ZONE_TEXT_LENGTH_MAX } from '../../src/overlay/zone-text.ts';
import { pick, randomBytes, SEED } from '../seed.ts';
import { identity, NOW, rules, statement } from './fixtures.ts';

const ROUNDS = 100_000;

const records = [1, 2, 3].map((n) => sealDescriptor(statement(), identity(n).nodeId, identity(n).sign, sha1).record);

function read(text: string): ZoneText {
  const parsed = parseZoneText(text);
  assert.ok(!isFault(parsed), JSON.stringify(parsed));
  return parsed;
}
const codeOf = (text: string): string => {
  const parsed = parseZoneText(text);
  return isFault(parsed) ? parsed.code : 'good';
};

test('descriptors come out of a zone’s text as they were sealed, and open', () => {
  const text = encodeZoneText({ network: 'monsoon', records });
  assert.match(text, /^v=monsoon1 n=monsoon d=[A-Za-z0-9_-]+$/);
  const parsed = read(text);
  assert.equal(parsed.network, 'monsoon');
  assert.deepEqual(
    parsed.records.map((record) => Buffer.from(record)),
    records.map((record) => Buffer.from(record)),
  );
  for (const record of parsed.records) assert.ok(!isFault(openDescriptor(record, { ...rules, verify }, NOW)));
});

test('the length of a text is known before it is made', () => {
  for (let count = 0; count <= records.length; count++) {
    const some = records.slice(0, count);
    const lengths = some.map(({ length }) => length);
    assert.equal(zoneTextLength('monsoon', lengths), encodeZoneText({ network: 'monsoon', records: some }).length);
  }
});

test('words come in any order, unknown ones are ignored, and a text may name the network alone', () => {
  assert.deepEqual(read('v=monsoon1 n=typhoon'), { network: 'typhoon', records: [] });
  assert.deepEqual(read('v=monsoon1 x=1 d=AAFB zz n=a.b-c_d').records, [Uint8Array.of(0x41)]);
});

test('another service’s text is foreign, and a broken one of ours is malformed', () => {
  for (const foreign of ['', 'v=spf1 -all', 'V=monsoon1 n=a', 'v=monsoon2 n=a', ' v=monsoon1 n=a', 'v=monsoon1n=a']) {
    assert.equal(codeOf(foreign), 'zone-text-foreign', foreign);
  }
  assert.equal(codeOf(`v=monsoon1 n=a ${'x'.repeat(ZONE_TEXT_LENGTH_MAX)}`), 'zone-text-foreign');
  const cut = encodeZoneText({ network: 'a', records }).slice(0, -4);
  const many = encodeZoneText({ network: 'a', records: Array(ZONE_TEXT_RECORDS_MAX + 1).fill(records[0]) });
  const long = encodeZoneText({ network: 'a', records: [new Uint8Array(1001)] });
  const bad = ['v=monsoon1', 'v=monsoon1 n=', 'v=monsoon1 n=A', `v=monsoon1 n=${'a'.repeat(33)}`];
  const data = ['A', 'AA', 'AAA', 'AAAA', 'AAJB', 'AAFB=', 'AAF+', 'AAFBA', 'é'].map((d) => `v=monsoon1 n=a d=${d}`);
  for (const malformed of [...bad, ...data, cut, many, long]) {
    assert.equal(codeOf(malformed), 'zone-text-malformed', malformed);
  }
});

test('N-30 no change to a text makes its reader throw or exceed its bounds', () => {
  const random = seededRandom(SEED);
  const good = [encodeZoneText({ network: 'monsoon', records }), 'v=monsoon1 n=a d=AAFBAAFC'];
  const counts: Record<string, number> = {};
  for (let round = 0; round < ROUNDS; round++) {
    const text = Buffer.from(pick(random, good), 'latin1');
    for (let changes = 1 + Math.floor(random() * 3); changes > 0; changes--) {
      text[Math.floor(random() * text.length)] = pick(random, [...Buffer.from('AZ09-_= dn'), 256 * random()]);
    }
    const end = random() < 0.3 ? Math.floor(random() * text.length) : text.length;
    const parsed = parseZoneText(text.toString('latin1', 0, end));
    const outcome = isFault(parsed) ? parsed.code : 'good';
    counts[outcome] = (counts[outcome] ?? 0) + 1;
    if (isFault(parsed)) continue;
    assert.ok(parsed.records.length <= ZONE_TEXT_RECORDS_MAX && parsed.network.length <= 32, `seed ${SEED}`);
    for (const { length } of parsed.records) assert.ok(length > 0 && length <= 1000, `seed ${SEED}`);
  }
  assert.deepEqual(Object.keys(counts).toSorted(), ['good', 'zone-text-foreign', 'zone-text-malformed']);
  assert.equal(
    codeOf(`v=monsoon1 n=a d=${Buffer.from(concatBytes([randomBytes(random, 99)])).toString('hex')}!`),
    'zone-text-malformed',
  );
});
