import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { finish, utf8 } from '../../src/base/index.ts';
import { cleanPathElement, distinctPaths, NAMESAKES_MAX } from '../../src/torrent/path.ts';

const clean = (text: string): string => cleanPathElement(utf8(text));
const cleanPath = (parts: readonly string[]): string => parts.map(clean).join('/');

interface Row {
  readonly note: string;
  readonly parts: readonly string[];
  readonly expect: string;
}
const vectors: { rows: Row[] } = JSON.parse(
  readFileSync(new URL('../fixtures/path_sanitise.json', import.meta.url), 'utf8'),
);

/**
 * What we make of each row. Where a row leaves a choice between platforms, ours is the stricter one on all of them
 * (SAFETY rule 9): a torrent's names are the same everywhere. "240 chars then .test" is 245 bytes: the 240 bytes of
 * the rule are the name's, the short extension is kept beyond them, and a file system's limit is 255.
 */
const ours: readonly (readonly [parts: string, result: string])[] = [
  ['a...b', 'a...b'],
  ['a/../c', 'a/_/c'],
  ['dev:', 'dev_'],
  ['c:/b', 'c_/b'],
  ['\b', '_'],
  ['abc/', 'abc/_'],
  ['foo\u200ebar', 'foobar'],
  ['foo\u202bbar', 'foobar'],
  ['foo\u200bbar', 'foobar'],
  ['foo\u200cbar', 'foobar'],
  ['foo\u2060bar', 'foobar'],
  ['foo\u2062bar', 'foobar'],
  ['foo\u2069bar', 'foobar'],
  ['foo\u061cbar', 'foobar'],
  ['foo\u007fbar', 'foo_bar'],
  ['foo\u0080bar', 'foo_bar'],
  [`${'a'.repeat(245)}.test`, `${'a'.repeat(240)}.test`],
  ['CON', '_CON'],
  ['nul.jpg.txt', '_nul.jpg.txt'],
  ['some.nul.jpg', 'some.nul.jpg'],
  ['foo ', 'foo'],
  ['file.txt:stream', 'file.txt_stream'],
];
const clashes = [
  ['A.txt/(second file) a.txt', ['A.txt', 'a.1.txt']],
  ['é.txt/(second file) e\u0301.txt', ['é.txt', 'e\u0301.1.txt']],
] as const;

test('every row of the path vectors is cleaned as the safety rules want it', async (t) => {
  const results = new Map<string, string>(ours);
  const distinct = new Map<string, readonly string[]>(clashes);
  for (const { parts, expect } of vectors.rows) {
    await t.test(`${JSON.stringify(parts).slice(0, 60)} → ${expect}`, () => {
      const key = parts.join('/');
      if (distinct.has(key)) {
        const files = parts.map((part) => [clean(part.replace('(second file) ', ''))]);
        assert.deepEqual(finish(distinctPaths(files))?.flat(), distinct.get(key));
      } else {
        assert.equal(cleanPath(parts), results.get(key) ?? 'a decision for this row');
      }
    });
  }
});

test('bytes that are not UTF-8 become an underscore, the rest of the name stays', () => {
  assert.equal(cleanPathElement(Uint8Array.of(0x82, 0x61, 0xff, 0x62)), '_a_b');
});

test('W-10 names that Windows reserves are prefixed, also before an extension or a space', () => {
  for (const name of ['aux', 'COM1.tar.gz', 'lpt¹', 'con .txt', 'CONIN$', 'PRN.'])
    assert.ok(clean(name)[0] === '_', name);
  for (const name of ['console', 'com', 'com10', 'auxiliary.txt', 'lpt.txt']) assert.equal(clean(name), name);
});

test('a name is cut between characters and keeps its extension only when that is short', () => {
  assert.equal(clean(`${'é'.repeat(150)}.mkv`), `${'é'.repeat(120)}.mkv`);
  assert.equal(clean(`${'😀'.repeat(100)}`), '😀'.repeat(60));
  assert.equal(clean(`${'a'.repeat(300)}.${'b'.repeat(40)}`), 'a'.repeat(240));
  assert.equal(clean(`${'a'.repeat(239)} ${'b'.repeat(40)}`), 'a'.repeat(239));
});

test('a file never takes the place of a directory that other files need', () => {
  const paths = [
    ['t', 'a'],
    ['t', 'A', 'b'],
    ['t', 'a', 'B'],
  ];
  assert.deepEqual(finish(distinctPaths(paths)), [
    ['t', 'a.1'],
    ['t', 'A', 'b'],
    ['t', 'a', 'B.1'],
  ]);
});

test('names that only full case folding makes equal are kept apart', () => {
  assert.deepEqual(finish(distinctPaths([['Straße'], ['STRASSE'], ['\u212a'], ['k']]))?.flat(), [
    'Straße',
    'STRASSE.1',
    '\u212a',
    'k.1',
  ]);
});

test('a numbered name that is itself taken is passed over, and too many namesakes are refused', () => {
  assert.deepEqual(finish(distinctPaths([['x.1'], ['x'], ['x']]))?.flat(), ['x.1', 'x', 'x.2']);
  assert.equal(finish(distinctPaths(Array(NAMESAKES_MAX + 1).fill(['x'])))?.length, NAMESAKES_MAX + 1);
  assert.equal(finish(distinctPaths(Array(NAMESAKES_MAX + 2).fill(['x']))), undefined);
});

test('a clean element is safe and clean already, whatever the bytes were', () => {
  const anyName = fc.oneof(
    fc.uint8Array({ maxLength: 400 }),
    fc.string({ unit: 'binary', maxLength: 400 }).map(utf8),
    fc
      .string({
        unit: fc.constantFrom('.', ' ', '/', '\\', 'a', 'con', 'nul', '\u202e', ':', 'é', '\0'),
        maxLength: 150,
      })
      .map(utf8),
  );
  fc.assert(
    fc.property(anyName, (bytes) => {
      const name = cleanPathElement(bytes);
      assert.equal(cleanPathElement(utf8(name)), name);
      assert.ok(name !== '' && utf8(name).length <= 251, `${utf8(name).length} bytes`);
      assert.doesNotMatch(name, /[/\\\u0000-\u001f\u007f?<>"|*:\u200b-\u200f\u202a-\u202e]|[. ]$/u);
    }),
    { numRuns: 1500 },
  );
});

test('distinct paths are distinct on a disk that folds case, and only last elements change', () => {
  const element = fc.constantFrom('a', 'A', 'b', 'a.1', 'A.txt', 'a.txt', 'é', 'e\u0301');
  fc.assert(
    fc.property(fc.array(fc.array(element, { minLength: 1, maxLength: 3 }), { maxLength: 12 }), (paths) => {
      const distinct = finish(distinctPaths(paths));
      assert.ok(distinct);
      const folded = distinct.map((path) => path.join('/').normalize('NFC').toLowerCase());
      assert.equal(new Set(folded).size, paths.length);
      for (const [i, path] of distinct.entries()) {
        assert.deepEqual(path.slice(0, -1), paths[i]!.slice(0, -1));
        assert.ok(!folded.some((other) => other.startsWith(`${folded[i]}/`)), 'a file stands where a directory must');
      }
    }),
    { numRuns: 3000 },
  );
});
