import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, hash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { MonsoonError, type MonsoonErrorCode, seededRandom } from '../../src/base/index.ts';
import { type MakingProgress, makeTorrent } from '../../src/io/index.ts';
import { compareFiles, encodeInfo, pieceLengthFor } from '../../src/torrent/index.ts';

const MIB = 1024 * 1024;
const home = mkdtempSync(join(tmpdir(), 'monsoon-maker-'));
after(() => rmSync(home, { recursive: true, force: true }));

/** A folder under a new parent, so that folders of one name can differ. */
function newFolder(name: string, files: Readonly<Record<string, Uint8Array | string>> = {}): string {
  const folder = join(mkdtempSync(join(home, 'x-')), name);
  mkdirSync(folder);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  return folder;
}

function noise(length: number, seed: number): Buffer {
  const random = seededRandom(seed);
  return Buffer.from(Uint8Array.from({ length }, () => random() * 256));
}

function rejects(promise: Promise<unknown>, code: MonsoonErrorCode, text: RegExp): Promise<void> {
  return assert.rejects(
    promise,
    (error) => error instanceof MonsoonError && error.code === code && text.test(error.message),
  );
}

test('G-11 G-12 a piece length is a power of two that makes 1,024 to 2,048 pieces, from 16 KiB to 16 MiB', () => {
  assert.deepEqual([0, 1, 32 * MIB, 32 * MIB + 1].map(pieceLengthFor), [16_384, 16_384, 16_384, 32_768]);
  assert.equal(pieceLengthFor(100 * 1024 * MIB), 16 * MIB);
  for (let size = 33 * MIB; size < 2 ** 35; size = Math.floor(size * 1.37)) {
    const pieces = Math.ceil(size / pieceLengthFor(size));
    assert.ok(pieces > 1000 && pieces <= 2048, `${pieces} pieces for ${size} bytes`);
  }
});

test('files have one order: element by element, each by its UTF-8 bytes', () => {
  const order = ['a/z', 'a b', 'a-b', 'ab', 'é', '\uff5e', '😀'];
  const files = order.map((path) => ({ path: path.split('/'), length: 1 }));
  assert.deepEqual(files.toReversed().sort(compareFiles), files);
  const bytes = order.slice(1).map((path) => Buffer.from(path));
  assert.deepEqual(bytes.toSorted(Buffer.compare), bytes);
});

test('a folder becomes the same torrent wherever it lies: nested, empty and unicode-named files included', async () => {
  const files = { 'b/c/日本.bin': noise(40_000, 1), 'a.txt': 'hello', 'b/empty': '', 'B/ä😀': noise(20_000, 2) };
  const first = newFolder('content', files);
  const second = newFolder('content', Object.fromEntries(Object.entries(files).reverse()));
  mkdirSync(join(second, 'an empty folder, which no torrent can name'));
  utimesSync(join(second, 'a.txt'), 1, 1);
  const made = await makeTorrent(first);
  assert.equal((await makeTorrent(second)).info.infoHash, made.info.infoHash);
  assert.deepEqual(
    made.info.files.map(({ path, length, offset }) => [path.join('/'), length, offset]),
    [
      ['content/B/ä😀', 20_000, 0],
      ['content/a.txt', 5, 20_000],
      ['content/b/c/日本.bin', 40_000, 20_005],
      ['content/b/empty', 0, 60_005],
    ],
  );
});

test('every piece hash is that of the bytes at its place, across files and zeros', async () => {
  const zeros = Buffer.alloc(3 * 16_384 + 5);
  const parts = [
    noise(10_000, 3),
    zeros,
    noise(16_384, 4),
    Buffer.concat([Buffer.alloc(16_000), noise(1000, 5)]),
    zeros,
  ];
  const folder = newFolder('pieces', Object.fromEntries(parts.map((part, i) => [`file-${i}`, part])));
  const { info } = await makeTorrent(folder);
  const stream = Buffer.concat(parts);
  const expected = Array.from({ length: Math.ceil(stream.length / 16_384) }, (_, i) =>
    hash('sha1', stream.subarray(i * 16_384, (i + 1) * 16_384)),
  );
  assert.equal(Buffer.from(info.pieceHashes).toString('hex'), expected.join(''));
});

test('a single file becomes a torrent of its own name, private when asked', async () => {
  const folder = newFolder('single', { 'film.mkv': noise(50_000, 6) });
  const { info, sourcePaths } = await makeTorrent(join(folder, 'film.mkv'), { isPrivate: true });
  assert.deepEqual(
    info.files.map((file) => file.path),
    [['film.mkv']],
  );
  assert.deepEqual([sourcePaths, info.isPrivate], [[join(folder, 'film.mkv')], true]);
});

test('empty files alone can be shared: a torrent without bytes', async () => {
  const folder = newFolder('nothing', { a: '', 'b/c': '' });
  const { info } = await makeTorrent(folder);
  assert.deepEqual([info.length, info.pieceCount, info.files.length], [0, 0, 2]);
  assert.equal((await makeTorrent(join(folder, 'a'))).info.name, 'a');
});

test('names that our path rule changes are still found on the disk, and keep their spelling in the torrent', async () => {
  const folder = newFolder('odd: names', { 'a:b': 'one', a_b: 'two', 'c\\d ': 'three' });
  const { info, sourcePaths, renamed } = await makeTorrent(folder);
  assert.deepEqual(renamed, { names: 4, example: ['odd: names', 'odd_ names'] });
  assert.deepEqual(
    info.files.map((file, i) => [file.path.join('/'), sourcePaths[i]]),
    [
      ['odd_ names/a_b', join(folder, 'a:b')],
      ['odd_ names/a_b.1', join(folder, 'a_b')],
      ['odd_ names/cd', join(folder, 'c\\d ')],
    ],
  );
  assert.ok(Buffer.from(info.raw).includes('10:odd: names'));
});

