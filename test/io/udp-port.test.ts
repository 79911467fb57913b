import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openPorts } from '../../app/ports.ts';
import { type Address, MonsoonError } from '../../src/base/index.ts';
import { BoundNetwork } from '../../src/io/bound-network.ts';
import { openIdentity } from '../../src/io/identity.ts';
import { makeNodeTls } from '../../src/io/tls-context.ts';
import { UdpPort } from '../../src/io/udp-port.ts';
import { temporaryFolder } from './loopback-node.ts';

const QUERY = Buffer.from('d1:q4:pinge');
const REPLY = Buffer.from('0000000012345678', 'hex');

async function open(t: TestContext, bind = '127.0.0.1'): Promise<UdpPort> {
  const udp = await UdpPort.open(await BoundNetwork.open(bind), 0);
  t.after(() => udp.close());
  return udp;
}

const local = (udp: UdpPort, host = '127.0.0.1'): Address => ({ host, port: udp.port });

/** What the next datagram of a kind is, and whom it comes from. */
const next = (udp: UdpPort, kind: 'krpc' | 'tracker-reply'): Promise<{ text: string; from: Address }> =>
  new Promise((resolve) => udp.read(kind, (datagram, from) => resolve({ text: datagram.toString('hex'), from })));

test('each datagram goes to the reader of its kind, and to nobody when there is none', async (t) => {
  const [one, other] = [await open(t), await open(t)];
  const heard = next(other, 'tracker-reply');
  one.send(QUERY, local(other));
  one.send(REPLY, local(other));
  assert.deepEqual(await heard, { text: REPLY.toString('hex'), from: local(one) });
  const query = next(other, 'krpc');
  one.send(QUERY, local(other));
  assert.equal((await query).text, QUERY.toString('hex'));
});

test('both families have one number where both are bound', async (t) => {
  const [both, four] = [await open(t, '::'), await open(t)];
  if (!both.hasFamilyOf('::1')) return t.skip('this machine has no IPv6');
  assert.ok(both.hasFamilyOf('127.0.0.1') && !four.hasFamilyOf('::1'));
  const heard = next(four, 'krpc');
  both.send(QUERY, local(four));
  assert.deepEqual((await heard).from, local(both));
  const answer = next(both, 'krpc');
  both.send(QUERY, local(both, '::1'));
  assert.deepEqual((await answer).from, local(both, '::1'));
});

test('what cannot be sent is lost, and says that it is done with', async (t) => {
  const udp = await open(t);
  const done = (host: string): Promise<void> => new Promise((resolve) => udp.send(QUERY, { host, port: 9 }, resolve));
  await done('::1');
  await udp.close();
  await done('127.0.0.1');
});

const USERS = { http: () => {}, wire: () => {}, torrentNamed: () => undefined };

/** What both ports are opened with. */
async function settingsFor(bind: string) {
  const identity = await openIdentity(join(temporaryFolder('ports'), 'identity.key'));
  return { network: await BoundNetwork.open(bind), encryption: 'prefer', tls: makeNodeTls(identity), port: 0 } as const;
}

test('the loopback device can be bound to by its name', async (t) => {
  const settings = await settingsFor('lo');
  t.after(() => settings.network.close());
  const { port, udp } = await openPorts(settings, USERS);
  assert.equal(port.port, udp.port);
  await Promise.all([port.close(), udp.close()]);
});

test('both ports have one number, and a number that is taken on UDP alone is not used', async (t) => {
  const settings = await settingsFor('127.0.0.1');
  const { port, udp } = await openPorts(settings, USERS);
  assert.equal(port.port, udp.port);
  await Promise.all([port.close(), udp.close()]);
  const holder = createSocket('udp4').bind(0, '127.0.0.1');
  await once(holder, 'listening');
  t.after(() => holder.close());
  const taken = holder.address().port;
  const isTold = (error: unknown): boolean =>
    error instanceof MonsoonError && error.code === 'port-taken' && error.message.includes(String(taken));
  await assert.rejects(openPorts({ ...settings, port: taken }, USERS), isTold);
  await assert.rejects(
    openPorts({ ...settings, port: taken }, USERS),
    isTold,
    'the first attempt left no listener behind',
  );
});
