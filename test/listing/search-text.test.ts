import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isFault } from '../../src/base/index.ts';
import {
  editsBetween,
  type ListingQuery,
  listingParameters,
  parseListingQuery,
  parseSearch,
  SEARCH_LENGTH_MAX,
  TERMS_MAX,
  Vocabulary,
  wordsOf,
} from '../../src/listing/index.ts';

const word = (text: string) => ({ words: [text], isPhrase: false });

test('words, phrases, exclusions and alternatives are told apart', () => {
  const { all, none } = parseSearch('alien OR aliens "ridley scott" 1979 -remake -"the game" spider-man |');
  assert.deepEqual(all, [
    [word('alien'), word('aliens')],
    [{ words: ['ridley', 'scott'], isPhrase: true }],
    [word('1979')],
    [{ words: ['spider', 'man'], isPhrase: false }],
  ]);
  assert.deepEqual(none, [word('remake'), { words: ['the', 'game'], isPhrase: true }]);
});

test('filters are read out of the text, and what is none stays a word', () => {
  const { filters, all } = parseSearch(
    'cat:movie tag:tv by:00FF size>700M size<1.5GiB files<=10 seeds:3 age<2w cat:tv x:1',
  );
  assert.deepEqual(filters, {
    category: 'movie',
    tag: 'tv',
    publisher: '00ff',
    sizeMin: 700 * 2 ** 20,
    sizeMax: 1.5 * 2 ** 30,
    filesMax: 10,
    seedsMin: 3,
    ageMaxSeconds: 14 * 86_400,
  });
  assert.deepEqual(all, [[{ words: ['cat', 'tv'], isPhrase: false }], [{ words: ['x', '1'], isPhrase: false }]]);
});

test('a hash, its base32 form, a magnet and the beginning of a hash are recognised in the same box', () => {
  const hash = '0123456789abcdef0123456789abcdef01234567';
  for (const text of [
    hash,
    hash.toUpperCase(),
    ` magnet:?dn=x&xt=urn:btih:${hash}&tr=y `,
    'aervgrljdpg66ajd'.padEnd(32, 'a'),
  ]) {
    const { hashPrefix, all } = parseSearch(text);
    assert.equal(hashPrefix?.length, 40, text);
    assert.deepEqual(all, []);
  }
  assert.equal(parseSearch(`magnet:?xt=urn:btih:${hash}`).hashPrefix, hash);
  assert.equal(parseSearch('AERUKZ4JVPG66AJDIVTYTK6N54ASGRLH').hashPrefix, hash);
  assert.deepEqual(parseSearch('decade').hashPrefix, 'decade');
  assert.deepEqual(parseSearch('decade').all, [[word('decade')]], 'a word of hex digits is looked for too');
  assert.equal(parseSearch('decade of').hashPrefix, undefined);
});

test('whatever is typed means something and stays within its bounds', () => {
  const seed = Date.now() & 0x7fffffff;
  const piece = fc.constantFrom('"', '-', ' OR ', '|', 'size>', 'x', '-"', ':', 'age<9d', '\u202e', '電影');
  const typed = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 2000 }),
    fc.array(piece).map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(typed, (text) => {
      const { all, none } = parseSearch(text);
      assert.ok(all.flat().length + none.length <= TERMS_MAX);
      for (const { words } of [...all.flat(), ...none]) {
        for (const each of words) assert.match(each, /^[\p{L}\p{N}]+$/u, `seed ${seed}`);
      }
    }),
    { seed, numRuns: 2000 },
  );
  assert.ok(parseSearch('a '.repeat(SEARCH_LENGTH_MAX)).all.length <= TERMS_MAX);
});

test('words are compared without case, marks, apostrophes and compatibility forms', () => {
  assert.deepEqual(wordsOf("Amélie's ＦＵＬＬ Straße_2 Don’t"), ['amelies', 'full', 'straße', '2', 'dont']);
  assert.deepEqual(wordsOf('電影天堂 2019'), ['電影', '影天', '天堂', '2019'], 'pairs where no spaces are written');
  assert.deepEqual(wordsOf('***'), []);
});

test('edits are letters added, dropped, changed or swapped', () => {
  for (const [a, b, edits] of [
    ['silicon', 'slicon', 1],
    ['valley', 'valey', 1],
    ['teh', 'the', 1],
    ['kitten', 'sitting', 3],
    ['same', 'same', 0],
  ] as const) {
    assert.equal(editsBetween(a, b, 3), edits, `${a} ${b}`);
    assert.equal(editsBetween(b, a, 3), edits, `${b} ${a}`);
  }
  assert.equal(editsBetween('kitten', 'sitting', 1), 2, 'given up above what is asked for');
});

test('edits of any two words are those of the whole table', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 9 });
  const isSame = (a: string, b: string, most: number): void =>
    assert.equal(Math.min(editsBetween(a, b, most), most + 1), Math.min(tableOfEdits(a, b), most + 1));
  fc.assert(fc.property(letters, letters, fc.constantFrom(1, 2, 3), isSame), { numRuns: 20_000 });
});

/** Optimal string alignment, as it is defined. */
function tableOfEdits(a: string, b: string): number {
  const table = Array.from({ length: a.length + 1 }, (_, i) => Array.from({ length: b.length + 1 }, (_, j) => i + j));
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      table[i]![j] = Math.min(
        table[i - 1]![j]! + 1,
        table[i]![j - 1]! + 1,
        table[i - 1]![j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1),
        isSwap ? table[i - 2]![j - 2]! + 1 : Number.POSITIVE_INFINITY,
      );
    }
  }
  return table[a.length]![b.length]!;
}

test('a misspelt word finds those near it, a beginning the words that go on', () => {
  const vocabulary = new Vocabulary();
  for (const each of ['silicon', 'silica', 'silent', 'valley', 'volley', 'alley', 'val', '1080p']) vocabulary.add(each);
  assert.deepEqual(vocabulary.near('slicon'), [{ word: 'silicon', edits: 1 }]);
  assert.deepEqual(
    vocabulary.near('valey').map((near) => near.word),
    ['valley', 'alley'].filter((near) => editsBetween('valey', near, 1) === 1),
  );
  assert.deepEqual(vocabulary.near('vla'), [], 'too short to guess at');
  assert.deepEqual(
    vocabulary.beginningWith('sil'),
    ['silica', 'silent', 'silicon'].toSorted((a, b) => a.length - b.length),
  );
  assert.deepEqual(vocabulary.holding('lic'), ['silica', 'silicon']);
});

test('a question survives its way through a URL, and a wrong one names what is wrong', () => {
  const query: ListingQuery = {
    text: 'a "b c" -d',
    category: 'music',
    tag: 'flac',
    publisher: '00ff',
    sizeMin: 1,
    sizeMax: 2,
    filesMin: 3,
    filesMax: 4,
    seedsMin: 5,
    seedsMax: 6,
    ageMinSeconds: 7,
    ageMaxSeconds: 8,
    isExact: true,
    sort: 'leech',
    isReversed: true,
    limit: 9,
    offset: 10,
  };
  assert.deepEqual(parseListingQuery(new URLSearchParams(listingParameters(query))), query);
  for (const [name, value] of [
    ['category', 'tv'],
    ['tag', 'A B'],
    ['min-size', 'big'],
    ['age', '-1'],
    ['sort', 'toString'],
    ['limit', '1001'],
    ['constructor', '1'],
    ['exact', 'yes'],
  ] as const) {
    const fault = parseListingQuery([[name, value]]);
    assert.ok(isFault(fault) && fault.text.includes(name), `${name}=${value}`);
  }
});
