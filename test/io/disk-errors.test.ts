// A disk that fails now and then, under a real process: strace makes its writes and syncs return EIO. It goes on by
// itself, and after kill -9 nothing is claimed that is not on the disk, and nothing is fetched twice that is.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ResumeFile } from '../../src/io/resume-file.ts';
import { makeTorrent } from '../../src/io/torrent-maker.ts';
import { replayJournal } from '../../src/torrent/index.ts';
import { isInstalled, requireOrSkip } from '../require.ts';
import { completed, openNodeFor, randomContent, specOf, temporaryFolder } from './loopback-node.ts';

const SIZE = 12 << 20;
const LEECH = fileURLToPath(new URL('leech-process.ts', import.meta.url));

/**
 * One thread does all the writes that the hashing thread does not, and all syncs: strace counts for each thread. One write in 18
 * fails in either, so that some fail in both, and are waited for. The first sync is the first snapshot's.
 */
const ENVIRONMENT = { ...process.env, UV_THREADPOOL_SIZE: '1' };
const FAILURES = ['inject=pwrite64:error=EIO:when=6+18', 'inject=fdatasync:error=EIO:when=2+4'];

interface Told {
  readonly pid: number;
  readonly stored: number;
}

test('a disk that returns EIO on writes and syncs claims no wrong piece, and costs no piece that it holds', async (t) => {
  if (!requireOrSkip(t, isInstalled('strace'), 'strace is not installed')) return;
  const folder = temporaryFolder('content');
  mkdirSync(join(folder, 'sub'));
  const bytes = randomContent(SIZE);
  writeFileSync(join(folder, 'sub', 'a.bin'), bytes);
  const { info, sourcePaths } = await makeTorrent(folder);
  const seeder = await openNodeFor(t);
  await seeder.torrents.add(specOf(info, folder, { sourcePaths, isWhole: true }))!.started;
  const [home, directory, infoFile] = [temporaryFolder('home'), temporaryFolder('fetched'), join(folder, 'info')];
  writeFileSync(infoFile, info.raw);

  const strace = ['-f', '--seccomp-bpf', '-qq', '-o', join(folder, 'trace'), '-e', 'trace=pwrite64,fdatasync'];
  const args = [LEECH, home, infoFile, directory, `${seeder.address.port}`];
  const leech = spawn(
    'strace',
    [...strace, ...FAILURES.flatMap((failure) => ['-e', failure]), process.execPath, ...args],
    {
      env: ENVIRONMENT,
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    },
  );
  leech.on('message', ({ pid, stored }: Told) => stored >= SIZE / 2 && process.kill(pid, 'SIGKILL'));
  await once(leech, 'exit');
  const trace = readFileSync(join(folder, 'trace'), 'utf8');
  const refusing = new Set([...trace.matchAll(/^(\d+) +pwrite64\(.*EIO.*\(INJECTED\)/gm)].map(([, thread]) => thread));
  assert.equal(refusing.size, 2, 'writes fail in the hashing thread, and again where they are made up for');
  assert.match(trace, /fdatasync\(.*EIO.*\(INJECTED\)/);

  const found = readFileSync(join(directory, info.name, 'sub', 'a.bin'));
  const isRight = (piece: number): boolean => {
    const [from, to] = [piece * info.pieceLength, Math.min((piece + 1) * info.pieceLength, SIZE)];
    return found.subarray(from, to).equals(bytes.subarray(from, to));
  };
  const { snapshot, journal, mark } = (await new ResumeFile(join(home, 'torrents'), info.infoHash).load(assert.fail))!;
  const { stored } = replayJournal(info.pieceCount, snapshot.have, journal, mark);
  const pieces = [...Array(info.pieceCount).keys()];
  for (const piece of pieces) assert.ok(!stored.has(piece) || isRight(piece), `piece ${piece} is claimed and wrong`);

  const node = await openNodeFor(t, home);
  await node.torrents.recall();
  const host = node.torrents.get(info.infoHash)!;
  host.learn([seeder.address], 'user', 'user');
  await completed(host);
  assert.ok(readFileSync(join(directory, info.name, 'sub', 'a.bin')).equals(bytes));
  const missing = pieces.filter((piece) => !isRight(piece));
  const missingBytes = missing.reduce(
    (sum, piece) => sum + Math.min(info.pieceLength, SIZE - piece * info.pieceLength),
    0,
  );
  assert.ok(host.figures().downloaded <= missingBytes, 'no piece that was on the disk is fetched again');
  t.diagnostic(`${stored.count} claimed and ${missing.length} missing of ${info.pieceCount} at the kill`);
});
