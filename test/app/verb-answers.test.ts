// What verbs say where there is nothing to show or something is wrong, against a daemon in this process.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { BootstrapStatus, ListingAnswer, TorrentDetail } from '../../app/running-node.ts';
import { MonsoonError } from '../../src/base/index.ts';
import { FakeNode } from './fake-node.ts';
import { hostFakeNode, hostNode, placeFor, runHere } from './place.ts';

/** Lists nothing, though so many rows fit. */
class EmptyNode extends FakeNode {
  fitting = 0;
  override async list(): Promise<ListingAnswer> {
    return { rows: [], total: this.fitting };
  }
  override async info(what: string): Promise<TorrentDetail> {
    throw new MonsoonError('not-found', `no ${what}`);
  }
  override async addHosts(): Promise<readonly BootstrapStatus[]> {
    return [{ source: 'hosts', kind: 'told', state: 'silent', found: 0 }];
  }
}

test('an empty list says whether nothing is there, fits, is let through or is among the rows asked for', async (t) => {
  const place = placeFor(t);
  const { node } = await hostNode(t, place, new EmptyNode());
  const said = async (...words: string[]): Promise<string> => (await runHere(place, ['list', ...words])).data;
  assert.match(await said(), /^Nothing is listed yet\./);
  assert.match(await said('--offset', '100', '--exact'), /^Nothing is listed yet\./);
  assert.match(await said('--seeds', '1'), /^Nothing in the list fits\./);
  node.rules = ['name:a'];
  assert.match(await said(), /^Nothing is listed that your filter lets through\. "monsoon filter"/);
  node.fitting = 3;
  assert.match(await said('--limit', '0'), /^3 rows, none of them among those asked for\./);
  assert.equal(await said('--json'), '[]\n');
});

test('list takes the filters of search, and a wrong one leads to its own help', async (t) => {
  const place = placeFor(t);
  const { node } = await hostFakeNode(t, place);
  await runHere(place, ['list', '--cat', 'music', '--exact']);
  assert.deepEqual(node.asked, [['list', { category: 'music', isExact: true }]]);
  for (const [words, text] of [
    [['--limit', 'x'], 'limit is a whole number up to 1000. Run "monsoon list --help".'],
    [['musik'], 'Run "monsoon list --help".'],
    [['movie', '--cat', 'music'], 'Name one category.'],
  ] as const) {
    const { exitCode, notes } = await runHere(place, ['list', ...words]);
    assert.equal(exitCode, 2, words.join(' '));
    assert.ok(notes.includes(text), notes);
  }
});

test('hosts add names who did not answer, and refuses ports that cannot be', async (t) => {
  const place = placeFor(t);
  await hostNode(t, place, new EmptyNode());
  assert.equal((await runHere(place, ['hosts', 'add', '127.0.0.1:1'])).data, '127.0.0.1:1: nobody answered yet.\n');
  for (const wrong of ['bogus:99999', '127.0.0.1:0', 'no name']) {
    const { exitCode, notes } = await runHere(place, ['hosts', 'add', wrong]);
    assert.equal(exitCode, 2, wrong);
    assert.match(notes, /is no name or address; a port is 1 to 65535/);
  }
});

test('start says that options count only when a node starts', async (t) => {
  const place = placeFor(t);
  await hostFakeNode(t, place);
  const { exitCode, notes } = await runHere(place, ['start', '--role', 'client']);
  assert.equal(exitCode, 0);
  assert.match(notes, /^The options count only when a node starts\./);
});

test('share says what it leaves out, and which names others see changed', async (t) => {
  const place = placeFor(t);
  await hostFakeNode(t, place);
  writeFileSync(join(place.root, 'a'), 'a');
  const { data } = await runHere(place, ['share', 'a']);
  assert.match(data, /^Left out +1 link, 2 empty folders$/m);
  assert.match(data, /^Renamed +2 names that not every system can hold: "a:b" is "a_b" to others$/m);
  const [shared] = JSON.parse((await runHere(place, ['share', 'a', '--json'])).data);
  assert.deepEqual(shared.leftOut, { links: 1, emptyFolders: 2, others: 0 });
  assert.deepEqual(shared.renamed, { names: 2, example: ['a:b', 'a_b'] });
});

test('get of a file that is no torrent, or of a folder, says so', async (t) => {
  const place = placeFor(t);
  await hostFakeNode(t, place);
  writeFileSync(join(place.root, 'nowhere'), 'text');
  const { exitCode, notes } = await runHere(place, ['get', 'nowhere']);
  assert.equal(exitCode, 2);
  assert.match(notes, /nowhere is no \.torrent file by its name/);
});

test('an empty name and a cap out of range are wrong command lines', async (t) => {
  const place = placeFor(t);
  await hostFakeNode(t, place);
  for (const [words, text] of [
    [['info', ''], 'Name a torrent:'],
    [['pause', ''], 'Name a torrent:'],
    [['supernode', 'caps', '--bandwidth', '10'], '--bandwidth: expected '],
    [['supernode', 'caps', '--hashes', '0'], '--hashes: expected a whole number from '],
  ] as const) {
    const { exitCode, notes } = await runHere(place, words);
    assert.equal(exitCode, 2, words.join(' '));
    assert.ok(notes.includes(text), notes);
  }
});
