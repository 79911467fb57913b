// A disk that is full in the middle of a download: it stops asking, says why, and goes on when space is there again.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { concatBytes, encodeBencode } from '../../src/base/index.ts';
import { sha1 } from '../../src/io/hash.ts';
import { parseInfo, type TorrentInfo } from '../../src/torrent/index.ts';
import { requireOrSkip } from '../require.ts';
import { completed, openLoopbackNode, randomContent, specOf, temporaryFolder, until } from './loopback-node.ts';

function mountSmall(t: { after(done: () => void): void }, megabytes: number): string | undefined {
  const folder = temporaryFolder('small-disk');
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  t.after(() => void execFileSync('umount', ['-l', folder]));
  return folder;
}

function infoOf(bytes: Buffer, pieceLength: number): TorrentInfo {
  const count = Math.ceil(bytes.length / pieceLength);
  const hashes = Array.from({ length: count }, (_, i) => sha1(bytes.subarray(i * pieceLength, (i + 1) * pieceLength)));
  const { length } = bytes;
  const raw = encodeBencode({ length, name: 'a.bin', 'piece length': pieceLength, pieces: concatBytes(hashes) });
  return parseInfo(raw, sha1) as TorrentInfo;
}

for (const pieceLength of [16_384, 4 << 20]) {
  test(`a full disk stops a download in pieces of ${pieceLength} bytes, and it goes on by itself`, async (t) => {
    const disk = mountSmall(t, 24);
    if (!requireOrSkip(t, disk !== undefined, 'a small disk can only be mounted by root')) return;
    const ballast = join(disk!, 'ballast');
    writeFileSync(ballast, Buffer.alloc(16 << 20, 1));
    const folder = temporaryFolder('content');
    const bytes = randomContent(16 << 20);
    writeFileSync(join(folder, 'a.bin'), bytes);
    const info = infoOf(bytes, pieceLength);
    const [seeder, leecher] = [await openLoopbackNode(), await openLoopbackNode()];
    t.after(() => Promise.all([seeder.stop(), leecher.stop()]));
    await seeder.torrents.add(specOf(info, folder, { isWhole: true }))!.started;
    const { host, started } = leecher.torrents.add(specOf(info, disk!))!;
    await started;
    host.learn([seeder.address], 'user', 'user');
    await until('the refusal', () => /disk is full/.test(host.figures().stalledBecause ?? ''));
    const { downloaded } = host.figures();
    // Two retries come and go meanwhile.
    const later = performance.now() + 2500;
    await until('two retries', () => performance.now() > later);
    assert.equal(host.phase, 'running');
    assert.match(host.figures().stalledBecause ?? '', /disk is full/);
    assert.equal(host.figures().downloaded, downloaded, 'nothing is asked for while the disk is full');
    rmSync(ballast);
    await completed(host);
    assert.ok(readFileSync(join(disk!, 'a.bin')).equals(bytes));
    assert.equal(host.figures().downloaded, bytes.length, 'no byte was fetched twice');
  });
}
