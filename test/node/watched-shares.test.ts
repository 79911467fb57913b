// A share whose owner changes it, at a real node: what is seeded and listed follows.
import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { ListingRow, RunningNode, TorrentRow } from '../../app/running-node.ts';
import { until } from '../interop/until.ts';
import { type Running, running } from './running.ts';

const FOLLOWED_SECONDS_MAX = 60;
const CLAIMS = { category: 'music', tags: ['live'], description: 'as it was' };

interface Sharing extends Running {
  readonly folder: string;
}

/** A node that shares a folder with one file. */
async function sharing(t: TestContext): Promise<Sharing> {
  const here = await running(t, { lan: false });
  const folder = join(here.place.root, 'songs');
  mkdirSync(folder);
  writeFileSync(join(folder, 'one'), 'one');
  await here.node.share(folder, CLAIMS);
  return { ...here, folder };
}

interface Followed {
  readonly row: ListingRow | undefined;
  readonly torrent: TorrentRow | undefined;
}

/** What is listed and held, of each one at most, once it is as asked. */
async function whenSo(node: RunningNode, what: string, isSo: (state: Followed) => boolean): Promise<Followed> {
  return until(what, FOLLOWED_SECONDS_MAX, async () => {
    const [rows, torrents] = [(await node.list({})).rows, node.torrents()];
    const state = { row: rows[0], torrent: torrents[0] };
    return rows.length <= 1 && torrents.length <= 1 && isSo(state) ? state : undefined;
  });
}

/** Resolves with the hash that is listed and seeded, once it is none of those. */
async function another(node: RunningNode, what: string, than: ReadonlySet<string>): Promise<ListingRow> {
  const { row, torrent } = await whenSo(node, `${what} to be followed`, ({ row, torrent }) =>
    Boolean(row && torrent && row.infoHash === torrent.infoHash && !than.has(row.infoHash)),
  );
  assert.equal(torrent!.state, 'seeding');
  return row!;
}

test('W-09 W-34 W-40 files and folders that come, change, move and go are shared in the place of what was', async (t) => {
  const { node, folder, home } = await sharing(t);
  const hashes = new Set([(await another(node, 'nothing', new Set())).infoHash]);
  const inner = join(folder, 'deep', 'er');
  const changes: [string, number, () => void][] = [
    ['a new file', 2, () => writeFileSync(join(folder, 'two'), 'two')],
    ['a file that goes', 1, () => rmSync(join(folder, 'one'))],
    ['a new folder', 1, () => mkdirSync(inner, { recursive: true })],
    ['a file in it', 2, () => writeFileSync(join(inner, 'three'), 'three')],
    ['a file that grows', 2, () => appendFileSync(join(inner, 'three'), ' and more')],
    ['a folder that is renamed', 2, () => renameSync(join(folder, 'deep'), join(folder, 'deeper'))],
    ['a file that is renamed', 2, () => renameSync(join(folder, 'two'), join(folder, 'second'))],
  ];
  for (const [what, files, change] of changes) {
    change();
    // BEP 3 has no way to name an empty folder.
    if (what === 'a new folder') continue;
    const row = await another(node, what, hashes);
    hashes.add(row.infoHash);
    const { category, tags, description } = row;
    assert.deepEqual({ files: row.files, category, tags, description }, { files, ...CLAIMS }, what);
    assert.deepEqual(readdirSync(join(home.dataDir, 'torrents')), [`${row.infoHash}.torrent`]);
  }
});

test('what is gone is listed no more, and again when it is back as it was', async (t) => {
  const { node, folder } = await sharing(t);
  const before = await another(node, 'nothing', new Set());
  renameSync(folder, `${folder}, away`);
  const { torrent } = await whenSo(node, 'it to be gone', ({ row, torrent }) => !row && torrent?.state === 'failed');
  assert.equal(torrent?.stalledBecause, `there is nothing to share at ${folder} any more`);
  renameSync(`${folder}, away`, folder);
  const { row } = await whenSo(
    node,
    'it to be back',
    ({ row, torrent }) => Boolean(row) && torrent?.state === 'seeding',
  );
  assert.equal((await node.info(row!.infoHash)).torrent?.stalledBecause, null);
  const { infoHash, category, tags, description } = row!;
  assert.deepEqual({ infoHash, category, tags, description }, { infoHash: before.infoHash, ...CLAIMS });
});

