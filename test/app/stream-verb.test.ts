// `monsoon stream` against a daemon in this process: which file, where it goes, and what is said where it cannot.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { FileRow, TorrentDetail, TorrentRow } from '../../app/running-node.ts';
import type { OpenFile } from '../../app/streamed-file.ts';
import { MonsoonError } from '../../src/base/index.ts';
import { FakeNode, INFO_HASH } from './fake-node.ts';
import { hostFakeNode, hostNode, type Place, placeFor, runHere } from './place.ts';

const fileOf = (index: number, path: string, size: number): FileRow => ({
  ...{ index, path, size, priority: 'normal', progress: 0 },
});

/** A torrent of several files. */
class SeasonNode extends FakeNode {
  rows: readonly FileRow[] = [
    fileOf(0, 'Flood/cover.jpg', 9_000_000),
    fileOf(1, 'Flood/Flood.S01E01.mkv', 500),
    fileOf(3, 'Flood/Flood.S01E02.mkv', 700),
    fileOf(4, 'Flood/theme.MP3', 100),
  ];
  isHere = true;
  override torrents(): readonly TorrentRow[] {
    return this.isHere ? super.torrents() : [];
  }
  override async get(what: string, directory: string | undefined): Promise<TorrentRow> {
    this.isHere = true;
    return super.get(what, directory);
  }
  override async info(what: string): Promise<TorrentDetail> {
    return { ...(await super.info(what)), fileList: this.rows };
  }
}

/** A program of that name that notes what it was given, and ends with that code. */
function player(place: Place, name: string, code: number): { readonly place: Place; readonly heard: () => string } {
  const folder = join(place.root, 'bin');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), `#!/bin/sh\necho "$@" > "${folder}/heard"\nexit ${code}\n`, { mode: 0o755 });
  const environment = { ...place.environment, PATH: `${folder}:${place.environment.PATH}` };
  return { place: { ...place, environment }, heard: () => readFileSync(join(folder, 'heard'), 'utf8').trim() };
}

test('W-42 stream prints an address at which any player reads the file', async (t) => {
  const place = placeFor(t);
  const { node } = await hostFakeNode(t, place);
  const { exitCode, data, notes } = await runHere(place, ['stream', INFO_HASH]);
  assert.deepEqual([exitCode, notes], [0, '']);
  assert.match(data, /^http:\/\/127\.0\.0\.1:\d+\/stream\/[0-9a-f]{40}\/[0-9a-f]{32}\/1\/read%20me\.txt\n$/);
  assert.equal(await (await fetch(data.trim())).text(), 'hello, world');
  const { data: json } = await runHere(place, ['stream', INFO_HASH, '1', '--json']);
  const { name } = node.row;
  const said = { infoHash: INFO_HASH, name, file: 'Flood/read me.txt', index: 1, size: 12, url: data.trim() };
  assert.deepEqual(JSON.parse(json), said);
  assert.deepEqual(node.asked[0], ['get', INFO_HASH, undefined]);
});

test('stream --stdout writes the file and nothing else', async (t) => {
  const place = placeFor(t);
  await hostFakeNode(t, place);
  const { exitCode, data, notes } = await runHere(place, ['stream', INFO_HASH, 'READ', '--stdout']);
  assert.deepEqual([exitCode, data, notes], [0, 'hello, world', 'Streaming Flood/read me.txt, 12 B\n']);
});

test('of a torrent that stream brings only the file that plays is fetched, and one that is here stays as it is', async (t) => {
  const place = placeFor(t);
  const { node } = await hostNode(t, place, new SeasonNode());
  const choices = (): unknown[] => node.asked.filter(([deed]) => deed === 'choose');
  assert.equal((await runHere(place, ['stream', INFO_HASH])).notes, '');
  assert.deepEqual(choices(), []);
  node.isHere = false;
  const { exitCode, notes, data } = await runHere(place, ['stream', INFO_HASH]);
  assert.deepEqual([exitCode, data.endsWith('/3/Flood.S01E02.mkv\n')], [0, true]);
  assert.deepEqual(choices(), [['choose', INFO_HASH, { only: ['3'] }]]);
  assert.equal(notes, `Of 4 files only this one is fetched; "monsoon files ${INFO_HASH} --normal '*'" fetches all.\n`);
  node.isHere = false;
  node.rows = node.rows.slice(0, 1);
  assert.equal((await runHere(place, ['stream', INFO_HASH])).notes, '');
  assert.equal(choices().length, 1, 'of one file there is no choice');
  node.isHere = false;
  assert.equal((await runHere(place, ['stream', INFO_HASH, 'no such'])).exitCode, 3);
  assert.deepEqual(choices()[1], ['choose', INFO_HASH, { skip: ['*'] }], 'who is told to name another waits for none');
});

test('a torrent that stream brings and that is given up before its files are known is removed, and no other', async (t) => {
  const place = placeFor(t);
  const { node } = await hostNode(t, place, new SeasonNode());
  node.rows = [];
  node.row = { ...node.row, state: 'metadata', size: 0 };
  const giveUp = async (): Promise<string> => {
    const interrupt = new AbortController();
    const options = { isTty: true, columns: 80, interrupt: interrupt.signal, onNote: () => interrupt.abort() };
    const { exitCode, notes } = await runHere(place, ['stream', INFO_HASH], options);
    assert.equal(exitCode, 130);
    return notes;
  };
  const acts = (): unknown[] => node.asked.filter(([deed]) => deed === 'act');
  assert.doesNotMatch(await giveUp(), /no longer/);
  assert.deepEqual(acts(), []);
  node.isHere = false;
  assert.match(await giveUp(), /Nothing of it was known yet, and it is no longer looked for\.\nInterrupted/);
  assert.deepEqual(acts(), [['act', INFO_HASH, { type: 'remove', withData: false }]]);
});

