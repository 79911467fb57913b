import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { cleanText, type Random, randomBelow, seededRandom } from '../../src/base/index.ts';
import { eachSeed, pick, SEED } from '../seed.ts';

const naughty: string[] = JSON.parse(readFileSync(new URL('../fixtures/blns/blns.json', import.meta.url), 'utf8'));
const HARMFUL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u00ad\u061c]/;

function check(text: string, lengthMax: number): void {
  const clean = cleanText(text, lengthMax);
  assert.ok(clean.length <= lengthMax);
  assert.ok(clean.isWellFormed());
  assert.doesNotMatch(clean, HARMFUL);
  assert.equal(clean, clean.trim());
  assert.equal(cleanText(clean, lengthMax), clean, 'cleaning twice changes nothing');
}

test('every naughty string becomes one harmless line', () => {
  assert.ok(naughty.length > 400);
  for (const text of naughty) for (const lengthMax of [0, 1, 7, 200]) check(text, lengthMax);
});

test(`so does every mixture of surrogates, controls and spaces (seed ${SEED})`, () => {
  const pieces = [
    'a',
    ' ',
    '\ud83d',
    '\ude00',
    '😀',
    '\u202e',
    '\ufeff',
    '\u0000',
    '\n',
    '\ufffd',
    '\u{e0041}',
    '\udb40',
    '\udc41',
    'é',
    '\u2028',
  ];
  eachSeed(5000, (seed) => {
    const random: Random = seededRandom(seed);
    const text = Array.from({ length: randomBelow(random, 20) }, () => pick(random, pieces)).join('');
    check(text, randomBelow(random, 12));
  });
});

test('ordinary text of any script stays as it is', () => {
  for (const text of ['Big Buck Bunny', 'Žluťoučký kůň', '紅樓夢', 'مرحبا', '👩 works'])
    assert.equal(cleanText(text, 100), text);
  assert.equal(cleanText('a\r\nb', 100), 'a b');
  assert.equal(cleanText('moc.\u202eexe', 100), 'moc.exe');
});

test('a cut never leaves half a character', () => {
  assert.equal(cleanText('ab😀', 3), 'ab');
  assert.equal(cleanText('ab😀', 4), 'ab😀');
});
