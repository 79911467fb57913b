// DNS-SD: other programs list a node as a service, and nodes find each other by it where nothing else passes.
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { isInstalled, requireOrSkip } from '../require.ts';
import { startMonsoon } from './clients/monsoon.ts';
import { type Host, inNamespace } from './network.ts';
import { run } from './program.ts';
import { hasWhatItTakes, TestBed } from './test-bed.ts';
import { until } from './until.ts';

const vectors: { rows: Record<string, { hex?: string }> } = JSON.parse(
  readFileSync(new URL('../fixtures/dns_queries.json', import.meta.url), 'utf8'),
);
const PYTHON = '/usr/bin/python3';
const NEIGHBOURLY = { isNeighbourly: true, role: 'auto', flags: ['--bind', '::', '--no-allow-local'] } as const;
const SECONDS_MAX = 30;

/** Browses as python3-zeroconf does, and prints the first instance that it finds. */
const BROWSER = `
import json, queue, socket, sys
from zeroconf import ServiceBrowser, Zeroconf
zeroconf = Zeroconf(interfaces=[sys.argv[1]])
found = queue.Queue()
class Listener:
    def add_service(self, zeroconf, kind, name): found.put(name)
    def update_service(self, *_): pass
    def remove_service(self, *_): pass
ServiceBrowser(zeroconf, "_monsoon._tcp.local.", Listener())
name = found.get(timeout=15)
info = zeroconf.get_service_info("_monsoon._tcp.local.", name, 5000)
print(json.dumps({"name": name, "port": info.port, "address": socket.inet_ntoa(info.addresses[0])}))
zeroconf.close()
`;

async function hasZeroconf(): Promise<boolean> {
  return run([PYTHON, ['-c', 'import zeroconf']]).then(
    () => true,
    () => false,
  );
}

/** Has a host hear and say nothing on this UDP port. */
async function blockPort(host: Host, port: number): Promise<void> {
  const rules = ['input', 'output'].flatMap((hook) => [
    `add chain inet test ${hook} { type filter hook ${hook} priority 0; }`,
    `add rule inet test ${hook} udp dport ${port} drop`,
  ]);
  await run(inNamespace(host, ['nft', ['add table inet test;', rules.join(';')]]));
}

test('W-28 other programs see a node as a service of its network, with its address and port and no id', async (t) => {
  if (!(await hasWhatItTakes(t, ['dig']))) return;
  if (!requireOrSkip(t, await hasZeroconf(), 'python3-zeroconf is not installed')) return;
  const bed = await TestBed.create(t);
  const node = await startMonsoon(await bed.place('node'), NEIGHBOURLY);
  const { nodeId } = await node.status();
  const other = await bed.place('other');
  const script = join(other.scratch, 'browse.py');
  writeFileSync(script, BROWSER);
  const found = JSON.parse(await run(inNamespace(other.host, [PYTHON, [script, other.host.address]])));
  assert.deepEqual([found.address, found.port], [node.host.address, node.port]);
  assert.match(found.name, /^node-[0-9a-f]{1,8}\._monsoon\._tcp\.local\.$/);
  // Whatever comes to the port, the node goes on.
  const socket = createSocket('udp4');
  t.after(() => socket.close());
  for (const { hex = '' } of Object.values(vectors.rows)) socket.send(Buffer.from(hex, 'hex'), 5353, node.host.address);
  assert.equal((await node.status()).nodeId, nodeId);
  // A plain resolver that asks the node itself.
  const ask = ['-p', '5353', `@${node.host.address}`, '+short', '+tries=2'];
  const listed = await run(inNamespace(other.host, ['dig', [...ask, '_monsoon._tcp.local', 'PTR']]));
  assert.ok(listed.includes(found.name), listed);
  const text = await run(inNamespace(other.host, ['dig', [...ask, found.name, 'TXT']]));
  assert.match(text, /"b=[0-9a-f]{62}"/);
  assert.ok(!text.includes(nodeId.slice(0, 16)));
});

test('W-28 where the beacon does not pass, nodes find each other by DNS-SD', async (t) => {
  if (!(await hasWhatItTakes(t, []))) return;
  if (!requireOrSkip(t, isInstalled('nft'), 'nftables is not installed')) return;
  const bed = await TestBed.create(t);
  const places = await Promise.all([bed.place('first'), bed.place('second')]);
  for (const { host } of places) await blockPort(host, 7374);
  const first = await startMonsoon(places[0]!, NEIGHBOURLY);
  await until('the first to serve', SECONDS_MAX, async () => (await first.status()).role === 'supernode' || undefined);
  const second = await startMonsoon(places[1]!, NEIGHBOURLY);
  const { nodeId } = await first.status();
  await until('the second to know it', SECONDS_MAX, async () => {
    return (await second.supernodes()).some((row) => row.nodeId === nodeId) || undefined;
  });
});
