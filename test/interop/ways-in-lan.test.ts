// The local network as the only way in: nodes with no address, name or cache, as their users start them, with nothing
// said but what a default node says.
import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { isInstalled, requireOrSkip } from '../require.ts';
import { type Monsoon, type MonsoonSettings, startMonsoon } from './clients/monsoon.ts';
import { type Host, inNamespace } from './network.ts';
import { run } from './program.ts';
import { ringOf } from './supernodes.ts';
import { hasWhatItTakes, TestBed } from './test-bed.ts';
import { until } from './until.ts';

const CANDIDATES = 10;
const MEET_SECONDS_MAX = 90;
const LISTING_SECONDS_MAX = 90;
const NEWS_SECONDS_MAX = 2;
/** A change is found and at rest within a second and a half; the rest is a slow machine's. */
const CHANGE_SECONDS_MAX = 20;
/** Nothing but what a user has who types `monsoon start`. */
const AS_USERS_START_IT = { isNeighbourly: true, role: 'auto', flags: ['--bind', '::', '--no-allow-local'] } as const;

const startOn = async (bed: TestBed, settings: MonsoonSettings = AS_USERS_START_IT): Promise<Monsoon> =>
  startMonsoon(await bed.place('neighbour'), settings);

/** Resolves when each of these nodes knows a supernode, and all that serve see one ring, of none but these nodes. */
async function whenOne(nodes: readonly Monsoon[], seconds = MEET_SECONDS_MAX): Promise<void> {
  let last: unknown;
  await until(
    `${nodes.length} neighbours to be one network`,
    seconds,
    async () => {
      const statuses = await Promise.all(nodes.map((node) => node.status()));
      const rings = await Promise.all(nodes.map(ringOf));
      const serving = statuses.flatMap(({ role, nodeId }) => (role === 'supernode' ? [nodeId] : []));
      const known = (await Promise.all(nodes.map((node) => node.supernodes()))).map((rows) =>
        rows.map(({ nodeId }) => nodeId),
      );
      last = { serving, known: known.map((ids) => ids.length) };
      const serversRings = new Set(rings.filter((_, i) => statuses[i]!.role === 'supernode'));
      const isKnown = known.every((ids) => ids.length > 0 && ids.every((nodeId) => serving.includes(nodeId)));
      return (serving.length > 0 && serversRings.size === 1 && isKnown) || undefined;
    },
    () => JSON.stringify(last),
    250,
  );
}

async function whenListed(nodes: readonly Monsoon[], infoHashes: readonly string[]): Promise<void> {
  await until('everything to be listed once', LISTING_SECONDS_MAX, async () => {
    const lists = await Promise.all(nodes.map((node) => node.listing()));
    const wanted = infoHashes.toSorted().join();
    return (
      lists.every(
        (rows) =>
          rows
            .map(({ infoHash }) => infoHash)
            .toSorted()
            .join() === wanted,
      ) || undefined
    );
  });
}

/** A folder to share: two files, and a link that leads out of it. */
async function folderOf(bed: TestBed, text: string): Promise<string> {
  const folder = join(await bed.directory('shared'), `of ${text}`);
  mkdirSync(join(folder, 'inner'), { recursive: true });
  writeFileSync(join(folder, 'a.txt'), text);
  writeFileSync(join(folder, 'inner', 'b.txt'), `${text} ${text}`);
  symlinkSync('/etc/hostname', join(folder, 'leads-out'));
  return folder;
}

