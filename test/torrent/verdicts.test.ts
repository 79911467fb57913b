import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { type BencodeInput, bytesOfHex, encodeBencode, isFault, utf8 } from '../../src/base/index.ts';
import { parseTorrentFile } from '../../src/io/index.ts';
import { encodeMetainfo, type Metainfo, parseInfo, parseMetainfo } from '../../src/torrent/index.ts';

const sha1 = (bytes: Uint8Array): Uint8Array => hash('sha1', bytes, 'buffer');
const fixture = (name: string): Buffer => readFileSync(new URL(`../fixtures/torrents/${name}`, import.meta.url));

interface Row {
  readonly verdict: 'accept' | 'reject';
  readonly expect?: readonly string[];
}
const vectors: { torrents: Record<string, Row> } = JSON.parse(
  readFileSync(new URL('../fixtures/torrent_verdicts.json', import.meta.url), 'utf8'),
);

/** What the expectations of the accepted rows come to; a row of v2 only has none, because it is refused. */
const seen: Record<string, (metainfo: Metainfo) => unknown> = {
  'absolute_filename.torrent': pathsOf,
  'duplicate_web_seeds.torrent': ({ webSeeds }) => [`${webSeeds.length} web seeds`],
  'invalid_directory_name.torrent': (metainfo) => [pathsOf(metainfo)[0], `${pathsOf(metainfo)[1]} (renamed)`],
  'invalid_name2.torrent': ({ info }) => [`name = info-hash ${info.name}`],
  'large_piece_size.torrent': ({ info }) => [`piece_length ${info.pieceLength}`],
  'slash_path.torrent': pathsOf,
  'slash_path2.torrent': pathsOf,
  'symlink_filtered_path.torrent': (metainfo) => [
    pathsOf(metainfo)[0],
    `link -> ${metainfo.info.files[1]?.symlinkTarget?.join('/')}`,
  ],
  'url_seed_multi_space.torrent': ({ webSeeds }) => webSeeds,
  'whitespace_url.torrent': ({ trackers }) => [`tracker trimmed to ${trackers}`],
};

function pathsOf({ info }: Metainfo): string[] {
  return info.files.map((file) => file.path.join('/'));
}

test('every torrent of the vectors gets its verdict, paths and URLs', async (t) => {
  for (const [name, row] of Object.entries(vectors.torrents)) {
    await t.test(`${name}: ${row.verdict}`, async () => {
      const metainfo = await parseTorrentFile(fixture(name));
      if (isFault(metainfo)) {
        const isRefusedAsV2 = name.startsWith('v2_') && metainfo.code === 'torrent-v2-only';
        assert.ok(row.verdict === 'reject' || isRefusedAsV2, metainfo.toString());
      } else {
        assert.equal(row.verdict, 'accept');
        if (row.expect) assert.deepEqual(seen[name]!(metainfo), row.expect);
      }
    });
  }
});

test('v2-only torrents are refused with a code of their own, hybrid ones are read as v1', () => {
  for (const name of ['v2_only', 'v2_multiple_files', 'v2_symlinks', 'v2_invalid_filename2']) {
    const refused = parseMetainfo(fixture(`${name}.torrent`), sha1);
    assert.ok(isFault(refused) && refused.code === 'torrent-v2-only');
  }
  const hybrid = parseMetainfo(fixture('empty-files-4.torrent'), sha1);
  assert.ok(!isFault(hybrid));
  const padding = hybrid.info.files.filter((file) => file.isPadding);
  assert.deepEqual(padding, [{ path: ['test', '.pad', '14336'], length: 14_336, offset: 51_200, isPadding: true }]);
});

test('what the author wrote for people comes back clean', async () => {
  const metainfo = await parseTorrentFile(fixture('sample.torrent'));
  assert.ok(!isFault(metainfo));
  assert.deepEqual(
    [metainfo.comment, metainfo.createdBy, metainfo.createdAt],
    ['sample comment', 'libtorrent', 1_418_787_579],
  );
  const raw = metainfo.info.raw;
  const hostile = encodeMetainfo({ info: raw, comment: `a\u202eb\n${'x'.repeat(5000)}` });
  const cleaned = await parseTorrentFile(hostile);
  assert.ok(!isFault(cleaned));
  assert.equal(cleaned.comment, `ab ${'x'.repeat(997)}`);
});

test('a torrent file is written with its info byte for byte, and reads back the same', async () => {
  const raw = parsed(fixture('unordered.torrent')).info.raw;
  const trackers = [['http://a.example/announce'], ['udp://b.example:1', 'https://c.example/x']];
  const bytes = encodeMetainfo({ info: raw, trackers, webSeeds: ['http://d.example/f'], createdBy: 'monsoon' });
  const again = parsed(bytes);
  assert.deepEqual(Buffer.from(again.info.raw), Buffer.from(raw));
  assert.deepEqual([again.trackers, again.webSeeds], [trackers, ['http://d.example/f']]);
  assert.ok(bytes.length < 1000 && isFault(parseMetainfo(bytes.subarray(0, -1), sha1)));
});

