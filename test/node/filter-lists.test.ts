// Filter lists between real nodes: signed by one, kept by the owners of its key's place, obeyed by who subscribed.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { hex, infoHashBytes, type NodeId, wallSeconds } from '../../src/base/index.ts';
import { sha1 } from '../../src/io/hash.ts';
import { FILTER_LIST_BYTES_MAX, placeOfFilterList, sealFilterList } from '../../src/listing/index.ts';
import { until } from '../interop/until.ts';
import { randomContent, temporaryFolder } from '../io/loopback-node.ts';
import { newSigner } from '../listing/signer.ts';
import { type Running, running } from './running.ts';

const eventually = (what: string, isSo: () => Promise<boolean>): Promise<true> =>
  until(what, 60, async () => (await isSo()) || undefined);

function sharedFile(name: string): string {
  const file = join(temporaryFolder('shared'), name);
  writeFileSync(file, randomContent(5000));
  return file;
}

const namesAt = async ({ node }: Running): Promise<string[]> =>
  (await node.list({ sort: 'name' })).rows.map(({ name }) => name);

test('what a subscribed list denies is neither listed, tracked nor fetched, over restarts, until it is left', async (t) => {
  const supernode = await running(t);
  const bootstrap = [`127.0.0.1:${supernode.port}`];
  const author = await running(t, { role: 'client', bootstrap });
  const reader = await running(t, { role: 'client', bootstrap });
  const key = author.node.status().nodeId;
  const bad = await author.node.share(sharedFile('bad.bin'), {});
  const good = await author.node.share(sharedFile('good.bin'), {});
  await eventually('both rows', async () => (await namesAt(reader)).length === 2);
  assert.equal(
    (await reader.node.changeFilter({ subscribe: { author: key, takesOnly: false } })).lists[0]?.title,
    null,
  );
  await author.node.changeFilter({ publish: { title: 'Fakes', rules: `${bad.infoHash} # bad` } });
  await supernode.node.changeFilter({ subscribe: { author: key, takesOnly: false } });
  await eventually('the list at the reader', async () => reader.node.filter().lists[0]?.rules === 1);
  for (const node of [reader, supernode]) {
    await eventually('the row to be gone', async () => (await namesAt(node)).join() === good.name);
  }
  await assert.rejects(reader.node.get(bad.infoHash, undefined), {
    code: 'refused',
    message: new RegExp(`"Fakes" denies that .*filter unsubscribe ${key}`),
  });
  const query = `info_hash=${bad.infoHash.replace(/../g, '%$&')}&port=9999&left=1`;
  const announce = await fetch(`http://127.0.0.1:${supernode.port}/announce?${query}`);
  assert.match(await announce.text(), /failure reason/);
  await reader.node.stop();
  await supernode.node.stop();
  const again = await running(t, { role: 'client' }, reader.place);
  assert.deepEqual(await namesAt(again), [good.name], 'it holds before anybody was asked');
  await assert.rejects(again.node.get(bad.infoHash, undefined), { code: 'refused' });
  assert.equal(again.node.filterList(key).text, `${bad.infoHash} # bad`);
});

test('a name that only the metadata tells is obeyed when that comes', async (t) => {
  const sharer = await running(t);
  const reader = await running(t, { role: 'client', bootstrap: [`127.0.0.1:${sharer.port}`] });
  const { infoHash } = await sharer.node.share(sharedFile('evil twin.bin'), {});
  await reader.node.changeFilter({ add: ['name:evil'] });
  await reader.node.get(`magnet:?xt=urn:btih:${infoHash}`, undefined);
  const row = () => reader.node.torrents()[0];
  await eventually('the download to be refused', async () => row()?.state === 'failed');
  assert.match(row()?.stalledBecause ?? '', /Your filter denies that \(name:evil\)/);
  await reader.node.changeFilter({ remove: ['name:evil'] });
  await reader.node.get(infoHash, undefined);
  await eventually('the download to be complete', async () => row()?.state === 'seeding');
});

test('changes that are made at once all count, here and on disk', async (t) => {
  const { node, place } = await running(t, { role: 'client' });
  const rules = ['name:one', 'name:two', 'name:three'];
  const authors = [newSigner(), newSigner()];
  await Promise.all([
    ...rules.map((rule) => node.changeFilter({ add: [rule] })),
    ...authors.map(({ nodeId: author }) => node.changeFilter({ subscribe: { author, takesOnly: false } })),
    ...['a', 'b'].map((title) => node.changeFilter({ publish: { title, rules: 'name:x' } })),
  ]);
  await node.stop();
  const again = (await running(t, { role: 'client' }, place)).node.filter();
  assert.deepEqual(again.rules.toSorted(), rules.toSorted());
  assert.deepEqual(
    again.lists.map(({ author }) => author),
    authors.map(({ nodeId }) => nodeId),
  );
  assert.equal(again.own?.title, 'b');
});

