// Real nodes and the real program: a film is streamed from another node while it comes.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { RunningNode } from '../../app/running-node.ts';
import type { StreamedFile } from '../../app/streamed-file.ts';
import type { InfoHash } from '../../src/base/index.ts';
import { hostNode, type Place, runHere, runProgram } from '../app/place.ts';
import { until } from '../io/loopback-node.ts';
import { running } from './running.ts';

const PROGRAM = fileURLToPath(new URL('../../bin/monsoon.js', import.meta.url));
const MIB = 1 << 20;

interface Season {
  readonly film: Buffer;
  readonly infoHash: InfoHash;
  readonly seeder: RunningNode;
  readonly leech: RunningNode;
  readonly place: Place;
}

/** Somebody who shares a folder at a quarter of a MiB a second, and a node with a page that knows of it. */
async function season(t: TestContext): Promise<Season> {
  const { node: seeder, place, port } = await running(t, { role: 'supernode', lan: false });
  const folder = join(place.root, 'season');
  const film = randomBytes(6 * MIB);
  mkdirSync(folder);
  writeFileSync(join(folder, 'a extra.bin'), randomBytes(2 * MIB));
  writeFileSync(join(folder, 'b film.mp4'), film);
  writeFileSync(join(folder, 'c notes.txt'), 'notes');
  const { infoHash } = await seeder.share(folder, {});
  seeder.limit({ up: MIB / 4 });
  const other = await running(t, { bootstrap: [`127.0.0.1:${port}`], lan: false });
  await hostNode(t, other.place, other.node);
  return { film, infoHash, seeder, leech: other.node, place: other.place };
}

const storedBytes = async (node: RunningNode, infoHash: InfoHash): Promise<number> =>
  (await node.files(infoHash)).reduce((sum, { size, progress }) => sum + size * progress, 0);

test('W-42 a player at the middle of a film has its bytes long before the rest of the torrent is there', async (t) => {
  const { film, infoHash, seeder, leech, place } = await season(t);
  const { exitCode, data, notes } = await runHere(place, ['stream', infoHash, '--json']);
  assert.equal(exitCode, 0, notes);
  const { url, file, size } = JSON.parse(data) as StreamedFile;
  assert.deepEqual([file, size], ['season/b film.mp4', film.length]);
  const [from, to] = [4 * MIB, 4 * MIB + 299_999];
  const reply = await fetch(url, { headers: { range: `bytes=${from}-${to}` } });
  assert.equal(reply.status, 206);
  assert.ok(Buffer.from(await reply.arrayBuffer()).equals(film.subarray(from, to + 1)));
  const stored = await storedBytes(leech, infoHash);
  assert.ok(stored < (8 * MIB) / 3, `${stored} bytes of 8 MiB were there`);
  seeder.limit({ up: null });
  await until('its end', () => leech.torrents()[0]!.state === 'seeding');
});

test('W-42 stream --stdout pipes a file that is the same, and nothing but it is fetched', async (t) => {
  const { film, infoHash, seeder, leech, place } = await season(t);
  seeder.limit({ up: 4 * MIB });
  const child = spawn(process.execPath, [PROGRAM, 'stream', infoHash, 'film', '--stdout'], {
    env: place.environment,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [hash, exit] = [createHash('sha256'), once(child, 'exit')];
  for await (const bytes of child.stdout) hash.update(bytes);
  assert.deepEqual(await exit, [0, null]);
  assert.equal(hash.digest('hex'), createHash('sha256').update(film).digest('hex'));
  await until('its end', () => leech.torrents()[0]!.state === 'seeding');
  const rows = (await leech.files(infoHash)).map(({ priority, progress }) => [priority, progress === 1]);
  assert.deepEqual(rows[1], ['normal', true]);
  assert.deepEqual(rows[0], ['skip', false]);
  await leech.choose(infoHash, { normal: ['*'] });
  await until('the rest', () => leech.torrents()[0]!.state === 'seeding');
  assert.ok((await leech.files(infoHash)).every(({ progress }) => progress === 1));
});

test('a stream whose torrent is paused or removed ends, and exits with what to do', async (t) => {
  const { infoHash, seeder, leech, place } = await season(t);
  seeder.limit({ up: 0 });
  const { open } = leech;
  for (const [action, code, said] of [
    [{ type: 'pause' }, 1, /season is paused.*monsoon resume/],
    [{ type: 'remove', withData: true }, 3, /has no torrent .* Run "monsoon ps"/],
  ] as const) {
    let isRead = false;
    leech.open = (...given) => {
      isRead = true;
      return open(...given);
    };
    const ended = runProgram(place, ['stream', infoHash, '--stdout']);
    await until('the reader', () => isRead);
    await leech.act(infoHash, action);
    const { exitCode, data, notes } = await ended;
    assert.deepEqual([exitCode, data], [code, ''], notes);
    assert.match(notes, said);
  }
});
