// A disk that is full in the middle of a download: it stops asking, says why, and goes on when space is there again.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { concatBytes, encodeBencode } from '../../src/base/index.ts';
import { sha1 } from '../../src/io/hash.ts';
import { parseInfo, type TorrentInfo } from '../../src/torrent/index.ts';
import { BLOCK_BYTES } from '../../src/wire/index.ts';
import { requireOrSkip } from '../require.ts';
import { completed, openNodeFor, randomContent, specOf, temporaryFolder, until } from './loopback-node.ts';
import { openRawSeed } from './raw-peer.ts';

const STOPS_WITHIN_MS = 1000;
const SAID_WITHIN_MS = 15_000;
/** What there is no room for takes longer than the requests may go on. */
const SLOW_BYTES_PER_SECOND = 6 << 20;
/** Of a disk that refused. */
const RETRY_MS = 1000;

function mountSmall(t: TestContext, megabytes: number): string | undefined {
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

interface FullDisk {
  readonly disk: string;
  readonly bytes: Buffer;
  readonly info: TorrentInfo;
  makeRoom(): void;
}

/** A disk with room for half of a torrent; undefined where none can be made. */
function fullDiskFor(t: TestContext, pieceLength: number): FullDisk | undefined {
  const disk = mountSmall(t, 24);
  if (!requireOrSkip(t, disk !== undefined, 'a small disk can only be mounted by root')) return undefined;
  const ballast = join(disk!, 'ballast');
  writeFileSync(ballast, Buffer.alloc(16 << 20, 1));
  const bytes = randomContent(16 << 20);
  return { disk: disk!, bytes, info: infoOf(bytes, pieceLength), makeRoom: () => rmSync(ballast) };
}

for (const pieceLength of [16_384, 4 << 20]) {
  test(`a full disk stops a download in pieces of ${pieceLength} bytes, and it goes on by itself`, async (t) => {
    const full = fullDiskFor(t, pieceLength);
    if (!full) return;
    const { disk, bytes, info } = full;
    const folder = temporaryFolder('content');
    writeFileSync(join(folder, 'a.bin'), bytes);
    const [seeder, leecher] = [await openNodeFor(t), await openNodeFor(t)];
    await seeder.torrents.add(specOf(info, folder, { isWhole: true }))!.started;
    const { host, started } = leecher.torrents.add(specOf(info, disk))!;
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
    full.makeRoom();
    await completed(host);
    assert.ok(readFileSync(join(disk, 'a.bin')).equals(bytes));
    assert.equal(host.figures().downloaded, bytes.length, 'no byte was fetched twice');
  });

  test(`a peer is asked for nothing from 1 s after the disk is full on, in pieces of ${pieceLength} bytes`, async (t) => {
    const full = fullDiskFor(t, pieceLength);
    if (!full) return;
    const { disk, bytes, info } = full;
    // Not later than the first ENOSPC: the writes before it took the last page.
    let fullSince: number | undefined;
    const isFull = (): boolean => {
      if (statfsSync(disk).bavail === 0) fullSince ??= performance.now();
      return fullSince !== undefined;
    };
    const askedAt: number[] = [];
    const seed = await openRawSeed(info, (piece, offset, length) => {
      isFull();
      askedAt.push(performance.now());
      return bytes.subarray(piece * pieceLength + offset, piece * pieceLength + offset + length);
    });
    t.after(() => seed.close());
    const leecher = await openNodeFor(t);
    leecher.rates.down.limit(SLOW_BYTES_PER_SECOND);
    const { host, started } = leecher.torrents.add(specOf(info, disk))!;
    await started;
    host.learn([seed.address], 'user', 'user');
    await until('the disk to be full', isFull);
    await until('the reason', () => /disk is full/.test(host.figures().stalledBecause ?? ''), SAID_WITHIN_MS);
    await until('three more retries', () => performance.now() > fullSince! + STOPS_WITHIN_MS + 3 * RETRY_MS);
    const asked = askedAt.length;
    t.diagnostic(
      `the last of ${asked} requests came ${(askedAt.at(-1)! - fullSince!).toFixed(1)} ms after the disk was full`,
    );
    assert.ok(askedAt.at(-1)! <= fullSince! + STOPS_WITHIN_MS);
    assert.ok(asked < bytes.length / BLOCK_BYTES, 'some of it is left to ask for');
    assert.match(host.figures().stalledBecause ?? '', /disk is full/);
    full.makeRoom();
    leecher.rates.down.limit(null);
    await completed(host);
    assert.ok(askedAt.length > asked);
    assert.ok(readFileSync(join(disk, 'a.bin')).equals(bytes));
  });
}
