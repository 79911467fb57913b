// Entries between real nodes: published, edited, withdrawn, denied; what curl sees of them; who keeps them.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { isFault } from '../../src/base/index.ts';
import { parseCounts, parseListingPage } from '../../src/listing/index.ts';
import { until } from '../interop/until.ts';
import { randomContent, temporaryFolder } from '../io/loopback-node.ts';
import type { Running } from './running.ts';
import { running } from './running.ts';

const eventually = (what: string, isSo: () => Promise<boolean>): Promise<true> =>
  until(what, 60, async () => (await isSo()) || undefined);

function sharedFile(name: string): string {
  const file = join(temporaryFolder('shared'), name);
  writeFileSync(file, randomContent(5000));
  return file;
}

async function three(t: TestContext): Promise<{ supernode: Running; publisher: Running; reader: Running }> {
  const supernode = await running(t);
  const bootstrap = [`127.0.0.1:${supernode.port}`];
  const publisher = await running(t, { role: 'client', bootstrap });
  const reader = await running(t, { role: 'client', bootstrap });
  return { supernode, publisher, reader };
}

test('C-06 N-13 an entry is published, edited and withdrawn, and every list follows', async (t) => {
  const { supernode, publisher, reader } = await three(t);
  const { infoHash, name } = await publisher.node.share(sharedFile('Silicon Valley.mkv'), {
    category: 'movie',
    description: 'one',
  });
  const rowAt = async ({ node }: Running) => (await node.list({ text: infoHash })).rows[0];
  await eventually('the row at the reader', async () => (await rowAt(reader))?.description === 'one');
  const row = await rowAt(reader);
  assert.deepEqual([row?.name, row?.size, row?.files, row?.verified], [name, 5000, 1, true]);
  await eventually('a count of the owner', async () => (await rowAt(reader))?.seeders === 1);
  assert.equal((await rowAt(reader))?.countsFrom, supernode.node.status().nodeId);
  await publisher.node.say(infoHash, { type: 'edit', claims: { description: 'two', tags: ['tv'] } });
  await eventually('the edit at the reader', async () => (await rowAt(reader))?.description === 'two');
  assert.deepEqual([(await rowAt(reader))?.category, (await rowAt(reader))?.tags], ['movie', ['tv']]);
  await publisher.node.say(infoHash, { type: 'withdraw' });
  await eventually('the row to be gone', async () => (await rowAt(reader)) === undefined);
  await eventually('the row to be gone at the owner', async () => (await rowAt(supernode)) === undefined);
  await assert.rejects(publisher.node.say(infoHash, { type: 'edit', claims: { description: 'x' } }), {
    code: 'not-found',
  });
  await assert.rejects(reader.node.say(infoHash, { type: 'withdraw' }), { code: 'not-found' }, 'only its publisher');
  await publisher.node.say(infoHash, { type: 'publish', claims: { category: 'movie' } });
  await eventually('the row to be back', async () => (await rowAt(reader)) !== undefined);
});

test('N-19 G-02 pages, counts and metadata of a supernode are plain HTTP, compressed where that is asked for', async (t) => {
  const supernode = await running(t);
  for (let i = 0; i < 8; i++)
    await supernode.node.share(sharedFile(`file ${i}.bin`), { description: 'words '.repeat(20) });
  const [row] = (await supernode.node.list({})).rows;
  const at = `http://127.0.0.1:${supernode.port}`;
  const plain = await fetch(`${at}/listing?scope=own&since=`, { headers: { 'accept-encoding': 'identity' } });
  const page = parseListingPage(new Uint8Array(await plain.arrayBuffer()));
  assert.ok(!isFault(page) && page.items.length === 8 && !page.more);
  const first = await fetch(`${at}/listing?first=1`, { headers: { 'accept-encoding': 'identity' } });
  const best = parseListingPage(new Uint8Array(await first.arrayBuffer()));
  assert.ok(!isFault(best) && best.items.length === 8);
  const within = async (arcs: string): Promise<number> => {
    const reply = await fetch(`${at}/listing?arcs=${arcs}`, { headers: { 'accept-encoding': 'identity' } });
    const part = parseListingPage(new Uint8Array(await reply.arrayBuffer()));
    return isFault(part) ? reply.status : part.items.length;
  };
  const start = row!.infoHash.slice(0, 12);
  const lower = (Number.parseInt(start, 16) - 1).toString(16).padStart(12, '0');
  assert.deepEqual([await within(`${lower}-${start}`), await within(`${start}-${lower}`)], [1, 8]);
  assert.equal(await within('0-1'), 400);
  const { request } = await import('node:http');
  const zipped = await new Promise<Buffer>((resolve, reject) => {
    request(`${at}/listing`, { headers: { 'accept-encoding': 'gzip' } }, async (reply) => {
      assert.equal(reply.headers['content-encoding'], 'gzip');
      resolve(Buffer.concat(await reply.toArray()));
    })
      .on('error', reject)
      .end();
  });
  assert.ok(!isFault(parseListingPage(gunzipSync(zipped))));
  const counts = await fetch(`${at}/counts?hashes=${row!.infoHash}`);
  assert.deepEqual(parseCounts(new Uint8Array(await counts.arrayBuffer()), [row!.infoHash]), [
    [row!.infoHash, { seeders: 1, leechers: 0, completions: 0 }],
  ]);
  assert.equal((await fetch(`${at}/counts?hashes=xyz`)).status, 400);
  assert.equal((await fetch(`${at}/metadata/${row!.infoHash}`)).status, 200);
});

