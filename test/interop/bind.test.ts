// --bind on a machine with two interfaces: nothing of the node's leaves by the other one, whatever it is told, not even
// while the one it is bound to is gone. The other interface's own counter is the witness, and where IPv6 has it say things
// of its own accord, tcpdump.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { isInstalled, requireOrSkip } from '../require.ts';
import { libtorrent } from './clients/libtorrent.ts';
import { type Monsoon, startMonsoon } from './clients/monsoon.ts';
import { makeContent, treeHash, writeRandomFile } from './content.ts';
import { type Host, inNamespace } from './network.ts';
import { Program, run } from './program.ts';
import { hasWhatItTakes, TestBed } from './test-bed.ts';
import { bareMagnet, infoHashOf, makeTorrent } from './torrent-file.ts';
import { until } from './until.ts';
import { Witness } from './witness.ts';

const NAMES_AND_FILES = fileURLToPath(new URL('names-and-files.ts', import.meta.url));
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

async function setScene(t: TestContext, hasSix = false): Promise<Scene | undefined> {
  if (!(await hasWhatItTakes(t, ['sysctl', 'tcpdump']))) return undefined;
  if (!requireOrSkip(t, isInstalled('curl'), 'curl is not installed')) return undefined;
  const bed = await TestBed.create(t);
  const other = await bed.addNetwork();
  const place = await bed.place('supernode');
  const supernode = await startMonsoon(place, {
    role: 'supernode',
    flags: ['--bind', '::', ...(hasSix ? ['--dht'] : [])],
  });
  const { address } = await other.join(place.host);
  const { host, scratch } = await bed.place('bound');
  // Without IPv6 an interface says nothing of its own accord.
  if (!hasSix)
    await run(
      inNamespace(host, [
        'sysctl',
        ['-qw', 'net.ipv6.conf.all.disable_ipv6=1', 'net.ipv6.conf.default.disable_ipv6=1'],
      ]),
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

const BINDINGS = ['eth0', 'address', 'unbound'] as const;

/** What the node is told. */
function boundTo(bind: (typeof BINDINGS)[number], host: Host): string {
  return { eth0: 'eth0', address: host.address, unbound: '::' }[bind];
}

/** Packets that left by the host's other interface. */
async function sentElsewhere({ namespace }: Host): Promise<number> {
  const [link] = JSON.parse(await run(['ip', ['-n', namespace, '-s', '-j', 'link', 'show', 'eth1']]));
  return link.stats64.tx.packets;
}

for (const bind of BINDINGS) {
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
    const bound = boundTo(bind, host);
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

for (const bind of BINDINGS) {
  const name =
    bind === 'unbound'
      ? 'the witness: calls of an unbound node to its neighbours do leave by the other interface'
      : `bound to ${bind === 'eth0' ? 'an interface' : 'an address'}, calls to neighbours leave by no other interface`;
  test(name, async (t) => {
    const scene = await setScene(t, true);
    if (!scene) return;
    const { bed, host, scratch, decoy } = scene;
    for (const [n, device] of ['eth0', 'eth1'].entries()) {
      const address = ['-n', host.namespace, 'address', 'add', `fd78:${n}::1/64`, 'dev', device, 'nodad'];
      await run(['ip', address]);
    }
    // Half of the neighbours, the supernode not among them, seem to be on the second network.
    const [base] = host.address.split(/\.[0-9]+$/);
    await run(['ip', ['-n', host.namespace, 'route', 'add', `${base}.128/25`, 'dev', 'eth1']]);
    const content = await makeContent(await bed.directory('content'), 'a folder', SIZE, 5);
    const torrentFile = await makeTorrent(content, 'http://127.0.0.1:9/announce', 18);

    const [first, second] = [await Witness.of(t, host, 'eth0'), await Witness.of(t, host, 'eth1')];
    const bound = boundTo(bind, host);
    const flags = ['--bind', bound, '--lsd'];
    const node = await startMonsoon({ host, scratch }, { isNeighbourly: true, flags });
    await node.seed(torrentFile, content.parent);
    const calls: [string, RegExp][] = [
      ['the beacon', / > 239\.192\.77\.83\.7374: UDP/],
      ['local discovery', / > 239\.192\.152\.143\.6771: UDP/],
      ['DNS-SD', /\.5353 > 224\.0\.0\.251\.5353:/],
      ...(bind === 'address' ? [] : [['the beacon over IPv6', /> ff15::4d53\.7374: UDP/] as [string, RegExp]]),
    ];
    for (const [what, pattern] of calls) {
      await first.seen(what, pattern);
      if (bind === 'unbound') await second.seen(what, pattern);
    }
    const last = new RegExp(`who-has ${base!.replaceAll('.', '\\.')}\\.253 `);
    await (bind === 'unbound' ? second : first).seen('the last neighbour asked for', last);
    if (bind !== 'unbound') assert.deepEqual(await second.everything(decoy), []);
  });
}

const ZONE = 'sn.bind.test';
const DNS_PORT = 53;

/** Whether a name server says something to a host, over UDP and over TCP. */
async function hearsFrom(server: string, { namespace }: Pick<Host, 'namespace'>): Promise<readonly boolean[]> {
  const ask = async (transport: string): Promise<boolean> => {
    const question = [`@${server}`, '-p', `${DNS_PORT}`, '+tries=1', '+time=2', '+short', transport, ZONE, 'SOA'];
    const answer = await run(inNamespace({ namespace }, ['dig', question])).catch(() => '');
    return answer.includes(`hostmaster.${ZONE}.`);
  };
  return Promise.all([ask('+notcp'), ask('+tcp')]);
}

async function volunteer({ host, scratch }: Scene, bind: string): Promise<Monsoon> {
  const flags = ['--bind', bind, '--zone', ZONE, '--dns-port', `${DNS_PORT}`];
  return startMonsoon({ host, scratch }, { role: 'supernode', flags });
}

for (const bind of BINDINGS) {
  const name =
    bind === 'unbound'
      ? "the witness: an unbound volunteer's name server does answer by the other interface"
      : `a volunteer bound to ${bind === 'eth0' ? 'an interface' : 'an address'} answers for its zone by no other interface`;
  test(name, async (t) => {
    if (!requireOrSkip(t, isInstalled('dig'), 'dig is not installed')) return;
    const scene = await setScene(t);
    if (!scene) return;
    const { host, supernode, decoy } = scene;
    const [{ addr_info: own }] = JSON.parse(await run(['ip', ['-n', host.namespace, '-j', 'address', 'show', 'eth1']]));
    await run(['ip', ['-n', decoy.namespace, 'route', 'add', host.address, 'via', own[0].local]]);
    await volunteer(scene, boundTo(bind, host));
    for (const asker of [host, supernode.host]) assert.deepEqual(await hearsFrom(host.address, asker), [true, true]);
    const isUnbound = bind === 'unbound';
    assert.deepEqual(await hearsFrom(host.address, decoy), [isUnbound, isUnbound]);
  });
}

test('a volunteer answers for its zone at every address of its interface, and at new ones when they change', async (t) => {
  if (!requireOrSkip(t, isInstalled('dig'), 'dig is not installed')) return;
  const scene = await setScene(t, true);
  if (!scene) return;
  const { bed, host, supernode } = scene;
  // Not to be used for a second, while the system asks whether another machine has it.
  await run(['ip', ['-n', host.namespace, 'address', 'add', 'fd78::2/64', 'dev', 'eth0']]);
  await run(['ip', ['-n', supernode.host.namespace, 'address', 'add', 'fd78::1/64', 'dev', 'eth0', 'nodad']]);
  await volunteer(scene, 'eth0');
  const answersAt = (address: string): Promise<true> =>
    until(`an answer of ${address}`, SECONDS_MAX, async () =>
      (await hearsFrom(address, supernode.host)).every(Boolean) ? true : undefined,
    );
  await answersAt(host.address);
  await answersAt('fd78::2');

  await run(['ip', ['-n', host.namespace, 'address', 'del', `${host.address}/24`, 'dev', 'eth0']]);
  const { address } = await bed.network.addAddress(host);
  await answersAt(address);
  await answersAt('fd78::2');
});

/** A name server and a web server on a host. */
async function serveNames(t: TestContext, host: Host, answer: string, folder: string): Promise<void> {
  const program = new Program(inNamespace(host, [process.execPath, [NAMES_AND_FILES, host.address, answer, folder]]));
  t.after(() => program.kill());
  await until(
    'the name server',
    SECONDS_MAX,
    () => /ready/.test(program.output) || undefined,
    () => program.output,
  );
}

for (const bind of BINDINGS) {
  const name =
    bind === 'unbound'
      ? 'the witness: names, trackers, web seeds and the DHT of an unbound node do go by the other interface'
      : `bound to ${bind === 'eth0' ? 'an interface' : 'an address'}, names, trackers, web seeds and the DHT go by no other, also when it is gone`;
  test(name, async (t) => {
    const scene = await setScene(t, true);
    if (!scene) return;
    const { bed, host, scratch, supernode, decoy } = scene;
    const home = supernode.host;
    // The way to everything that is wanted seems to be the second network.
    await run(['ip', ['-n', host.namespace, 'route', 'add', home.address, 'dev', 'eth1']]);
    // Whoever is asked by that way answers by the address that was asked.
    const back = ['route', 'replace', decoy.address.replace(/[0-9]+$/, '0/24'), 'dev', 'eth1', 'src', home.address];
    await run(['ip', ['-n', home.namespace, ...back]]);
    const file = { parent: await bed.directory('web'), name: 'by web.bin', size: SIZE };
    await writeRandomFile(join(file.parent, file.name), SIZE, 6);
    const content = await makeContent(await bed.directory('content'), 'a folder', SIZE, 7);
    const byName = (name: string): string => `http://${name}.bind.test:${supernode.port}/announce`;
    const webTorrent = await makeTorrent(file, byName('tracker'), 18, 'http://cut.bind.test:8080/');
    const swarm = await makeTorrent(content, `udp://${supernode.contact}/announce`, 18);
    const seeder = await bed.start(libtorrent);
    await seeder.seed(swarm, content.parent);
    // The one on the second network comes first among the servers of the system.
    await serveNames(t, home, home.address, file.parent);
    await serveNames(t, decoy, home.address, file.parent);

    const [first, second] = [await Witness.of(t, host, 'eth0'), await Witness.of(t, host, 'eth1')];
    const bound = boundTo(bind, host);
    const contacts = [`dht.bind.test:${supernode.port}`, `${decoy.address}:6881`];
    const flags = ['--bind', bound, '--lsd', '--dht', ...contacts.flatMap((contact) => ['--dht-bootstrap', contact])];
    const nameServers = [decoy.address, home.address];
    const bootstrap = [`node.bind.test:${supernode.port}`];
    const node = await startMonsoon({ host, scratch }, { isNeighbourly: true, bootstrap, nameServers, flags });
    const into = await bed.directory('fetched');
    await node.fetch(webTorrent, into);
    assert.equal((await node.fetched(SECONDS_MAX)).size, SIZE);
    assert.ok((await readFile(join(into, file.name))).equals(await readFile(join(file.parent, file.name))));
    const trackers = [`udp://${decoy.address}:6969/announce`, `udp://udp.bind.test:${supernode.port}/announce`];
    const magnet = trackers.map((url) => `&tr=${encodeURIComponent(url)}`).join('');
    await node.fetch(`magnet:?xt=urn:btih:${await infoHashOf(swarm)}${magnet}`, into);
    // The first of its trackers is silent.
    if (bind !== 'unbound') assert.equal((await node.fetched(2 * SECONDS_MAX)).size, content.size);

    const [h, d] = [home, decoy].map(({ address }) => address.replaceAll('.', '\\.'));
    const { port } = supernode;
    const used = bind === 'unbound' ? second : first;
    await used.seen('questions for names', new RegExp(`> (${h}|${d})\\.53: .*tracker\\.bind\\.test`));
    await used.seen('one of them over TCP', new RegExp(`> (${h}|${d})\\.53: Flags`));
    await used.seen('the HTTP tracker', new RegExp(`> ${h}\\.${port}: Flags`));
    await used.seen('the UDP tracker', new RegExp(`> ${h}\\.${port}: UDP, length 16$`), SECONDS_MAX);
    await used.seen('the DHT', new RegExp(`> ${h}\\.${port}: UDP, length ([6-9]|1\\d)\\d$`));
    await used.seen('the web seed', new RegExp(`> ${h}\\.8080: Flags`));
    // Nobody is there by the bound interface, so that it is looked for in vain.
    await used.seen('the host on the second network', new RegExp(`(> ${d}\\.6881|who-has ${d} )`));
    if (bind === 'unbound') return node.stop();
    assert.deepEqual(await second.everything(decoy), []);

    await run(['ip', ['-n', host.namespace, 'link', 'del', 'eth0']]);
    await until('the node to say so', 15, async () => (await node.status()).bind.problem !== null || undefined);
    const late = bareMagnet('ab'.repeat(20), byName('late'));
    await node.fetch(late, into);
    await until(
      'it to wait',
      15,
      async () => (await node.torrents()).some((row) => /is gone/.test(row.stalledBecause ?? '')) || undefined,
    );
    await node.doctor();
    assert.deepEqual(await second.everything(decoy), []);
    await node.stop();
  });
}
