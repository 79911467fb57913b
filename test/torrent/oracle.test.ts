import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { isFault } from '../../src/base/index.ts';
import { makeTorrent, parseTorrentFile } from '../../src/io/index.ts';
import { encodeMetainfo, type TorrentInfo } from '../../src/torrent/index.ts';
import { requireOrSkip } from '../require.ts';

const PYTHON = '/usr/bin/python3';
/**
 * What libtorrent reads from each torrent file named on standard input. Padding is left out, as it orders a hybrid's
 * by the v2 half; a name in BitComet's way makes a padding file for it, but an ordinary one for us.
 */
const READ = `
import json, sys, libtorrent
rows = {}
for path in json.load(sys.stdin):
    info = libtorrent.torrent_info(path)
    files = info.files()
    is_content = lambda i: not files.file_flags(i) & 1 or files.file_name(i).startswith('_____padding_file_')
    rows[path] = dict(infoHash=str(info.info_hashes().v1), length=info.total_size(), pieceLength=info.piece_length(),
        pieceCount=info.num_pieces(), lengths=[files.file_size(i) for i in range(files.num_files()) if is_content(i)])
json.dump(rows, sys.stdout)
`;
/** The info hash of the torrent that libtorrent makes of the files named on standard input, in our order. */
const HASH = `
import json, sys, libtorrent
job = json.load(sys.stdin)
storage = libtorrent.file_storage()
for path, length in job['files']:
    storage.add_file(path, length)
torrent = libtorrent.create_torrent(storage, job['pieceLength'], libtorrent.create_torrent.v1_only)
libtorrent.set_piece_hashes(torrent, job['parent'])
json.dump(libtorrent.torrent_info(torrent.generate()).info_hash().to_bytes().hex(), sys.stdout)
`;
const isHere = spawnSync(PYTHON, ['-c', 'import libtorrent']).status === 0;
const missing = 'python3-libtorrent is not installed';
const home = mkdtempSync(join(tmpdir(), 'monsoon-oracle-'));
after(() => rmSync(home, { recursive: true, force: true }));

interface Reading {
  readonly infoHash: string;
  readonly length: number;
  readonly pieceLength: number;
  readonly pieceCount: number;
  readonly lengths: readonly number[];
}

function ask<T>(script: string, question: unknown): T {
  const run = spawnSync(PYTHON, ['-c', script], { input: JSON.stringify(question), encoding: 'utf8' });
  assert.equal(run.status, 0, run.stderr);
  return JSON.parse(run.stdout);
}

function readingOf(info: TorrentInfo): Reading {
  const { infoHash, length, pieceLength, pieceCount, files } = info;
  return {
    infoHash,
    length,
    pieceLength,
    pieceCount,
    lengths: files.filter(({ isPadding }) => !isPadding).map((file) => file.length),
  };
}

test('libtorrent reads the same hash, sizes and pieces from every torrent of the vectors that we accept', async (t) => {
  if (!requireOrSkip(t, isHere, missing)) return;
  const root = new URL('../fixtures/', import.meta.url).pathname;
  const names = Object.keys(JSON.parse(readFileSync(join(root, 'torrent_verdicts.json'), 'utf8')).torrents);
  const ours = new Map<string, Reading>();
  for (const path of names.map((name) => join(root, 'torrents', name))) {
    const metainfo = await parseTorrentFile(readFileSync(path));
    if (!isFault(metainfo)) ours.set(path, readingOf(metainfo.info));
  }
  assert.ok(ours.size > 35, `${ours.size} torrents`);
  assert.deepEqual(ask(READ, [...ours.keys()]), Object.fromEntries(ours));
});

test('libtorrent reads our torrents as we do, and makes the same ones of the same files', async (t) => {
  if (!requireOrSkip(t, isHere, missing)) return;
  const folder = join(home, 'Ünïcode 日本 😀');
  const sizes = { 'a/b/c.bin': 70_000, 'a/empty': 0, 'ä.txt': 5, 'z z': 16_384, 'B/x': 99_999 };
  for (const [path, size] of Object.entries(sizes)) {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), Buffer.alloc(size, path));
  }
  for (const source of [folder, join(folder, 'a/b/c.bin')]) {
    const { info } = await makeTorrent(source);
    const path = join(home, 'made.torrent');
    writeFileSync(path, encodeMetainfo({ info: info.raw, trackers: [['http://127.0.0.1:1/announce']] }));
    assert.deepEqual(ask(READ, [path]), { [path]: readingOf(info) });
    const files = info.files.map((file) => [file.path.join('/'), file.length]);
    const job = { files, pieceLength: info.pieceLength, parent: join(source, '..') };
    assert.equal(ask(HASH, job), info.infoHash);
  }
});
