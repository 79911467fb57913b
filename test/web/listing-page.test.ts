import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wallSeconds } from '../../src/base/index.ts';
import { LIST_OFFSET_MAX } from '../../src/listing/index.ts';
import { formatAge, formatCount, formatLeft, formatRate, formatSize, magnetOf } from '../../web/format.ts';
import { type ListingPageView, listingQueryOf, PAGE_ROWS, parsePageQuery, renderListingPage } from '../../web/index.ts';
import { NAUGHTY } from './naughty.ts';
import { rowOf } from './rows.ts';

const NOW = wallSeconds(Date.now() / 1000);

function rendered(changes: Partial<ListingPageView>): string {
  return renderListingPage({ query: parsePageQuery(''), rows: [], total: 0, network: 'monsoon', now: NOW, ...changes });
}

/** Tags of a document, attributes blanked: what a browser would make elements of. */
function tagsOf(html: string): string[] {
  return [...html.matchAll(/<[^>]*>/g)].map(([tag]) => tag.replace(/"[^"]*"/g, '""')).sort();
}

test('naughty strings in every text of a row add no tag and no attribute', () => {
  const plain = rowOf(0, { name: 'x', description: 'x', tags: ['x'] });
  const expected = tagsOf(rendered({ rows: [plain], total: 1 }));
  assert.ok(NAUGHTY.length > 500);
  for (const text of [...NAUGHTY, '"><script>alert(1)</script>', "' onmouseover='x", '`', '&lt;script&gt;', '\ud800']) {
    const html = rendered({
      rows: [{ ...plain, name: text, description: text || 'x', tags: [text] }],
      total: 1,
      network: text,
    });
    assert.deepEqual(tagsOf(html), expected, JSON.stringify(text));
  }
});

test('an unknown count shows as a question mark and never as 0', () => {
  const html = rendered({ rows: [rowOf(1, { seeders: null, leechers: 0, completions: null })], total: 1 });
  assert.equal(html.match(/title="Nobody has counted">\?<\/td>/g)?.length, 2);
  assert.match(html, /data-label="Leech">0<\/td>/);
});

test('a row has its badges, its magnet link and its whole hash', () => {
  const row = rowOf(1, { verified: true, added: NOW, name: 'A & B', size: 3 * 2 ** 30 });
  const html = rendered({ rows: [row], total: 1, announceUrl: 'http://[2001:db8::1]:7373/announce' });
  assert.match(html, /<span class="badge new">new<\/span> <span class="verified" title="verified">✓<\/span>/);
  assert.ok(
    html.includes(
      `href="magnet:?xt=urn:btih:${row.infoHash}&#38;dn=A%20%26%20B&#38;tr=http%3A%2F%2F%5B2001%3Adb8%3A%3A1%5D%3A7373%2Fannounce"`,
    ),
  );
  assert.ok(html.includes(`title="${row.infoHash}"`));
  assert.match(html, /3\.0 GiB/);
  const old = rendered({ rows: [rowOf(1, { verified: false, added: wallSeconds(NOW - 86_400) })], total: 1 });
  assert.doesNotMatch(old, /badge new|title="verified"/);
});

test('the page carries no script and no inline style, and its one form only reads', () => {
  const html = rendered({ rows: Array.from({ length: 50 }, (_, i) => rowOf(i)), total: 50 });
  assert.doesNotMatch(html, /<script|<style|style=|javascript:|\son\w+=|method=/i);
});

test('N-17 N-18 words, category, sort, direction and page stand in the URL, and nonsense counts as not said', () => {
  const query = { text: 'a b', category: 'music', sort: 'seeds', isReversed: true, page: 3 } as const;
  assert.deepEqual(parsePageQuery('?q=+a+b&cat=music&sort=seeds&reverse=1&page=3'), query);
  const plain = { text: '', sort: undefined, isReversed: false, page: 1 };
  assert.deepEqual(parsePageQuery('cat=porn&sort=__proto__&reverse=yes&page=-1&page=2'), plain);
  assert.equal(parsePageQuery('page=1e9').page, 1);
  assert.equal(parsePageQuery('page=99999999999').page, 1);
  assert.equal(parsePageQuery(`q=${'x'.repeat(9000)}`).text.length, 200);
  const last = listingQueryOf(parsePageQuery('page=999999999'));
  assert.ok(last.offset! < LIST_OFFSET_MAX && last.limit === PAGE_ROWS);
  const html = rendered({
    query: { ...plain, category: 'music', sort: 'seeds', page: 2 },
    rows: [rowOf(1)],
    total: 250,
  });
  assert.ok(html.includes('href="/?cat=music&#38;sort=seeds" rel="prev"'));
  assert.ok(html.includes('href="/?cat=music&#38;sort=seeds&#38;page=3" rel="next"'));
  assert.match(html, /<a href="\/\?cat=music&#38;sort=seeds" aria-current="page">music<\/a>/);
  assert.match(html, /aria-sort="descending"><a href="\/\?cat=music&#38;sort=seeds&#38;reverse=1">Seeds/);
  assert.ok(html.includes('<a href="/?sort=seeds">all</a>'));
});

test('pages are linked from the first to the last, with what is between left out', () => {
  const linksOn = (page: number, total: number): string[] => {
    const html = rendered({ query: { ...parsePageQuery(''), page }, rows: [rowOf(1)], total });
    const [nav = ''] = /<nav class="pages"[\s\S]*<\/nav>/.exec(html) ?? [];
    return [...nav.matchAll(/>([^<>\n]+)<\/(?:a|span)>/g)].map(([, label]) => label!);
  };
  assert.deepEqual(linksOn(1, 100), []);
  assert.deepEqual(linksOn(1, 101), ['‹ previous', '1', '2', 'next ›']);
  assert.deepEqual(linksOn(50, 100_000), [
    '‹ previous',
    '1',
    '…',
    '48',
    '49',
    '50',
    '51',
    '52',
    '…',
    '1\u202f000',
    'next ›',
  ]);
});

test('an empty listing says so', () => {
  assert.match(rendered({}), /Nothing is listed here/);
});

test('numbers read as people write them', () => {
  assert.deepEqual([0, 1023, 1024, 734_003_200, 1.5 * 2 ** 40, Number.MAX_SAFE_INTEGER].map(formatSize), [
    ...['0 B', '1023 B', '1.0 KiB', '700 MiB', '1.5 TiB', '8.0 PiB'],
  ]);
  assert.deepEqual([-5, 59, 60, 7199, 86_400, 40 * 86_400, 800 * 86_400].map(formatAge), [
    ...['now', 'now', '1 min', '1 h', '1 d', '1 mo', '2 y'],
  ]);
  assert.deepEqual([0.2, 59, 60].map(formatLeft), ['1 s', '59 s', '1 min']);
  assert.deepEqual([null, 0, 999, 1000, 1_234_567].map(formatCount), [
    '?',
    '0',
    '999',
    '1\u202f000',
    '1\u202f234\u202f567',
  ]);
  assert.deepEqual([0, 2048].map(formatRate), ['–', '2.0 KiB/s']);
  assert.equal(magnetOf('ab', 'a b'), 'magnet:?xt=urn:btih:ab&dn=a%20b');
});
