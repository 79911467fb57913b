// The one port through a real router: network namespaces, address translation by nftables, and miniupnpd, which speaks
// all three protocols. The outside host has no other way in.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { encodeCompactAddress } from '../../src/base/index.ts';
import { connects } from '../connects.ts';
import { isInstalled, requireOrSkip } from '../require.ts';
import type { Place } from './clients/client.ts';
import { type Monsoon, startMonsoon } from './clients/monsoon.ts';
import { makeContent, treeHash } from './content.ts';
import { inNamespace, mayMakeNetworks, type Network } from './network.ts';
import { run } from './program.ts';
import { ROUTER_PROGRAMS, Router, routeBy } from './router.ts';
import { TestBed } from './test-bed.ts';
import { until } from './until.ts';

const PORT = 7373;
const MAP_SECONDS_MAX = 20;
const FETCH_SECONDS_MAX = 60;

interface Home {
  readonly bed: TestBed;
  readonly router: Router;
  readonly outside: Network;
}

async function openHome(t: TestContext): Promise<Home | undefined> {
  if (!requireOrSkip(t, mayMakeNetworks(), 'network namespaces need Linux and root')) return undefined;
  for (const program of ['ip', 'nsenter', 'ss', 'sysctl', ...ROUTER_PROGRAMS])
    if (!requireOrSkip(t, isInstalled(program), `${program} is not installed`)) return undefined;
  const bed = await TestBed.create(t);
  const outside = await bed.addNetwork('public');
  const router = await Router.start(await bed.place('router'), outside);
  return { bed, router, outside };
}

/** A node behind the router. */
async function nodeInside({ bed, router }: Home, flags: readonly string[] = []): Promise<Monsoon> {
  const place = await bed.place('inside');
  await routeBy(place.host, router.inside);
  return startMonsoon(place, { flags, role: 'supernode' });
}

const mapped = (node: Monsoon): Promise<unknown> =>
  until(
    'the port to be mapped',
    MAP_SECONDS_MAX,
    async () => (await node.status()).portMapping.state === 'mapped' || undefined,
    () => node.program.output,
  );

/** What the supernode shows everybody has the share, and not where it comes from. */
async function assertUnlisted(supernode: Monsoon, name: string, address: string): Promise<void> {
  const compact = Buffer.from(encodeCompactAddress({ host: address, port: PORT }));
  for (const path of ['/', '/listing?since=', '/supernodes']) {
    const reply = await fetch(`http://${supernode.contact}${path}`);
    const body = Buffer.from(await reply.arrayBuffer());
    assert.equal(reply.status, 200, path);
    if (path !== '/supernodes') assert.ok(body.includes(name), `${path} does not list it`);
    assert.ok(!body.includes(address) && !body.includes(compact), `${path} says where it comes from`);
  }
}

for (const protocol of ['pcp', 'nat-pmp', 'upnp']) {
  test(`by ${protocol} the router passes both transports of the one port on, and forgets them at the stop`, async (t) => {
    const home = await openHome(t);
    if (!home) return;
    const { router } = home;
    assert.equal(await connects(router.outside, PORT), false);
    const node = await nodeInside(home, ['--port-mapping', protocol]);
    await mapped(node);
    const { portMapping } = await node.status();
    const place = { host: router.outside, tcpPort: PORT, udpPort: PORT };
    assert.deepEqual(portMapping, { state: 'mapped', protocol, ...place, problem: null });
    const [host] = node.contact.split(':');
    assert.deepEqual(
      await router.mappings(),
      ['tcp', 'udp'].map((transport) => `${transport} ${PORT} ${host}:${PORT}`),
    );
    assert.equal(await connects(router.outside, PORT), true);
    // The system takes a connection before the node does.
    await until('the node to notice it', MAP_SECONDS_MAX, async () =>
      (await node.status()).reachedFrom === 'internet' ? true : undefined,
    );

    await node.verb('stop');
    assert.deepEqual(await router.mappings(), []);
  });
}

test('M-06 who asks for the hash reaches the peer behind the router, nobody else is told of it; a restarted router is asked anew', async (t) => {
  const home = await openHome(t);
  if (!home) return;
  const { bed, router, outside } = home;
  const placeOutside = async (label: string): Promise<Place> => ({
    host: await outside.addHost(),
    scratch: await bed.directory(label),
  });
  const supernode = await startMonsoon(await placeOutside('supernode'), { role: 'supernode' });
  const node = await nodeInside(home, ['--role', 'client', '--bootstrap', supernode.contact]);
  await mapped(node);
  assert.equal((await node.status()).portMapping.protocol, 'pcp');

  await router.stopMapping();
  assert.equal(await connects(router.outside, PORT), false);
  await router.startMapping();
  await until('the router to pass the port on again', MAP_SECONDS_MAX, async () =>
    (await router.mappings()).length === 2 ? true : undefined,
  );

  const content = await makeContent(await bed.directory('content'), 'a folder', 4 * 2 ** 20, 5);
  const shared = await node.share(join(content.parent, content.name));
  await assertUnlisted(supernode, content.name, router.outside);
  const leecher = await startMonsoon(await placeOutside('leecher'), { bootstrap: [supernode.contact] });
  const into = await bed.directory('fetched');
  await leecher.fetch(shared.infoHash, into);
  assert.equal((await leecher.fetched(FETCH_SECONDS_MAX)).size, content.size);
  assert.deepEqual(await treeHash(join(into, content.name)), await treeHash(join(content.parent, content.name)));
});

test('of two nodes that want one number the second is given another, by every protocol', async (t) => {
  const home = await openHome(t);
  if (!home) return;
  const first = await nodeInside(home);
  await mapped(first);
  for (const protocol of ['pcp', 'nat-pmp', 'upnp']) {
    const second = await nodeInside(home, ['--port-mapping', protocol]);
    await mapped(second);
    const { tcpPort, udpPort } = (await second.status()).portMapping;
    assert.ok(tcpPort !== null && tcpPort !== PORT, `${protocol} ${tcpPort}`);
    assert.equal(udpPort, tcpPort, protocol);
    assert.equal(await connects(home.router.outside, tcpPort), true);
    await second.stop();
  }
});

test('a node without a gateway, or told not to ask it, says so and asks nobody', async (t) => {
  const home = await openHome(t);
  if (!home) return;
  const alone = await startMonsoon(await home.bed.place('alone'));
  await until('the search to end', MAP_SECONDS_MAX, async () =>
    (await alone.status()).portMapping.state === 'none' ? true : undefined,
  );
  assert.equal((await alone.status()).portMapping.problem, 'there is no gateway');
  const silent = await nodeInside(home, ['--port-mapping', 'off']);
  assert.equal((await silent.status()).portMapping.state, 'off');
  const [host] = silent.contact.split(':');
  const neighbours = await run(inNamespace({ namespace: silent.namespace }, ['ip', ['neigh']]));
  assert.ok(!neighbours.includes(home.router.inside), `${host} asked its router: ${neighbours}`);
});