test('ten nodes that start at once on one network, with nothing configured', async (t) => {
  if (!(await hasWhatItTakes(t, []))) return;
  const bed = await TestBed.create(t);
  const nodes = await Promise.all(Array.from({ length: CANDIDATES }, () => startOn(bed)));

  await t.test('W-22 W-24 P-09 elect one first supernode, and each knows it', async () => {
    await whenOne(nodes);
    const statuses = await Promise.all(nodes.map((node) => node.status()));
    const first = statuses.filter(({ overlay }) => overlay.lastElection?.isGenesis);
    assert.equal(first.length, 1, JSON.stringify(statuses.map(({ role, overlay }) => [role, overlay.lastElection])));
    const told = statuses.filter(({ bootstrap }) =>
      bootstrap.some(({ source, state, found }) => source === 'lan' && state === 'answered' && found > 0),
    );
    assert.ok(told.length >= nodes.length - 1, JSON.stringify(statuses.map(({ bootstrap }) => bootstrap)));
  });

  await t.test('P-01 P-02 W-28 what one shares another finds and fetches: its files and no others', async () => {
    const folder = await folderOf(bed, 'first');
    const { infoHash } = await nodes[0]!.share(folder);
    await whenListed(nodes, [infoHash]);
    const into = await bed.directory('fetched');
    await nodes[9]!.fetch('of first', into);
    await nodes[9]!.fetched(60);
    const names = (await readdir(into, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name).slice(into.length + 1));
    assert.deepEqual(names.toSorted(), ['of first/a.txt', 'of first/inner/b.txt']);
    assert.equal(await readFile(join(into, 'of first', 'a.txt'), 'utf8'), 'first');
  });

  await t.test('W-09 what one publishes, edits or withdraws, all of them list so within two seconds', async () => {
    const describedAs = async (text: string | undefined): Promise<true | undefined> => {
      const lists = await Promise.all(nodes.map((node) => node.listing()));
      return lists.every((rows) => rows.find(({ name }) => name === 'of news')?.description === text) || undefined;
    };
    const { infoHash } = await nodes[3]!.share(await folderOf(bed, 'news'));
    await until('all to list it', NEWS_SECONDS_MAX, () => describedAs(''), undefined, 100);
    await nodes[3]!.say(infoHash, { type: 'edit', claims: { description: 'changed' } });
    await until('all to list the change', NEWS_SECONDS_MAX, () => describedAs('changed'), undefined, 100);
    await nodes[3]!.say(infoHash, { type: 'withdraw' });
    await until('nobody to list it', NEWS_SECONDS_MAX, () => describedAs(undefined), undefined, 100);
  });

  await t.test('W-09 W-36 what one changes in a folder that it shares, all of them list and can fetch', async () => {
    const folder = await folderOf(bed, 'changes');
    const before = await nodes[4]!.share(folder);
    const listed = async (files: number): Promise<true | undefined> => {
      const lists = await Promise.all(nodes.map((node) => node.listing()));
      const rows = lists.map((list) => list.filter(({ name }) => name === 'of changes'));
      return rows.every((found) => found.length === 1 && found[0]!.files === files) || undefined;
    };
    await until('all to list it', CHANGE_SECONDS_MAX, () => listed(2), undefined, 100);
    const changedAt = performance.now();
    writeFileSync(join(folder, 'inner', 'c.txt'), 'new');
    await until('all to list the new file', CHANGE_SECONDS_MAX, () => listed(3), undefined, 100);
    t.diagnostic(`a change is listed by all after ${Math.round(performance.now() - changedAt)} ms`);
    const into = await bed.directory('fetched after a change');
    await nodes[8]!.fetch('of changes', into);
    await nodes[8]!.fetched(60);
    assert.equal(await readFile(join(into, 'of changes', 'inner', 'c.txt'), 'utf8'), 'new');
    const held = await nodes[4]!.torrents();
    assert.ok(!held.some(({ infoHash }) => infoHash === before.infoHash), 'what it was is not seeded any more');
    await nodes[4]!.say('of changes', { type: 'withdraw' });
    const isListed = async (): Promise<boolean> =>
      (await Promise.all(nodes.map((node) => node.listing()))).flat().some(({ name }) => name === 'of changes');
    await until('nobody to list it', CHANGE_SECONDS_MAX, async () => !(await isListed()) || undefined, undefined, 100);
  });

  await t.test('W-25 whose first supernode is killed have another one', async () => {
    const statuses = await Promise.all(nodes.map((node) => node.status()));
    const first = statuses.findIndex(({ overlay }) => overlay.lastElection?.isGenesis);
    const [leader] = nodes.splice(first, 1);
    await leader!.program.kill();
    await whenOne(nodes);
  });

  await t.test('W-01 N-03 and whoever that was, another finds and fetches what it could before', async () => {
    // Two have it: of these one at most is gone.
    const into = await bed.directory('fetched too');
    await nodes[5]!.fetch('of first', into);
    await nodes[5]!.fetched(60);
    assert.equal(await readFile(join(into, 'of first', 'inner', 'b.txt'), 'utf8'), 'first first');
  });

  await t.test('W-26 and one whose cable is pulled five times is back, with every row listed once', async () => {
    const listed = (await nodes[1]!.listing()).map(({ infoHash }) => infoHash);
    assert.equal(listed.length, 1);
    for (let i = 0; i < 5; i++) {
      await bed.network.plug(nodes[0]!.host, false);
      await until('it to notice, or not', 5, async () => (await nodes[0]!.status()).uptimeSeconds >= 0 || undefined);
      await bed.network.plug(nodes[0]!.host, true);
    }
    await whenOne(nodes);
    await whenListed(nodes, listed);
  });
});

