import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isFault, randomBelow, sealRecord, seededRandom, utf8, wallSeconds } from '../../src/base/index.ts';
import { sha1 } from '../../src/io/hash.ts';
import { openListingStore } from '../../src/io/index.ts';
import {
  FILTER_LIST_BYTES_MAX,
  FILTER_LIST_CONTEXT,
  type FilterList,
  openFilterList,
  placeOfFilterList,
  sealFilterList,
} from '../../src/listing/index.ts';
import { eachSeed } from '../seed.ts';
import { infoHashOf, NOW, newSigner, nodeIdOf, storedItem, verify } from './signer.ts';

const AUTHOR = newSigner();
const LIST: FilterList = {
  author: AUTHOR.nodeId,
  title: 'Known fakes',
  sequence: 7,
  published: NOW,
  rules: `${infoHashOf(1)} # fake\nname:*keygen*`,
};

test('a list opens as it was sealed, for its author alone', () => {
  const bytes = sealFilterList(LIST, AUTHOR.sign)!;
  assert.deepEqual(openFilterList(bytes, verify, NOW), LIST);
  const stranger = newSigner();
  const forged = openFilterList(sealFilterList(LIST, stranger.sign)!, verify, NOW);
  assert.ok(isFault(forged) && forged.code === 'record-forged');
  const early = openFilterList(bytes, verify, wallSeconds(NOW - 601));
  assert.ok(isFault(early) && early.code === 'filter-list-from-future');
});

test('a list without a member, or over its bounds, is refused', () => {
  const body = { n: 'x', p: NOW, q: 1, r: '' };
  const opened = (changes: object): unknown =>
    openFilterList(sealRecord(FILTER_LIST_CONTEXT, { ...body, ...changes }, AUTHOR.nodeId, AUTHOR.sign), verify, NOW);
  assert.ok(!isFault(opened({})), 'an empty list denies nothing any more');
  const wrong = [{ n: undefined }, { n: '' }, { n: 'x'.repeat(81) }, { p: -1 }, { q: 0 }, { r: 5 }];
  for (const changes of [...wrong, { r: Uint8Array.of(0xff) }, { q: utf8('1') }]) {
    const fault = opened(changes);
    assert.ok(isFault(fault) && fault.code === 'filter-list-malformed', JSON.stringify(changes));
  }
  const long = opened({ r: 'x'.repeat(FILTER_LIST_BYTES_MAX) });
  assert.ok(isFault(long) && long.code === 'record-too-large');
  assert.equal(sealFilterList({ ...LIST, rules: 'x'.repeat(FILTER_LIST_BYTES_MAX) }, AUTHOR.sign), undefined);
});

test('a changed byte anywhere makes a list a fault, never an exception', () => {
  const bytes = sealFilterList(LIST, AUTHOR.sign)!;
  eachSeed(200, (seed) => {
    const random = seededRandom(seed);
    const changed = Uint8Array.from(bytes);
    changed[randomBelow(random, bytes.length)]! ^= 1 + randomBelow(random, 255);
    assert.ok(isFault(openFilterList(changed, verify, NOW)));
  });
});

test('the place of a list follows from its author', () => {
  assert.notEqual(placeOfFilterList(nodeIdOf(1), sha1), placeOfFilterList(nodeIdOf(2), sha1));
});

test('with an "only" rule the rows of other publishers are kept and not shown', async (t) => {
  const store = await openListingStore(':memory:', { rowsMax: 100, warn: assert.fail });
  t.after(() => store.close());
  await store.put(
    [1, 2, 3].map((n) => storedItem({ infoHash: infoHashOf(n), name: `row ${n}`, publisher: nodeIdOf(n) })),
  );
  await store.deny(`only:${nodeIdOf(1)}\nonly:${nodeIdOf(3).toUpperCase()}\nonly:${nodeIdOf(9)}`);
  const names = async (query: object) =>
    (await store.list({ sort: 'name', ...query }, NOW)).rows.map(({ name }) => name);
  assert.deepEqual(await names({}), ['row 1', 'row 3']);
  assert.deepEqual(await names({ text: 'row' }), ['row 1', 'row 3']);
  assert.deepEqual(await names({ publisher: nodeIdOf(3).slice(0, 8) }), ['row 3']);
  assert.deepEqual(await names({ publisher: nodeIdOf(2).slice(0, 8) }), []);
  assert.deepEqual(await names({ text: infoHashOf(2) }), []);
  assert.deepEqual(await names({ text: infoHashOf(3) }), ['row 3']);
  await store.deny('');
  assert.deepEqual(await names({}), ['row 1', 'row 2', 'row 3']);
});