test('line breaks and other control characters, which clients refuse, are not in a torrent', async () => {
  const folder = newFolder('two\nlines', { 'a\nb/c\td': 'one', plain: 'two' });
  const { info, sourcePaths, renamed } = await makeTorrent(folder);
  assert.deepEqual(
    info.files.map((file, i) => [file.path.join('/'), sourcePaths[i]]),
    [
      ['two_lines/a_b/c_d', join(folder, 'a\nb/c\td')],
      ['two_lines/plain', join(folder, 'plain')],
    ],
  );
  assert.deepEqual(renamed, { names: 2, example: ['two\nlines', 'two_lines'] });
  for (const name of ['two\nlines', 'a\nb', 'c\td']) assert.ok(!Buffer.from(info.raw).includes(name));
  const plain = await makeTorrent(newFolder('plain', { a: 'x' }));
  assert.deepEqual(plain.renamed, { names: 0 });
  const alike = newFolder('alike', { 'a\nb': 'one', a_b: 'two' });
  await rejects(makeTorrent(alike), 'refused', /a\\nb" would have the name of another file/);
});

test('links, pipes and their targets are left out; a link that the user chose is followed', async () => {
  const outside = newFolder('outside', { secret: 'x' });
  const folder = newFolder('links', { kept: 'y' });
  symlinkSync(outside, join(folder, 'folder-link'));
  symlinkSync(join(outside, 'secret'), join(folder, 'file-link'));
  symlinkSync('nowhere', join(folder, 'broken-link'));
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  mkdirSync(join(folder, 'empty'));
  const { sourcePaths, leftOut } = await makeTorrent(folder);
  assert.deepEqual(sourcePaths, [join(folder, 'kept')]);
  assert.deepEqual(leftOut, { links: 3, emptyFolders: 1, others: 1 });
  const chosen = await makeTorrent(join(folder, 'folder-link'));
  assert.deepEqual([chosen.info.name, chosen.info.files[0]?.path], ['folder-link', ['folder-link', 'secret']]);
});

test('what cannot be shared is refused with a sentence that names it', async () => {
  const empty = newFolder('empty');
  await rejects(makeTorrent(join(empty, 'missing')), 'not-found', /missing does not exist/);
  await rejects(makeTorrent(empty), 'usage', /holds no files/);
  await rejects(makeTorrent('/dev/null'), 'usage', /neither a file nor a folder/);
  const bad = newFolder('bad');
  writeFileSync(Buffer.concat([Buffer.from(`${bad}/caf`), Buffer.of(0xe9)]), 'x');
  await rejects(makeTorrent(bad), 'refused', /"caf\ufffd" in .*bad is not valid UTF-8/);
  const deep = newFolder('deep', { [`${'d/'.repeat(99)}f`]: 'x' });
  await rejects(makeTorrent(deep), 'refused', /too deep/);
});

test('a file that grows, shrinks or is touched while it is read ends the making', async (t) => {
  const changes: Readonly<Record<string, (file: string) => void>> = {
    grows: (file) => writeFileSync(file, 'x', { flag: 'a' }),
    shrinks: (file) => truncateSync(file, MIB),
    'is touched': (file) => utimesSync(file, 1, 1),
  };
  for (const [name, change] of Object.entries(changes)) {
    await t.test(name, async () => {
      const file = join(newFolder('changing', { big: Buffer.alloc(6 * MIB, 1) }), 'big');
      let isChanged = false;
      const onProgress = (): void => {
        if (!isChanged) change(file);
        isChanged = true;
      };
      await rejects(makeTorrent(file, { onProgress }), 'busy', /big changed while it was read/);
    });
  }
});

test('making stops when it is told to, and progress ends at the whole', async () => {
  const file = join(newFolder('stopped', { big: noise(3 * MIB, 7) }), 'big');
  const controller = new AbortController();
  const reason = new Error('enough');
  await assert.rejects(
    makeTorrent(file, { signal: controller.signal, onProgress: () => controller.abort(reason) }),
    reason,
  );
  let last = 0;
  const onProgress = ({ bytesHashed, bytesTotal }: MakingProgress): void => {
    last = bytesHashed / bytesTotal;
  };
  await makeTorrent(file, { onProgress });
  assert.equal(last, 1);
});

test('G-13 a sparse file is read without being kept in memory, and its zero pieces are hashed right', async () => {
  const file = join(newFolder('sparse', { disk: '' }), 'disk');
  truncateSync(file, 512 * MIB + 1);
  const before = process.memoryUsage().rss;
  const { info } = await makeTorrent(file);
  assert.ok(process.memoryUsage().rss - before < 64 * MIB);
  const piece = createHash('sha1').update(Buffer.alloc(info.pieceLength)).digest('hex');
  const expected = piece.repeat(info.pieceCount - 1) + hash('sha1', Buffer.alloc(1));
  assert.equal(Buffer.from(info.pieceHashes).toString('hex'), expected);
});

test('a new info refuses to be written in another order than its own', () => {
  const unsorted = ['b', 'a'].map((name) => ({ path: [name], length: 1 }));
  const parts = { name: 'x', files: unsorted, pieceLength: 16_384, pieceHashes: new Uint8Array(20), isPrivate: false };
  assert.throws(() => encodeInfo(parts), /sorted/);
});