test('W-27 two local networks that are joined become one view and one listing', async (t) => {
  if (!(await hasWhatItTakes(t, []))) return;
  const bed = await TestBed.create(t);
  const places = await Promise.all([1, 2, 3, 4].map((n) => bed.place(`neighbour ${n}`)));
  await bed.network.cut([places[2]!.host, places[3]!.host]);
  const start = (i: number): Promise<Monsoon> => startMonsoon(places[i]!, AS_USERS_START_IT);
  const [one, other] = await Promise.all([Promise.all([start(0), start(1)]), Promise.all([start(2), start(3)])]);
  await Promise.all([whenOne(one), whenOne(other)]);
  const shared = await Promise.all(
    [one[1]!, other[1]!].map(async (node, i) => node.share(await folderOf(bed, `${i}`))),
  );
  await bed.network.heal();
  const all = [...one, ...other];
  await whenOne(all);
  await whenListed(
    all,
    shared.map(({ infoHash }) => infoHash),
  );
});

/** Has a host neither send nor hear anything that is for more than one. */
async function blockGroups(host: Host): Promise<void> {
  const rules = ['input', 'output'].flatMap((hook) => [
    `add chain inet test ${hook} { type filter hook ${hook} priority 0; }`,
    `add rule inet test ${hook} ip daddr 224.0.0.0/4 drop`,
    `add rule inet test ${hook} fib daddr type { broadcast, multicast } drop`,
  ]);
  await run(inNamespace(host, ['nft', ['add table inet test;', rules.join(';')]]));
}

test('W-28 where neither groups nor broadcasts pass, a neighbour is found all the same', async (t) => {
  if (!(await hasWhatItTakes(t, []))) return;
  if (!requireOrSkip(t, isInstalled('nft'), 'nftables is not installed')) return;
  const bed = await TestBed.create(t);
  const places = await Promise.all([bed.place('first'), bed.place('second')]);
  for (const { host } of places) await blockGroups(host);
  const first = await startMonsoon(places[0]!, AS_USERS_START_IT);
  const finding = await until('it to have looked', 30, async () => {
    const { role } = await first.status();
    return role === 'supernode' ? (await first.doctor()).find(({ check }) => check === 'lan') : undefined;
  });
  assert.match(finding.what, /multicast is blocked/);
  const second = await startMonsoon(places[1]!, AS_USERS_START_IT);
  await whenOne([first, second]);
  const statuses = await Promise.all([first.status(), second.status()]);
  assert.equal(statuses.filter(({ overlay }) => overlay.lastElection?.isGenesis).length, 1);
});

test('W-28 on a network that has IPv6 alone, neighbours find each other by its group', async (t) => {
  if (!(await hasWhatItTakes(t, []))) return;
  const bed = await TestBed.create(t, 'ipv6');
  await whenOne([await startOn(bed), await startOn(bed)]);
});