test('a list that is left lets back in what it denied, and a newer version counts at once where it is published', async (t) => {
  const supernode = await running(t);
  const reader = await running(t, { role: 'client', bootstrap: [`127.0.0.1:${supernode.port}`] });
  const shared = await supernode.node.share(sharedFile('row.bin'), {});
  await eventually('the row', async () => (await namesAt(reader)).length === 1);
  const author = supernode.node.status().nodeId;
  await supernode.node.changeFilter({ publish: { title: 'One', rules: 'name:row' } });
  const { lists } = await reader.node.changeFilter({ subscribe: { author, takesOnly: false } });
  assert.deepEqual([lists[0]?.title, lists[0]?.rules], ['One', 1], 'a list that is there is found at once');
  assert.deepEqual(await namesAt(reader), []);
  await reader.node.changeFilter({ unsubscribe: author });
  await eventually('the row again', async () => (await namesAt(reader)).includes(shared.name));
  await assert.rejects(reader.node.changeFilter({ unsubscribe: author }), { code: 'not-found' });
  await supernode.node.changeFilter({ publish: { title: 'Two', rules: `only:${'ab'.repeat(32)}` } });
  const only = await reader.node.changeFilter({ subscribe: { author, takesOnly: true } });
  assert.equal(only.lists[0]?.title, 'Two');
  assert.deepEqual(await namesAt(reader), [], 'only the publishers that it names');
  await reader.node.changeFilter({ subscribe: { author, takesOnly: false } });
  assert.deepEqual(await namesAt(reader), [shared.name]);
});

test('a supernode keeps lists by signature, sequence and place, within its bounds', async (t) => {
  const supernode = await running(t);
  const { node } = supernode;
  const at = `http://127.0.0.1:${supernode.port}/filter-lists`;
  const signer = newSigner();
  const seconds = wallSeconds(Math.floor(Date.now() / 1000));
  const sealed = (sequence: number, rules = 'name:x', author: NodeId = signer.nodeId): Uint8Array<ArrayBuffer> =>
    sealFilterList({ author, title: 'T', sequence, published: seconds, rules }, signer.sign)!;
  const post = async (body: Uint8Array<ArrayBuffer>): Promise<number> =>
    (await fetch(at, { method: 'POST', body })).status;
  const get = async (from: string): Promise<[number, string]> => {
    const reply = await fetch(`${at}/${signer.nodeId}?from=${from}`);
    return [reply.status, hex(new Uint8Array(await reply.arrayBuffer()))];
  };
  assert.equal((await get('0'))[0], 404);
  assert.equal(await post(sealed(5)), 200);
  assert.deepEqual(await get('0'), [200, hex(sealed(5))]);
  assert.deepEqual(await get('5'), [204, '']);
  assert.equal((await get('6'))[0], 404);
  assert.equal(await post(sealed(4, 'name:older')), 200);
  assert.deepEqual(await get('4'), [200, hex(sealed(5))], 'nothing goes back');
  assert.equal(await post(sealed(6, 'name:x', newSigner().nodeId)), 400, 'somebody else signed it');
  assert.equal(await post(new Uint8Array(FILTER_LIST_BYTES_MAX + 1)), 413);
  assert.equal(await post(Uint8Array.of(1, 2, 3)), 400);
  assert.equal((await get('x'))[0], 400);
  assert.equal((await fetch(`${at}/abc`)).status, 400);
  // A reader believes the signature alone, whoever keeps the list.
  const begun = Date.now();
  const [list] = (await node.changeFilter({ subscribe: { author: signer.nodeId, takesOnly: false } })).lists;
  assert.equal(list?.sequence, 5);
  assert.ok(list.checkedAgeSeconds !== null, 'it was asked for');
  assert.ok(list.checkedAgeSeconds <= Math.ceil((Date.now() - begun) / 1000), 'just now');
  assert.equal(infoHashBytes(placeOfFilterList(signer.nodeId, sha1)).length, 20);
});

test('a download that a list denies stands still, and goes on only once it is let in again', async (t) => {
  const { node } = await running(t);
  const infoHash = 'ab'.repeat(20);
  await node.get(`magnet:?xt=urn:btih:${infoHash}&dn=something`, undefined);
  const state = (): string | undefined => node.torrents()[0]?.state;
  assert.notEqual(state(), 'paused');
  const author = node.status().nodeId;
  await node.changeFilter({ publish: { title: 'Fakes', rules: infoHash }, subscribe: { author, takesOnly: false } });
  await eventually('it to stand still', async () => state() === 'paused');
  await assert.rejects(node.act(infoHash, { type: 'resume' }), { code: 'refused', message: /"Fakes" denies that/ });
  await node.changeFilter({ unsubscribe: author });
  await node.act(infoHash, { type: 'resume' });
  assert.notEqual(state(), 'paused');
});