test('trackers keep their tiers, each URL once and at most 100 in all; announce counts only without a list', () => {
  const info = parsed(fixture('base.torrent')).info.raw;
  const many = Array.from({ length: 90 }, (_, i) => `http://t${i}.example/`);
  const { trackers } = parsed(
    encodeMetainfo({ info, trackers: [many, many, [...many, ...many.map((url) => `${url}b`)]] }),
  );
  assert.deepEqual(
    trackers.map((tier) => tier.length),
    [90, 10],
  );
  const outer = utf8('d8:announce9:udp://a:113:announce-listll6:wss://el9:udp://b:1ee4:info');
  assert.deepEqual(parsed(Buffer.concat([outer, info, utf8('e')])).trackers, [['udp://b:1']]);
  const unusable = utf8('d8:announce9:udp://a:113:announce-listll6:wss://ee4:info');
  assert.deepEqual(parsed(Buffer.concat([unusable, info, utf8('e')])).trackers, [['udp://a:1']]);
});

const single = { length: 20_000, name: 'a', 'piece length': 16_384, pieces: new Uint8Array(40) };
const folder = (...files: BencodeInput[]): BencodeInput => ({
  files,
  name: 'a',
  'piece length': 16_384,
  pieces: new Uint8Array(20),
});
const refusals: readonly (readonly [string, BencodeInput, string])[] = [
  ['a piece length of 0', { ...single, 'piece length': 0 }, 'torrent-malformed'],
  ['a piece over 512 MiB', { ...single, 'piece length': 2 ** 30, pieces: new Uint8Array(20) }, 'torrent-too-large'],
  ['hashes that are no multiple of 20', { ...single, pieces: new Uint8Array(39) }, 'torrent-inconsistent'],
  ['one hash too many', { ...single, pieces: new Uint8Array(60) }, 'torrent-inconsistent'],
  ['a negative length', { ...single, length: -1 }, 'torrent-malformed'],
  ['a length of 2^60', { ...single, length: 2n ** 60n }, 'torrent-malformed'],
  ['both a length and files', { ...single, files: [{ length: 1, path: ['b'] }] }, 'torrent-inconsistent'],
  ['an unknown meta version', { ...single, 'meta version': 3 }, 'torrent-malformed'],
  ['a file without a path', folder({ length: 1, path: [] }), 'torrent-malformed'],
  ['a path of numbers', folder({ length: 1, path: [7] }), 'torrent-malformed'],
  ['a path 100 deep', folder({ length: 1, path: Array(100).fill('d') }), 'torrent-malformed'],
  ['a path of 4 KiB', folder({ length: 1, path: Array(20).fill('d'.repeat(200)) }), 'torrent-too-large'],
  ['a name of 9 KiB', { ...single, name: 'n'.repeat(9216) }, 'torrent-malformed'],
  ['a path element of 9 KiB', folder({ length: 1, path: ['n'.repeat(9216)] }), 'torrent-malformed'],
  ['a link with bytes', folder({ attr: 'l', length: 1, path: ['b'], 'symlink path': ['c'] }), 'torrent-malformed'],
  ['a link without a target', folder({ attr: 'l', length: 0, path: ['b'] }), 'torrent-malformed'],
  [
    'lengths that add up to over 2^53',
    folder(...Array(3).fill({ length: Number.MAX_SAFE_INTEGER, path: ['b'] })),
    'torrent-too-large',
  ],
  ['no bytes at all', { ...single, length: 0, pieces: '' }, 'torrent-malformed'],
  ['a v2 half that is missing', { ...single, 'meta version': 2 }, 'torrent-inconsistent'],
];

test('an info that no client could work with is refused with a reason', async (t) => {
  for (const [name, info, code] of refusals) {
    await t.test(name, () => {
      const refused = parseInfo(encodeBencode(info), sha1);
      assert.ok(isFault(refused));
      assert.equal(refused.code, code, refused.text);
    });
  }
});

test('a link inside a torrent has a target that cannot leave it', () => {
  const link = { attr: 'l', length: 0, path: ['b'], 'symlink path': ['..', '..', 'etc/passwd'] };
  const info = parseInfo(encodeBencode(folder(link, { length: 1, path: ['c'] })), sha1);
  assert.ok(!isFault(info));
  assert.deepEqual(info.files[0]?.symlinkTarget, ['a', '_', '_', 'etcpasswd']);
});

test('a torrent without bytes is accepted when its one hash is the hash of nothing', () => {
  const pieces = bytesOfHex('da39a3ee5e6b4b0d3255bfef95601890afd80709')!;
  const info = parseInfo(encodeBencode({ ...single, length: 0, pieces }), sha1);
  assert.ok(!isFault(info));
  assert.deepEqual([info.length, info.pieceCount, info.pieceHashes.length, info.files.length], [0, 0, 0, 1]);
});

test('a torrent that is over a limit in bytes is refused before it is read', () => {
  const file = parseMetainfo(new Uint8Array(10 * 1024 * 1024 + 1), sha1);
  const info = parseInfo(new Uint8Array(16 * 1024 * 1024 + 1), sha1);
  assert.ok(isFault(file) && isFault(info));
  assert.deepEqual([file.code, info.code], ['torrent-too-large', 'torrent-too-large']);
});

function parsed(bytes: Uint8Array): Metainfo {
  const metainfo = parseMetainfo(bytes, sha1);
  assert.ok(!isFault(metainfo), String(metainfo));
  return metainfo;
}
