// Content that strains a file system: a file of 100 GiB with holes, hundreds of files at once, the longest names.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, readlinkSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type BencodeInput, encodeBencode, isFault, utf8 } from '../../src/base/index.ts';
import { FileStore } from '../../src/io/file-store.ts';
import { sha1 } from '../../src/io/hash.ts';
import { OPEN_FILES_MAX } from '../../src/io/open-files.ts';
import { parseInfo, type TorrentInfo } from '../../src/torrent/index.ts';
import { randomContent, temporaryFolder } from './loopback-node.ts';

const PIECE_LENGTH = 16 << 20;
const GIB = 2 ** 30;

function infoOf(parts: Record<string, BencodeInput>, length: number): TorrentInfo {
  const pieces = new Uint8Array(20 * Math.ceil(length / PIECE_LENGTH));
  const info = parseInfo(encodeBencode({ name: 'it', 'piece length': PIECE_LENGTH, pieces, ...parts }), sha1);
  assert.ok(!isFault(info), `${info}`);
  return info;
}

test('G-13 a file of 100 GiB takes the space of what was written, and is read back at its end', async (t) => {
  const length = 100 * GIB + 5;
  const info = infoOf({ length }, length);
  const directory = temporaryFolder('huge');
  const store = new FileStore({ info, directory, sourcePaths: [] });
  t.after(() => store.close());
  const bytes = randomContent(1 << 20);
  await store.write(length - bytes.length, bytes);
  await store.sync([info.pieceCount - 1]);
  const found = Buffer.alloc(bytes.length);
  await store.read(length - bytes.length, [found], found.length);
  assert.ok(found.equals(bytes));
  const { size, blocks } = statSync(join(directory, 'it'));
  assert.equal(size, length);
  assert.ok(blocks * 512 < 16 * bytes.length, `${blocks} blocks`);
});

test('hundreds of files are written and read at once through a bounded number of descriptors', async (t) => {
  const files = Array.from({ length: 400 }, (_, i) => ({ length: 100, path: [`${i % 20}`, `${i}`] }));
  const info = infoOf({ files }, 40_000);
  const directory = temporaryFolder('many');
  const store = new FileStore({ info, directory, sourcePaths: [] });
  t.after(() => store.close());
  const bytes = randomContent(40_000);
  const openFiles = (): number =>
    readdirSync('/proc/self/fd').filter((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`).startsWith(directory);
      } catch {
        return false;
      }
    }).length;
  let most = 0;
  const stretches = Array.from({ length: 40 }, (_, i) => i * 1000);
  await Promise.all(
    stretches.map(async (start) => {
      await store.write(start, bytes.subarray(start, start + 1000));
      most = Math.max(most, openFiles());
      const found = Buffer.alloc(1000);
      await store.read(start, [found], 1000);
      assert.ok(found.equals(bytes.subarray(start, start + 1000)));
    }),
  );
  await store.sync([0]);
  // One more per operation under way at most: 40 stretches run at once.
  assert.ok(most > 0 && most <= OPEN_FILES_MAX + stretches.length, `${most} descriptors`);
  assert.ok(openFiles() <= OPEN_FILES_MAX);
  await store.close();
  assert.equal(openFiles(), 0);
});

test('a file where a folder has to be is named in words', async (t) => {
  const directory = join(temporaryFolder('in-the-way'), 'file');
  writeFileSync(directory, 'no folder');
  const store = new FileStore({ info: infoOf({ length: 5 }, 5), directory, sourcePaths: [] });
  t.after(() => store.close());
  const message = `${join(directory, 'it')} cannot be opened: a file is where a folder has to be, or the other way round. Move it away`;
  await assert.rejects(store.write(0, randomContent(5)), { code: 'disk', message });
});

test('the longest names that a torrent may have can be written', async (t) => {
  const long = 'ü'.repeat(4000);
  const path = [long, long, `${long}.extension`].map((name) => utf8(name).subarray(0, 2000));
  const info = infoOf({ files: [{ length: 3, path }] }, 3);
  const directory = temporaryFolder('long');
  const store = new FileStore({ info, directory, sourcePaths: [] });
  t.after(() => store.close());
  await store.write(0, Buffer.from('abc'));
  assert.equal(readFileSync(join(directory, ...info.files[0]!.path), 'utf8'), 'abc');
});

test('a place in one file is lent while the file is open, and none where there is none', async (t) => {
  const files = [100, 50].map((length, i) => ({ length, path: [`${i}`] }));
  const info = infoOf({ files }, 150);
  const directory = temporaryFolder('lent');
  const store = new FileStore({ info, directory, sourcePaths: [] });
  t.after(() => store.close());
  const written = await store.lend(110, 3, async (place) => {
    void store.close(); // Waits for whoever has a place.
    return writeSync(place!.fd, 'abc', place!.position);
  });
  assert.equal(written, 3);
  assert.equal(readFileSync(store.pathOf(1), 'latin1'), `${'\0'.repeat(10)}abc`);
  const another = new FileStore({ info, directory, sourcePaths: [] });
  t.after(() => another.close());
  assert.equal(await another.lend(90, 20, async (place) => place), undefined, 'in two files');
  const blocked = new FileStore({ info, directory: store.pathOf(1), sourcePaths: [] });
  t.after(() => blocked.close());
  assert.equal(await blocked.lend(0, 5, async (place) => place), undefined, 'cannot be opened');
  const failing = another.lend(0, 5, () => Promise.reject(new Error('ours')));
  await assert.rejects(failing, /ours/);
});
