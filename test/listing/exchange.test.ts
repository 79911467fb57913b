import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type BencodeInput, encodeBencode, isFault, nodeIdBytes } from '../../src/base/index.ts';
import {
  encodeListingPage,
  encodePublication,
  INFO_BYTES_MAX,
  type ListingPage,
  PAGE_BYTES_MAX,
  PAGE_ITEMS_MAX,
  PUBLICATION_BYTES_MAX,
  parseListingPage,
  parsePublication,
} from '../../src/listing/index.ts';
import { nodeIdOf } from './signer.ts';

const PAGE: ListingPage = {
  cursor: 'a1b2c3.42',
  more: true,
  network: 'monsoon',
  source: nodeIdOf(3),
  items: [
    { entry: new Uint8Array(300).fill(1), counts: { seeders: 3, leechers: 0, completions: 17 }, isVerified: true },
    { entry: new Uint8Array(200).fill(2), counts: { leechers: 5 }, isVerified: false },
    { entry: new Uint8Array(1024).fill(3), counts: {}, isVerified: false },
  ],
};
const RAW: Record<string, BencodeInput> = { cursor: 'x', from: nodeIdBytes(nodeIdOf(1)), items: [], more: 0 };

function pageCode(changes: Record<string, BencodeInput | undefined>): string | undefined {
  const page = parseListingPage(encodeBencode({ ...RAW, ...changes }));
  return isFault(page) ? page.code : undefined;
}

test('a page comes back as it was encoded, and an unknown count stays absent', () => {
  assert.deepEqual(parseListingPage(encodeListingPage(PAGE)), PAGE);
  const { network, ...unnamed } = PAGE;
  assert.deepEqual(parseListingPage(encodeListingPage(unnamed)), unnamed);
  assert.equal(network, 'monsoon');
});

test('a full page of the largest entries stays within the bounds of a page', () => {
  const item = {
    entry: new Uint8Array(1024),
    counts: { seeders: 4e9, leechers: 4e9, completions: 4e9 },
    isVerified: true,
  };
  const bytes = encodeListingPage({ ...PAGE, items: new Array(PAGE_ITEMS_MAX).fill(item) });
  assert.ok(bytes.length < PAGE_BYTES_MAX);
  const page = parseListingPage(bytes);
  assert.ok(!isFault(page) && page.items.length === PAGE_ITEMS_MAX);
});

test('a page out of bounds is refused', () => {
  const item = { e: 'x' };
  for (const changes of [
    { cursor: undefined },
    { cursor: '' },
    { cursor: 'UP' },
    { cursor: 'a/b' },
    { cursor: 'x'.repeat(65) },
    { cursor: 3 },
    { from: undefined },
    { from: new Uint8Array(20) },
    { from: 1 },
    { more: undefined },
    { more: 2 },
    { more: 'yes' },
    { network: '' },
    { network: 7 },
    { network: 'No Such' },
    { items: undefined },
    { items: 'x' },
    { items: [1] },
    { items: [{}] },
    { items: [{ e: '' }] },
    { items: [{ e: new Uint8Array(1025) }] },
    { items: [{ ...item, s: -1 }] },
    { items: [{ ...item, l: 'x' }] },
    { items: [{ ...item, c: 2n ** 40n }] },
    { items: [{ ...item, s: 2n ** 60n }] },
  ] as Record<string, BencodeInput | undefined>[]) {
    assert.equal(pageCode(changes), 'page-malformed', JSON.stringify(String(Object.entries(changes))));
  }
  assert.equal(pageCode({ items: new Array(PAGE_ITEMS_MAX + 1).fill(item) }), 'page-too-large');
  assert.equal(pageCode({ later: ['key'], items: [{ ...item, later: 1 }] }), undefined);
  const oversized = parseListingPage(new Uint8Array(PAGE_BYTES_MAX + 1));
  assert.ok(isFault(oversized) && oversized.code === 'page-too-large');
});

test('a publication comes back byte for byte, with and without metadata', () => {
  const entry = new Uint8Array(500).fill(9);
  const info = Uint8Array.from({ length: 70_000 }, (_, i) => i % 251);
  assert.deepEqual(parsePublication(encodePublication({ entry, info })), { entry, info });
  assert.deepEqual(parsePublication(encodePublication({ entry })), { entry });
});

test('the largest publication is taken and a larger one refused', () => {
  const entry = new Uint8Array(1024);
  const largest = encodePublication({ entry, info: new Uint8Array(INFO_BYTES_MAX) });
  assert.ok(largest.length <= PUBLICATION_BYTES_MAX);
  assert.ok(!isFault(parsePublication(largest)));
  assert.ok(isFault(parsePublication(encodePublication({ entry, info: new Uint8Array(INFO_BYTES_MAX + 1) }))));
  assert.ok(isFault(parsePublication(encodePublication({ entry: new Uint8Array(1025) }))));
  assert.ok(isFault(parsePublication(encodeBencode({ e: 'x', i: 5 }))));
  assert.ok(isFault(parsePublication(encodeBencode({ i: 'x' }))));
});

test('parsing never throws on arbitrary or mutated bytes', () => {
  const seed = Date.now() & 0x7fffffff;
  const page = encodeListingPage(PAGE);
  const mutated = fc
    .tuple(fc.nat(page.length - 1), fc.nat(6), fc.uint8Array({ maxLength: 6 }))
    .map(([at, drop, bytes]) => Buffer.concat([page.subarray(0, at), bytes, page.subarray(at + drop)]));
  let accepted = 0;
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), mutated), (bytes) => {
      const parsed = parseListingPage(bytes);
      if (!isFault(parsed)) accepted++;
      const publication = parsePublication(bytes);
      assert.ok(isFault(publication) || publication.entry.length > 0);
    }),
    { seed, numRuns: 5000 },
  );
  assert.ok(accepted > 10, `only ${accepted} mutated pages were accepted (seed ${seed})`);
});

test('hostile nesting and floods of tiny values are refused long before they are built', () => {
  for (const unit of ['le', '0:', 'i1e', 'd1:xlee']) {
    const flood = Buffer.from(`d5:itemsl${unit.repeat((PAGE_BYTES_MAX - 20) / unit.length)}ee`);
    const started = performance.now();
    assert.ok(isFault(parseListingPage(flood)));
    assert.ok(isFault(parsePublication(flood)));
    assert.ok(performance.now() - started < 1000, unit);
  }
});
