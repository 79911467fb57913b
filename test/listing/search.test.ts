import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type NodeId, parseInfoHash, wallSeconds } from '../../src/base/index.ts';
import { type ListingStore, openListingStore, type StoredItem } from '../../src/io/index.ts';
import { type ListingQuery, wordsOf } from '../../src/listing/index.ts';
import { infoHashOf, NOW, nodeIdOf, storedItem } from './signer.ts';
import { randomOf, Titles, withSwappedWords, withTypo } from './titles.ts';

const SEED = Number(process.env.MONSOON_TEST_SEED ?? Date.now() & 0x7fffffff);

async function storeOf(t: TestContext, items: readonly StoredItem[]): Promise<ListingStore> {
  const store = await openListingStore(':memory:', { rowsMax: 100_000, warn: assert.fail });
  t.after(() => store.close());
  await store.put(items);
  return store;
}

/** Rows by name alone, one hash each. */
function named(...names: readonly string[]): StoredItem[] {
  return names.map((name, i) => storedItem({ name, infoHash: infoHashOf(i), description: '', tags: [] }));
}

const namesOf = async (store: ListingStore, text: string, more: ListingQuery = {}): Promise<string[]> =>
  (await store.list({ text, ...more }, NOW)).rows.map(({ name }) => name);

test('W-04 "slicon valey" finds Silicon Valley first', async (t) => {
  const store = await storeOf(
    t,
    named('Slick Valet Parking', 'Valley of the Silent', 'Silicon.Valley.S01E01.720p', 'Volley', 'Silicone Alley'),
  );
  assert.equal((await namesOf(store, 'slicon valey'))[0], 'Silicon.Valley.S01E01.720p');
  const { corrected } = await store.list({ text: 'slicon valey' }, NOW);
  assert.equal(corrected, 'silicon valley');
  assert.deepEqual(await namesOf(store, 'slicon valey', { isExact: true }), []);
});

test('W-03 one typo and words in another order find the row in the first 3, in 95 % of 500 searches', async (t) => {
  const random = randomOf(SEED);
  const titles = new Titles(random);
  const made = Array.from({ length: 2500 }, () => titles.next());
  const store = await storeOf(
    t,
    made.map((title, i) => storedItem({ ...title, infoHash: infoHashOf(i), published: wallSeconds(NOW - i * 60) })),
  );
  let found = 0;
  const missed: string[] = [];
  for (let i = 0; i < 500; i++) {
    const { key } = made[i * 5]!;
    const typed = withSwappedWords(withTypo(key, random), random);
    // Rows that share every word of the title are as good.
    const isWanted = (name: string): boolean => wordsOf(key).every((word) => wordsOf(name).includes(word));
    if ((await namesOf(store, typed, { limit: 3 })).some(isWanted)) found++;
    else missed.push(typed);
  }
  t.diagnostic(`seed ${SEED}: ${found} of 500 in the first 3`);
  assert.ok(found >= 475, `${found} of 500, seed ${SEED}; missed: ${missed.slice(0, 5).join(' | ')}`);
});

test('phrases keep their order, exclusions and alternatives hold, and all of it is counted', async (t) => {
  const store = await storeOf(
    t,
    named('The Silent Harbor 1999', 'Harbor of the Silent', 'Silent Storm', 'Alien', 'Aliens 1986', 'Alien Storm'),
  );
  assert.deepEqual(await namesOf(store, '"silent harbor"'), ['The Silent Harbor 1999']);
  assert.deepEqual(
    new Set(await namesOf(store, 'harbor silent')),
    new Set(['The Silent Harbor 1999', 'Harbor of the Silent']),
  );
  assert.deepEqual(await namesOf(store, 'silent -harbor'), ['Silent Storm']);
  assert.deepEqual(await namesOf(store, 'silent harbor -"silent harbor"'), ['Harbor of the Silent']);
  assert.deepEqual(new Set(await namesOf(store, 'alien OR aliens -storm')), new Set(['Alien', 'Aliens 1986']));
  assert.equal((await store.list({ text: '-silent', limit: 1 }, NOW)).total, 3);
  assert.deepEqual(await namesOf(store, 'nothing like it'), []);
});

test('a hash, the beginning of one, and a magnet find their row', async (t) => {
  const store = await storeOf(t, named('one', 'two', 'decade'));
  const hash = infoHashOf(1);
  for (const text of [hash, hash.toUpperCase(), hash.slice(0, 9), `magnet:?xt=urn:btih:${hash}&dn=x`]) {
    assert.deepEqual(
      (await store.list({ text }, NOW)).rows.map(({ infoHash }) => infoHash),
      [hash],
      text,
    );
  }
  assert.deepEqual(await namesOf(store, 'decade'), ['decade'], 'hex digits may be a word');
});