test('stream takes the file that is named, or the largest that plays', async (t) => {
  const place = placeFor(t);
  const { node } = await hostNode(t, place, new SeasonNode());
  const chosen = async (...words: string[]): Promise<number> =>
    JSON.parse((await runHere(place, ['stream', INFO_HASH, ...words, '--json'])).data).index;
  assert.equal(await chosen(), 3);
  assert.equal(await chosen('0'), 0);
  assert.equal(await chosen('s01e01'), 1);
  assert.equal(await chosen('Flood/theme.MP3'), 4);
  assert.equal(await chosen('*.mp3'), 4, 'as a rule for get and files says it');
  const wrong: [string[], number, RegExp][] = [
    [['99'], 3, /No file of .* is called "99"; "monsoon files 0123456789abcdef\w+" shows them/],
    [['episode'], 3, /is called "episode"/],
    [['s01'], 2, /"s01" is not unique:\n1 {2}Flood\/Flood\.S01E01\.mkv\n3 {2}.*\nUse an index/],
  ];
  for (const [words, code, text] of wrong) {
    const { exitCode, notes, data } = await runHere(place, ['stream', INFO_HASH, ...words, '--json']);
    assert.deepEqual([exitCode, data], [code, ''], notes);
    assert.match(notes, text);
  }
  node.rows = node.rows.slice(0, 1);
  assert.equal(await chosen(), 0, 'of one file there is no choice');
  node.rows = [fileOf(0, 'a.iso', 5), fileOf(1, 'b', 6)];
  const { exitCode, notes } = await runHere(place, ['stream', INFO_HASH]);
  assert.equal(exitCode, 3);
  assert.match(notes, /looks as if it could be played\. Name one; "monsoon files/);
});

test('stream starts a player, says what it plays, and takes over how it ended', {
  skip: process.platform === 'win32',
}, async (t) => {
  const place = placeFor(t);
  await hostFakeNode(t, place);
  for (const [name, code, expected] of [
    ['vlc', 0, 0],
    ['mpv', 3, 1],
  ] as const) {
    const { place: equipped, heard } = player(place, name, code);
    const { exitCode, data, notes } = await runHere(equipped, ['stream', INFO_HASH, `--${name}`, '--json']);
    assert.equal(exitCode, expected);
    assert.equal(heard(), JSON.parse(data).url);
    if (code !== 0) assert.match(notes, /mpv ended with 3/);
  }
  const bare = { ...place, environment: { ...place.environment, PATH: place.root } };
  const { exitCode, data, notes } = await runHere(bare, ['stream', INFO_HASH, '--vlc']);
  assert.deepEqual([exitCode, data], [3, '']);
  assert.match(notes, /vlc is not installed, or not on the path\. Install it, or open .*\nhttp:\/\/127\.0\.0\.1:/);
});

test('stream refuses two places at once, and what is not there', async (t) => {
  const place = placeFor(t);
  await hostFakeNode(t, place);
  for (const [words, code, text] of [
    [[INFO_HASH, '--vlc', '--mpv'], 2, /Choose one of --vlc, --mpv/],
    [[INFO_HASH, '--stdout', '--json'], 2, /Leave one of them out/],
    [['nowhere'], 3, /monsoon list/],
    [['./none.torrent'], 3, /There is no file/],
    [[], 2, /missing required argument/],
  ] as const) {
    const { exitCode, notes } = await runHere(place, ['stream', ...words]);
    assert.equal(exitCode, code, notes);
    assert.match(notes, text);
  }
});

test('stream of a torrent that failed, or that is removed on the way, exits with what happened', async (t) => {
  const place = placeFor(t);
  class GoneNode extends FakeNode {
    override open(): OpenFile {
      const parts = [new Uint8Array(5).fill(46)];
      const next = async (): Promise<Uint8Array | undefined> => {
        const part = parts.pop();
        if (part) return part;
        this.row = { ...this.row, infoHash: '9'.repeat(40) as typeof INFO_HASH };
        throw new MonsoonError('not-found', 'gone');
      };
      return { path: 'a.txt', size: 12, read: () => ({ next, close: () => undefined }) };
    }
  }
  const { node } = await hostNode(t, place, new GoneNode());
  const gone = await runHere(place, ['stream', INFO_HASH, '--stdout']);
  assert.equal(gone.exitCode, 3);
  assert.ok(gone.data.length < 12);
  assert.match(gone.notes, /This node has no torrent .* Run "monsoon ps"/);
  node.row = { ...node.row, infoHash: INFO_HASH, state: 'failed', stalledBecause: 'the disk is full' };
  const failed = await runHere(place, ['stream', INFO_HASH]);
  assert.equal(failed.exitCode, 1);
  assert.match(failed.notes, /the disk is full\. Run "monsoon info/);
});
