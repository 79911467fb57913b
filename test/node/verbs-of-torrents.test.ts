// What a user means by a name or a part of a hash, and where a download may go, at a real node.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TorrentDetail, TorrentRow } from '../../app/running-node.ts';
import { hostNode, runHere } from '../app/place.ts';
import { until } from '../interop/until.ts';
import { running } from './running.ts';

test('get of what is here says where it is instead of ignoring another folder', async (t) => {
  const { node, place } = await running(t, { lan: false });
  const infoHash = 'ab'.repeat(20);
  const first = join(place.root, 'first');
  await node.get(infoHash, first);
  await assert.rejects(node.get(infoHash, join(place.root, 'second')), {
    code: 'refused',
    message: `${infoHash} is here already, in ${first}. "monsoon move ${infoHash} DIR" moves it.`,
  });
  assert.ok(!existsSync(join(place.root, 'second')));
  symlinkSync(first, join(place.root, 'link'));
  for (const same of [undefined, first, `${first}/`, join(place.root, 'link')]) {
    assert.equal((await node.get(infoHash, same)).infoHash, infoHash);
  }
});

test('get refuses a folder that cannot be made or written, and adds nothing', async (t) => {
  const { node, place } = await running(t, { lan: false });
  const file = join(place.root, 'file');
  writeFileSync(file, 'no folder');
  symlinkSync(join(place.root, 'nowhere'), join(place.root, 'dangling'));
  for (const directory of [file, join(file, 'below'), join(place.root, 'dangling')]) {
    const message = new RegExp(`^Nothing can be written to ${directory}: .*\\. Choose another folder with -o\\.$`);
    await assert.rejects(node.get('ab'.repeat(20), directory), { code: 'disk', message });
  }
  if (process.platform === 'linux') {
    await assert.rejects(node.get('ab'.repeat(20), '/proc/foo'), /^MonsoonError: Nothing can be written/);
  }
  assert.deepEqual(node.torrents(), []);
});

test('names of torrents that are here but not listed are understood by every verb', async (t) => {
  const { node, place } = await running(t, { lan: false });
  mkdirSync(join(place.root, 'songs'));
  writeFileSync(join(place.root, 'songs', 'one'), 'one');
  const { infoHash } = await node.share(join(place.root, 'songs'), {});
  const { name, listing } = await node.say('songs', { type: 'withdraw' });
  assert.deepEqual([name, listing], ['songs', null]);
  await assert.rejects(node.say('songs', { type: 'edit', claims: {} }), { code: 'not-found', message: /of its own/ });
  assert.equal((await node.info('songs')).infoHash, infoHash);
  assert.equal((await node.get('songs', undefined)).infoHash, infoHash);
  assert.equal((await node.say('songs', { type: 'publish', claims: {} })).listing?.infoHash, infoHash);
});

test('the short forms that a list prints are understood as filter rules where they are unique', async (t) => {
  const { node, place } = await running(t, { lan: false });
  writeFileSync(join(place.root, 'one'), 'one');
  writeFileSync(join(place.root, 'two'), 'two');
  const { infoHash } = await node.share(join(place.root, 'one'), {});
  await node.share(join(place.root, 'two'), {});
  const { nodeId } = node.status();
  const { rules } = await node.changeFilter({ add: [infoHash.slice(0, 8), `by:${nodeId.slice(0, 8)}`] });
  assert.deepEqual(rules, [infoHash, `by:${nodeId}`]);
  const unknown = infoHash.startsWith('0000') ? '1111' : '0000';
  for (const [rule, digits] of [
    [unknown.repeat(2), 40],
    [`only:${nodeId.startsWith(unknown) ? '2222' : unknown}`, 64],
  ] as const) {
    await assert.rejects(node.changeFilter({ add: [rule] }), {
      code: 'usage',
      message: new RegExp(`${digits} digits`),
    });
  }
  assert.equal(node.filter().total, 2);
});

test('get says that addresses are not fetched', async (t) => {
  const { node } = await running(t, { lan: false });
  const message = /^Addresses are not fetched\./;
  await assert.rejects(node.get('http://a.example/x.torrent', undefined), { code: 'usage', message });
  await assert.rejects(node.get('nowhere.torrent', undefined), {
    code: 'not-found',
    message: /Nothing listed or here/,
  });
});

test('four digits of a hash are enough where they are unique, and every verb says when they are not', async (t) => {
  const { node } = await running(t, { lan: false });
  await node.get(`abcd${'1'.repeat(36)}`, undefined);
  await node.get(`abcd${'2'.repeat(36)}`, undefined);
  await node.get(`cafe${'3'.repeat(36)}`, undefined);
  for (const ask of [
    (what: string) => node.info(what),
    (what: string) => node.act(what, { type: 'pause' }),
    (what: string) => node.files(what),
    (what: string) => node.get(what, undefined),
  ]) {
    await ask('CAFE');
    await assert.rejects(ask('abcd'), { code: 'usage', message: /^"abcd" is not unique:\nabcd1+ .*\nabcd2+ / });
    await assert.rejects(ask('caf'), { code: 'not-found' });
  }
});

test('ps and info say within 15 s why each torrent stands still, as text and as JSON', async (t) => {
  const { node, place } = await running(t, { role: 'client', lan: false, downloadsMax: 1 });
  await hostNode(t, place, node);
  const magnet = (digit: string): string =>
    `magnet:?xt=urn:btih:${digit.repeat(40)}&dn=${digit}&tr=http://127.0.0.1:1/announce`;
  const asked = performance.now();
  const [first, second] = [await node.get(magnet('a'), undefined), await node.get(magnet('b'), undefined)];
  const reasonOf = async ({ infoHash }: TorrentRow): Promise<string> => {
    const { data } = await runHere(place, ['ps', '--json']);
    return (JSON.parse(data) as TorrentRow[]).find((row) => row.infoHash === infoHash)!.stalledBecause ?? '';
  };
  for (const [row, says] of [
    [first, /^no tracker answers: .*127\.0\.0\.1/],
    [second, /^waits in the queue: one download runs at a time/],
  ] as const) {
    await until(`${says}`, 15, async () => says.test(await reasonOf(row)) || undefined);
    const reason = await reasonOf(row);
    const detail: TorrentDetail = JSON.parse((await runHere(place, ['info', row.infoHash, '--json'])).data);
    assert.equal(detail.torrent?.stalledBecause, reason);
    const [table, facts] = [await runHere(place, ['ps']), await runHere(place, ['info', row.infoHash])];
    const line = table.data.split('\n').find((text) => text.startsWith(row.infoHash.slice(0, 8)));
    assert.ok(line?.includes(reason), table.data);
    assert.match(facts.data, new RegExp(`^Here .*: ${RegExp.escape(reason)}$`, 'm'));
  }
  assert.ok(performance.now() - asked < 15_000);
});