test('a row found by its hash and by its words counts once, keeps the filters, and pages hold it once', async (t) => {
  const decade = infoHashOf(0xdecade01);
  const rows = [
    storedItem({ name: 'decade', infoHash: decade, category: 'movie' }),
    storedItem({ name: 'another decade', infoHash: infoHashOf(2), category: 'music' }),
    storedItem({ name: 'decade three', infoHash: infoHashOf(0xdecade02), category: 'music' }),
  ];
  const store = await storeOf(t, rows);
  assert.equal((await store.list({ text: 'decade' }, NOW)).total, 3);
  const paged = [0, 1, 2, 3].map(async (offset) => namesOf(store, 'decade', { offset, limit: 1 }));
  assert.deepEqual((await Promise.all(paged)).flat(), ['decade', 'decade three', 'another decade']);
  const movies = await store.list({ text: 'decade', category: 'movie' }, NOW);
  assert.deepEqual([movies.total, movies.rows.map(({ name }) => name)], [1, ['decade']]);
  assert.deepEqual(await namesOf(store, decade, { category: 'music' }), []);
});

test('hashes that begin alike do not hide one that is looked for whole', async (t) => {
  const alike = Array.from({ length: 60 }, (_, i) => {
    const infoHash = parseInfoHash(`abcdefabcdefabcdef${String(i).padStart(22, '0')}`)!;
    return storedItem({ name: `row ${i}`, infoHash });
  });
  const store = await storeOf(t, alike);
  for (const digits of [40, 39]) {
    const text = alike[41]!.entry.infoHash.slice(0, digits);
    assert.ok((await namesOf(store, text)).includes('row 41'), text);
  }
});

test('N-17 N-18 rows are filtered by category, tag, size, age, files and seeds, and ordered by any column both ways', async (t) => {
  const rows = [
    {
      name: 'a',
      category: 'movie',
      tags: ['tv'],
      size: 100,
      files: 1,
      published: NOW,
      seeders: 5,
      leechers: 1,
      completions: 9,
    },
    {
      name: 'b',
      category: 'music',
      tags: ['flac'],
      size: 300,
      files: 20,
      published: wallSeconds(NOW - 86_400),
      seeders: 0,
      leechers: 7,
      completions: 2,
    },
    {
      name: 'c',
      category: 'misc',
      tags: ['tv', 'ebook'],
      size: 200,
      files: 3,
      published: wallSeconds(NOW - 10 * 86_400),
    },
  ] as const;
  const store = await storeOf(
    t,
    rows.map((row, i) => storedItem({ ...row, infoHash: infoHashOf(i), publisher: nodeIdOf(i + 1) })),
  );
  for (const [i, row] of rows.entries()) {
    if (!('seeders' in row)) continue;
    const { seeders, leechers, completions } = row;
    await store.setCounts([{ infoHash: infoHashOf(i), seeders, leechers, completions }], nodeIdOf(9), NOW);
  }
  const names = async (query: ListingQuery): Promise<string> =>
    (await store.list({ sort: 'name', ...query }, NOW)).rows.map(({ name }) => name).join('');
  assert.equal(await names({ category: 'music' }), 'b');
  assert.equal(await names({ tag: 'tv' }), 'ac');
  assert.equal(await names({ publisher: nodeIdOf(3).slice(0, 8) }), 'c');
  assert.equal(await names({ sizeMin: 200 }), 'bc');
  assert.equal(await names({ sizeMax: 200, filesMin: 2 }), 'c');
  assert.equal(await names({ ageMaxSeconds: 86_400 }), 'ab');
  assert.equal(await names({ ageMinSeconds: 86_401 }), 'c');
  assert.equal(await names({ seedsMax: 0 }), 'b', 'unknown is not 0');
  assert.equal(await names({ seedsMin: 0 }), 'ab');
  assert.equal(await names({ text: 'seeds>0 tag:tv' }), 'a');
  const orders: [ListingQuery['sort'], string, string][] = [
    ['age', 'abc', 'cba'],
    ['seeds', 'abc', 'bac'],
    ['leech', 'bac', 'abc'],
    ['done', 'abc', 'bac'],
    ['size', 'bca', 'acb'],
    ['files', 'bca', 'acb'],
    ['name', 'abc', 'cba'],
    ['category', 'abc', 'cba'],
    ['hash', 'abc', 'cba'],
    ['by', 'abc', 'cba'],
  ];
  for (const [sort, forward, backward] of orders) {
    if (!sort) continue;
    assert.equal(await names({ sort }), forward, sort);
    assert.equal(await names({ sort, isReversed: true }), backward, `${sort} reversed`);
  }
});