test('what is denied is not listed, taken, tracked or fetched', async (t) => {
  const { supernode, publisher, reader } = await three(t);
  const bad = await publisher.node.share(sharedFile('bad thing.bin'), {});
  const good = await publisher.node.share(sharedFile('good.bin'), {});
  const names = async ({ node }: Running) => (await node.list({ sort: 'name' })).rows.map(({ name }) => name);
  await eventually('both rows', async () => (await names(reader)).length === 2);
  await reader.node.changeFilter({ add: ['name:bad*thing', bad.infoHash] });
  assert.deepEqual(await names(reader), [good.name]);
  await assert.rejects(reader.node.get(bad.infoHash, undefined), { code: 'refused', message: /filter remove/ });
  await supernode.node.changeFilter({ add: [good.infoHash] });
  assert.deepEqual(await names(supernode), [bad.name]);
  const query = `info_hash=${good.infoHash.replace(/../g, '%$&')}&port=9999&left=1`;
  const announce = await fetch(`http://127.0.0.1:${supernode.port}/announce?${query}`);
  assert.match(await announce.text(), /failure reason/);
  await assert.rejects(reader.node.changeFilter({ add: ['no rule'] }), { code: 'usage' });
  await reader.node.changeFilter({ remove: ['name:bad*thing', bad.infoHash] });
  const again = await running(t, { role: 'client', bootstrap: [`127.0.0.1:${supernode.port}`] });
  await eventually('the row at a new node', async () => (await names(again)).includes(bad.name));
});

test('W-37 who takes a range over has its entries and metadata, though publisher and former owner are gone', async (t) => {
  const first = await running(t);
  const publisher = await running(t, { role: 'client', bootstrap: [`127.0.0.1:${first.port}`] });
  const shared = await publisher.node.share(sharedFile('orphan.bin'), { description: 'left behind' });
  await publisher.node.stop();
  const second = await running(t, { role: 'supernode', bootstrap: [`127.0.0.1:${first.port}`] });
  await eventually('the second supernode', async () => second.node.status().role === 'supernode');
  const metadata = async (): Promise<number> =>
    (await fetch(`http://127.0.0.1:${second.port}/metadata/${shared.infoHash}`)).status;
  await eventually('its metadata', async () => (await metadata()) === 200);
  await first.node.stop();
  const reader = await running(t, { role: 'client', bootstrap: [`127.0.0.1:${second.port}`] });
  const row = async () => (await reader.node.list({ text: 'orphan' })).rows[0];
  await eventually('the row at a new node', async () => (await row()) !== undefined);
  assert.deepEqual([(await row())?.description, (await row())?.verified], ['left behind', true]);
});

test('N-15 M-01 P-12 eight nodes, three of them supernodes, come to one listing of what each has', async (t) => {
  const first = await running(t);
  const bootstrap = [`127.0.0.1:${first.port}`];
  const others = await Promise.all(
    Array.from({ length: 7 }, (_, i) => running(t, { role: i < 2 ? 'supernode' : 'client', bootstrap })),
  );
  const nodes = [first, ...others];
  await Promise.all(nodes.map(({ node }, i) => node.share(sharedFile(`part ${i}.bin`), { category: 'misc' })));
  const expected = nodes.map((_, i) => `part ${i}.bin`);
  for (const { node } of nodes) {
    await eventually('the whole listing', async () => (await node.list({})).total === nodes.length);
    assert.deepEqual(
      (await node.list({ sort: 'name' })).rows.map(({ name }) => name),
      expected,
    );
  }
});

test('N-13 each of an owner set is asked for its counts, and who made a completion up is not counted', async (t) => {
  const first = await running(t);
  const bootstrap = [`127.0.0.1:${first.port}`];
  const others = await Promise.all([1, 2].map(() => running(t, { role: 'supernode', bootstrap })));
  await eventually('three supernodes', async () => first.node.supernodes().length === 3);
  const reader = await running(t, { role: 'client', bootstrap });
  const { infoHash } = await first.node.share(sharedFile('counted.bin'), {});
  const keepers = [first, ...others].map(({ node }) => node.status().nodeId);
  const query = `info_hash=${infoHash.replace(/../g, '%$&')}`;
  const announce = async (port: number, rest: string): Promise<void> => {
    // Whoever owns it; the others redirect there.
    const reply = await fetch(`http://127.0.0.1:${first.port}/announce?${query}&port=${port}&${rest}`);
    assert.equal(reply.status, 200);
  };
  await announce(20_001, 'left=5&event=started');
  await announce(20_001, 'left=0&event=completed');
  for (let port = 20_002; port < 20_052; port++) await announce(port, 'left=0&event=completed');
  const shown = async () => {
    const { counts, listing } = await reader.node.info(infoHash).catch(() => ({ counts: [], listing: null }));
    return counts.length === 3 && listing?.completions === 1 ? counts : undefined;
  };
  const counts = await until('three counts', 60, shown);
  assert.deepEqual(counts.map(({ source }) => source).toSorted(), keepers.toSorted());
  assert.ok(counts.every((each) => each.class === 'claimed'));
  for (const { node } of [first, ...others]) {
    const self = node.status().nodeId;
    const isOwner = (await node.placement(infoHash)).owner === self;
    const own = await until('its own count', 60, async () =>
      (await node.info(infoHash)).counts.find(({ source }) => source === self),
    );
    assert.equal(own.class, isOwner ? 'tracked' : 'claimed');
  }
});
