// The other four ways in (ways-in-lan.test.ts has the local network), on hosts of their own: whoever is given one of them
// and nothing else joins by it, under the rules that hold for users: nothing local is dialled on a stranger's word.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Monsoon, type MonsoonSettings, startMonsoon } from './clients/monsoon.ts';
import { hasWhatItTakes, TestBed } from './test-bed.ts';
import { until } from './until.ts';

const JOIN_SECONDS_MAX = 60;
const ZONE = 'seeds.test';
const SERVES_ZONE = ['--zone', ZONE, '--dns-port', '53'];

/** Resolves when a node knows the supernode; with what its sources say then. */
async function whenJoined(newcomer: Monsoon, supernodeId: string, source: string): Promise<void> {
  await until(
    `a node to join by ${source}`,
    JOIN_SECONDS_MAX,
    async () => {
      const known = (await newcomer.supernodes()).some(({ nodeId }) => nodeId === supernodeId);
      const { bootstrap } = await newcomer.status();
      const isBy = bootstrap.some((row) => row.source === source && row.state === 'answered' && row.found > 0);
      return (known && isBy && bootstrap.every((row) => row.source === source || row.found === 0)) || undefined;
    },
    () => newcomer.program.output,
  );
}

/** The id of a node, once it serves. */
async function whenServing(supernode: Monsoon): Promise<string> {
  const { nodeId } = await until('the supernode to serve', JOIN_SECONDS_MAX, async () => {
    const status = await supernode.status();
    return status.role === 'supernode' ? status : undefined;
  });
  return nodeId;
}

test('each way in is enough by itself', async (t) => {
  if (!(await hasWhatItTakes(t, []))) return;
  const bed = await TestBed.create(t, 'public');
  const router = await startMonsoon(await bed.place('router'), { flags: ['--dht', '--network', 'elsewhere'] });
  const dht = ['--dht', '--dht-bootstrap', router.contact];
  const supernode = await startMonsoon(await bed.place('supernode'), {
    role: 'supernode',
    flags: [...dht, ...SERVES_ZONE],
  });
  const nodeId = await whenServing(supernode);
  const start = async (label: string, settings: MonsoonSettings = {}): Promise<Monsoon> =>
    startMonsoon(await bed.place(label), { ...settings, flags: ['--no-allow-local', ...(settings.flags ?? [])] });
  const known = await start('known', { bootstrap: [supernode.contact] });

  const ways: Record<string, () => Promise<void>> = {
    'N-24 the saved cache': async () => {
      await whenJoined(known, nodeId, supernode.contact);
      await known.verb('stop');
      const again = await startMonsoon(known.place, { flags: ['--no-allow-local'] });
      await whenJoined(again, nodeId, 'cache');
    },
    "C-09 N-27 a name, by the system's own resolver": async () => {
      const newcomer = await start('by name', { bootstrap: [ZONE], nameServers: [supernode.host.address] });
      await whenJoined(newcomer, nodeId, ZONE);
    },
    'C-09 a name, at a DNS server that the user gives': async () => {
      const flags = ['--dns-server', supernode.host.address];
      await whenJoined(await start('by name at a server', { bootstrap: [ZONE], flags }), nodeId, ZONE);
    },
    'N-12 the Mainline DHT': async () => {
      await whenJoined(await start('by DHT', { flags: dht }), nodeId, 'dht');
    },
    'P-09 N-26 what somebody passed on': async () => {
      const newcomer = await start('by hosts');
      await newcomer.verb('hosts', 'add', supernode.contact);
      await whenJoined(newcomer, nodeId, 'hosts');
    },
  };
  await Promise.all(Object.entries(ways).map(([way, join]) => t.test(way, join)));
  assert.equal((await supernode.status()).role, 'supernode');
});

test('N-31 of three volunteers that answer for the zone one is left, and its name still leads in', async (t) => {
  if (!(await hasWhatItTakes(t, []))) return;
  const bed = await TestBed.create(t, 'public');
  const start = async (label: string, bootstrap: readonly string[]): Promise<Monsoon> =>
    startMonsoon(await bed.place(label), { role: 'supernode', bootstrap, flags: SERVES_ZONE });
  const last = await start('last', []);
  const nodeId = await whenServing(last);
  const others = [await start('unplugged', [last.contact]), await start('killed', [last.contact])];
  await Promise.all(others.map(whenServing));
  await until('the zone to name all three', JOIN_SECONDS_MAX, async () => {
    const { nameServers } = await last.zone();
    return nameServers.length === 3 || undefined;
  });
  await bed.network.plug(others[0]!.host, false);
  await others[1]!.program.kill();
  // As a delegation lists them: whoever resolves the name meets the two that are gone first.
  const nameServers = [...others, last].map(({ host }) => host.address);
  const flags = ['--no-allow-local'];
  const newcomer = await startMonsoon(await bed.place('newcomer'), { bootstrap: [ZONE], nameServers, flags });
  await whenJoined(newcomer, nodeId, ZONE);
});