test('pages of any order do not overlap and hold every row once', async (t) => {
  const random = randomOf(SEED);
  const titles = new Titles(random);
  const store = await storeOf(
    t,
    Array.from({ length: 300 }, (_, i) => storedItem({ ...titles.next(), infoHash: infoHashOf(i), size: i % 7 })),
  );
  for (const query of [{ sort: 'size' }, { sort: 'name', isReversed: true }, { text: 'the' }] as const) {
    const seen = new Set<string>();
    const { total } = await store.list({ ...query, limit: 0 }, NOW);
    for (let offset = 0; offset < total; offset += 37) {
      for (const { infoHash } of (await store.list({ ...query, offset, limit: 37 }, NOW)).rows) seen.add(infoHash);
    }
    assert.equal(seen.size, total, `${JSON.stringify(query)}, seed ${SEED}`);
  }
});

test('an edited row is found by its new words only, a withdrawn one not at all', async (t) => {
  const store = await storeOf(t, [storedItem({ sequence: 1, description: 'first words' })]);
  assert.equal((await namesOf(store, 'first')).length, 1);
  await store.put([storedItem({ sequence: 2, description: 'other words' })]);
  assert.equal((await namesOf(store, 'first', { isExact: true })).length, 0);
  assert.equal((await namesOf(store, 'other')).length, 1);
  await store.put([storedItem({ sequence: 3, isWithdrawn: true })]);
  assert.equal((await namesOf(store, 'other')).length, 0);
});

test('a popular row comes before a dead one, a full match before a popular mention', async (t) => {
  const store = await storeOf(t, [
    storedItem({ name: 'Night Train 1959', infoHash: infoHashOf(1), description: '' }),
    storedItem({ name: 'Night Train 1999', infoHash: infoHashOf(2), description: '' }),
    storedItem({ name: 'Something Else Entirely', infoHash: infoHashOf(3), description: 'recorded on a night train' }),
  ]);
  await store.setCounts([{ infoHash: infoHashOf(2), seeders: 30 }], nodeIdOf(1), NOW);
  await store.setCounts([{ infoHash: infoHashOf(3), seeders: 60 }], nodeIdOf(1), NOW);
  assert.deepEqual(await namesOf(store, 'night train'), [
    'Night Train 1999',
    'Night Train 1959',
    'Something Else Entirely',
  ]);
});

test('100,000 fakes of 50 publishers leave honest rows in front', async (t) => {
  // In every run a tenth of them; MONSOON_LISTING_FAKES=100000 brings all.
  const fakes = Number(process.env.MONSOON_LISTING_FAKES ?? 10_000);
  const honestCount = fakes / 50;
  const random = randomOf(SEED);
  const titles = new Titles(random);
  const honest = Array.from({ length: honestCount }, (_, i) =>
    storedItem(
      {
        ...titles.next(),
        infoHash: infoHashOf(i),
        publisher: publisherOf(1000 + (i % 400)),
        published: wallSeconds(NOW - i * 600),
      },
      { isVerified: true },
    ),
  );
  const store = await openListingStore(':memory:', { rowsMax: 2 * fakes, warn: assert.fail });
  t.after(() => store.close());
  await store.put(honest);
  await store.setCounts(
    honest.map(({ entry }, i) => ({ infoHash: entry.infoHash, seeders: i % 4 })),
    nodeIdOf(1),
    NOW,
  );
  const keys = honest.slice(0, 100).map(({ entry }) => entry.name);
  const timed = async (): Promise<number> => {
    const startedAt = performance.now();
    for (const key of keys) await store.list({ text: key }, NOW);
    return performance.now() - startedAt;
  };
  const before = await timed();
  for (let at = 0; at < fakes; at += 1000) {
    // Each calls itself what an honest row is called, and is as new as can be.
    const flood = Array.from({ length: 1000 }, (_, i) =>
      storedItem({
        ...honest[(at + i) % honestCount]!.entry,
        infoHash: infoHashOf(10_000_000 + at + i),
        publisher: publisherOf((at + i) % 50),
        published: NOW,
        description: '',
      }),
    );
    await store.put(flood);
  }
  const fakeOnes = new Set(Array.from({ length: 50 }, (_, i) => publisherOf(i)));
  let inFront = 0;
  for (const key of keys) {
    const { rows } = await store.list({ text: key, limit: 1 }, NOW);
    if (rows[0] && !fakeOnes.has(rows[0].publisher)) inFront++;
  }
  const { rows } = await store.list({ sort: 'best', limit: 100 }, NOW);
  const browsed = rows.filter(({ publisher }) => !fakeOnes.has(publisher)).length;
  const after = await timed();
  t.diagnostic(
    `${inFront} of 100 searches and ${browsed} of the best 100 are honest; search x ${(after / before).toFixed(1)}`,
  );
  assert.ok(inFront >= 90, `${inFront} of 100 searches`);
  assert.ok(browsed >= 90, `${browsed} of the best 100`);
});

function publisherOf(number: number): NodeId {
  return number.toString(16).padStart(64, '0') as NodeId;
}
