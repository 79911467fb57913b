// The sockets of the local network, where something is in their way at first.
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { test } from 'node:test';
import { BoundNetwork } from '../../src/io/bound-network.ts';
import { LanSockets } from '../../src/io/lan-sockets.ts';
import { until } from './loopback-node.ts';

test('a port that another program had is listened on when that program is gone', async (t) => {
  const other = createSocket('udp4').bind({ port: 0, address: '0.0.0.0', exclusive: true });
  await once(other, 'listening');
  const { port } = other.address();
  let heard = 0;
  const groups = { ip4: '239.192.77.83', ip6: 'ff15::4d53' };
  const network = await BoundNetwork.open('0.0.0.0');
  const lan = new LanSockets(network, { groups, port }, () => heard++);
  const teller = createSocket('udp4');
  t.after(() => {
    lan.close();
    network.close();
    teller.close();
  });
  lan.refresh();
  const own = lan.footholds[0]?.host;
  if (own === undefined) return t.skip('this machine is on no network');
  // One that binds after ours fails after ours.
  await once(createSocket({ type: 'udp4', reuseAddr: true }).bind(port, '0.0.0.0'), 'error');
  await new Promise<void>((resolve) => other.close(resolve));
  await until('to be heard', () => {
    lan.refresh();
    teller.send('x', port, own);
    return heard > 0;
  });
  assert.ok(heard > 0);
});
