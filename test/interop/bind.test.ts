// --bind on a machine with two interfaces: nothing of the node's leaves by the other one, whatever it is told, not even
// while the one it is bound to is gone. The other interface's own counter is the witness.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { isInstalled, requireOrSkip } from '../require.ts';
import { libtorrent } from './clients/libtorrent.ts';
import { type Monsoon, startMonsoon } from './clients/monsoon.ts';
import { makeContent, treeHash } from './content.ts';
import { type Host, inNamespace } from './network.ts';
import { Program, run } from './program.ts';
import { hasWhatItTakes, TestBed } from './test-bed.ts';
import { bareMagnet, infoHashOf, makeTorrent } from './torrent-file.ts';
import { until } from './until.ts';

const SECONDS_MAX = 40;
const SIZE = 8 * 2 ** 20;
/** Enough that it is still under way a second later, whatever burst libtorrent begins with. */
const LONG_SIZE = 32 * 2 ** 20;
const SLOW_BYTES_PER_SECOND = 4 * 2 ** 20;

interface Scene {
  readonly bed: TestBed;
  /** On both networks, at home on the first. */
  readonly host: Host;
  readonly scratch: string;
  readonly supernode: Monsoon;
  /** The supernode's tracker by its address on the second network. */
  readonly otherAnnounceUrl: string;
  /** On the second network alone. */
  readonly decoy: Host;
}

async function setScene(t: TestContext): Promise<Scene | undefined> {
  if (!(await hasWhatItTakes(t, ['sysctl']))) return undefined;
  if (!requireOrSkip(t, isInstalled('curl'), 'curl is not installed')) return undefined;
  const bed = await TestBed.create(t);
  const other = await bed.addNetwork();
  const place = await bed.place('supernode');
  const supernode = await startMonsoon(place, { role: 'supernode', flags: ['--bind', '::'] });
  const { address } = await other.join(place.host);
  const { host, scratch } = await bed.place('bound');
  // Without IPv6 an interface says nothing of its own accord.
  await run(
    inNamespace(host, ['sysctl', ['-qw', 'net.ipv6.conf.all.disable_ipv6=1', 'net.ipv6.conf.default.disable_ipv6=1']]),
  );
  await other.join(host);
  const decoy = await other.addHost();
  // A way out that tempts: whatever is not on the first network would go by the second.
  await run(['ip', ['-n', host.namespace, 'route', 'add', 'default', 'via', decoy.address]]);
  return { bed, host, scratch, supernode, otherAnnounceUrl: `http://${address}:${supernode.port}/announce`, decoy };
}

/** The decoy says that it has the torrent. */
async function announceDecoy({ decoy, otherAnnounceUrl }: Scene, infoHash: string): Promise<void> {
  const binary = infoHash.replace(/../g, '%$&');
  const query = `info_hash=${binary}&peer_id=-XX0000-000000000000&port=50001&left=0&uploaded=0&downloaded=0&event=started`;
  await run(inNamespace(decoy, ['curl', ['-sf', '-o', '/dev/null', `${otherAnnounceUrl}?${query}`]]));
}

/** Has what leaves by the host's other interface written down, for the day on which something does. */
function witness({ namespace }: Host): Program {
  const capture = ['-n', '-l', '-i', 'eth1', '-Q', 'out'];
  return new Program(['ip', ['netns', 'exec', namespace, 'tcpdump', ...capture]]);
}

/** Packets that left by the host's other interface. */
async function sentElsewhere({ namespace }: Host): Promise<number> {
  const [link] = JSON.parse(await run(['ip', ['-n', namespace, '-s', '-j', 'link', 'show', 'eth1']]));
  return link.stats64.tx.packets;
}

for (const bind of ['eth0', 'address', 'unbound'] as const) {
  const name =
    bind === 'unbound'
      ? 'the witness: an unbound node does use the other interface'
      : `bound to ${bind === 'eth0' ? 'an interface' : 'an address'}, a node sends nothing by the other interface`;
  test(name, async (t) => {
    const scene = await setScene(t);
    if (!scene) return;
    const { bed, host, scratch, supernode } = scene;
    const content = await makeContent(await bed.directory('content'), 'a folder', SIZE, 3);
    const torrentFile = await makeTorrent(content, supernode.announceUrl, 18);
    const infoHash = await infoHashOf(torrentFile);
    await announceDecoy(scene, infoHash);
    const seeder = await bed.start(libtorrent);
    await seeder.seed(torrentFile, content.parent);

    const before = await sentElsewhere(host);
    const bound = { eth0: 'eth0', address: host.address, unbound: '::' }[bind];
    const node = await startMonsoon({ host, scratch }, { bootstrap: [supernode.contact], flags: ['--bind', bound] });
    const into = await bed.directory('fetched');
    await node.fetch(bareMagnet(infoHash, supernode.announceUrl), into);
    await node.fetched(SECONDS_MAX);
    assert.deepEqual(await treeHash(join(into, content.name)), await treeHash(join(content.parent, content.name)));
    const sent = (await sentElsewhere(host)) - before;
    if (bind === 'unbound') assert.ok(sent > 0, 'the scene tempts nobody');
    else assert.equal(sent, 0);
    const { device, to } = (await node.status()).bind;
    assert.deepEqual([to, device], [bound, bind === 'unbound' ? null : 'eth0']);
  });
}

test('while its address is gone a node says so and waits, and goes on by itself when it is back', async (t) => {
  const scene = await setScene(t);
  if (!scene) return;
  const { bed, host, scratch, supernode } = scene;
  const content = await makeContent(await bed.directory('content'), 'a folder', LONG_SIZE, 4);
  const torrentFile = await makeTorrent(content, supernode.announceUrl, 18);
  const seeder = await bed.start(libtorrent, { uploadBytesPerSecond: SLOW_BYTES_PER_SECOND });
  await seeder.seed(torrentFile, content.parent);
  const node = await startMonsoon({ host, scratch }, { bootstrap: [supernode.contact], flags: ['--bind', 'eth0'] });
  const into = await bed.directory('fetched');
  await node.fetch(torrentFile, into);
  await until('some of it', SECONDS_MAX, async () => (await node.progress()).completedBytes > 0 || undefined);

  const seen = witness(host);
  t.after(() => seen.kill());
  const before = await sentElsewhere(host);
  const address = [`${host.address}/24`, 'dev', 'eth0'];
  await run(['ip', ['-n', host.namespace, 'address', 'del', ...address]]);
  const why = 'the interface eth0 is gone or has no address';
  await until('the node to say why', 15, async () => {
    const [row] = await node.torrents();
    return (row?.stalledBecause === why && (await node.status()).bind.problem === why) || undefined;
  });
  assert.equal((await node.progress()).isComplete, false);
  await run(['ip', ['-n', host.namespace, 'address', 'add', ...address]]);
  assert.equal((await node.fetched(SECONDS_MAX)).size, content.size);
  assert.equal((await sentElsewhere(host)) - before, 0, seen.output);
  await until('the problem to be over', 5, async () => (await node.status()).bind.problem === null || undefined);
});