test('W-31 W-32 a restart finds what changed meanwhile, and makes nothing anew that did not', async (t) => {
  const { node, folder, place } = await sharing(t);
  const other = join(place.root, 'other');
  writeFileSync(other, 'other');
  await node.share(other, {});
  await node.stop();
  writeFileSync(other, 'another');
  const again = await running(t, { lan: false }, place);
  const listed = async (size: number): Promise<true | undefined> => {
    const { rows } = await again.node.list({});
    return (rows.length === 2 && rows.some((row) => row.size === size)) || undefined;
  };
  // The second time whatever is followed from the start on has had its turn.
  for (const text of ['another', 'yet another']) {
    writeFileSync(other, text);
    await until(text, FOLLOWED_SECONDS_MAX, () => listed(text.length));
  }
  const anew = (): string[] => again.log.filter((line) => line.includes('what is shared has changed'));
  await until('both to be told', FOLLOWED_SECONDS_MAX, () => anew().length >= 2 || undefined);
  assert.ok(anew().length === 2 && !anew().some((line) => line.includes(`"${folder}"`)), `${anew()}`);
});

test('W-16 sharing a path again replaces what was shared from it, and keeps what was said of it', async (t) => {
  const { node, folder } = await sharing(t);
  writeFileSync(join(folder, 'two'), 'two');
  const { infoHash } = await node.share(folder, { description: 'live' });
  const { row, torrent } = await whenSo(node, 'one row', () => true);
  assert.deepEqual([row?.infoHash, torrent?.infoHash], [infoHash, infoHash]);
  assert.deepEqual([row?.category, row?.description], ['music', 'live']);
});

test('what was withdrawn, paused or limited stays so, and what was removed is left alone', async (t) => {
  const { node, folder, place } = await sharing(t);
  const { infoHash } = await another(node, 'nothing', new Set());
  await node.say(infoHash, { type: 'withdraw' });
  await node.act(infoHash, { type: 'limit', up: 5000 });
  await node.act(infoHash, { type: 'pause' });
  writeFileSync(join(folder, 'two'), 'two');
  const changed = ({ torrent }: Followed): boolean => torrent !== undefined && torrent.infoHash !== infoHash;
  const { row, torrent } = await whenSo(
    node,
    'the change',
    (state) => changed(state) && state.torrent?.state === 'paused',
  );
  assert.deepEqual([row, torrent?.upBytesPerSecondMax], [undefined, 5000]);

  await node.act(torrent!.infoHash, { type: 'remove', withData: false });
  const other = join(place.root, 'other');
  writeFileSync(other, 'other');
  await node.share(other, {});
  writeFileSync(join(folder, 'three'), 'three');
  writeFileSync(other, 'another');
  const { torrent: last } = await whenSo(node, 'the other', ({ row: listed }) => listed?.size === 'another'.length);
  assert.equal(last?.name, 'other');
});

test('a change that cannot be shared is said with its reason until it can', async (t) => {
  const { node, folder } = await sharing(t);
  const before = await another(node, 'nothing', new Set());
  const path = Buffer.concat([Buffer.from(`${folder}/`), Buffer.of(0xff)]);
  writeFileSync(path, 'one');
  writeFileSync(join(folder, 'two'), 'two');
  const { torrent } = await whenSo(node, 'the reason', (state) => state.torrent?.stalledBecause !== null);
  assert.equal(torrent?.state, 'seeding');
  assert.match(torrent?.stalledBecause ?? '', /^what is there now is not shared yet: .* is not valid UTF-8/);
  rmSync(path);
  const after = await another(node, 'the rest', new Set([before.infoHash]));
  await whenSo(node, 'no reason', (state) => state.torrent?.stalledBecause === null);
  assert.equal(after.files, 2);
});
