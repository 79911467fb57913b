// The one way out (SAFETY rule 2): which addresses are dialled, depending on who named them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isFault } from '../../src/base/index.ts';
import { BoundNetwork } from '../../src/io/bound-network.ts';
import { Dialler, type Trust, trustOf } from '../../src/io/dialler.ts';

const network = await BoundNetwork.open('::');
const EVERYONE: readonly Trust[] = ['public', 'private', 'user'];
const NEVER = [
  '0.0.0.0',
  '255.255.255.255',
  '224.0.0.1',
  '240.0.0.1',
  '::',
  'ff02::1',
  '2001:db8::1',
  '64:ff9b::a00:1',
  '2002:a00:1::',
  'example.org',
  '',
  '1.2.3',
  '0x7f.1',
];
const LOCAL_ONLY = ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1', '169.254.1.1', '169.254.169.254', 'fe80::1'];
const PRIVATE = ['10.0.0.1', '172.16.0.1', '192.168.1.1', '100.64.0.1', 'fd00::1', '::ffff:10.0.0.1'];
const PUBLIC = ['1.1.1.1', '172.32.0.1', '8.8.8.8', '2606:4700::1111'];

test('an address is dialled or refused by its reach and by who named it', () => {
  const [strict, local] = [new Dialler(network, { allowLocal: false }), new Dialler(network, { allowLocal: true })];
  const refused = (dialler: Dialler, host: string, trust: Trust): boolean =>
    dialler.refusal({ host, port: 6881 }, trust) !== undefined;
  for (const trust of EVERYONE) {
    for (const host of NEVER)
      assert.ok(refused(strict, host, trust) && refused(local, host, trust), `${host} ${trust}`);
    for (const host of LOCAL_ONLY)
      assert.ok(refused(strict, host, trust) && !refused(local, host, trust), `${host} ${trust}`);
    for (const host of PUBLIC) assert.ok(!refused(strict, host, trust), `${host} ${trust}`);
    for (const host of PRIVATE) assert.equal(refused(strict, host, trust), trust === 'public', `${host} ${trust}`);
  }
});

test('ports of other services are no peers, but for those that the user named', () => {
  const dialler = new Dialler(network, { allowLocal: true });
  for (const port of [0, 1, 22, 25, 53, 1023])
    assert.ok(dialler.peerRefusal({ host: '1.1.1.1', port }, 'public'), `${port}`);
  for (const port of [80, 443, 1024, 65_535])
    assert.equal(dialler.peerRefusal({ host: '1.1.1.1', port }, 'public'), undefined);
  assert.ok(dialler.peerRefusal({ host: '1.1.1.1', port: 0 }, 'user'));
  for (const port of [1, 22, 1023, 65_535])
    assert.equal(dialler.peerRefusal({ host: '1.1.1.1', port }, 'user'), undefined);
});

test('a node does not dial itself, whoever names it', async () => {
  const bound = await BoundNetwork.open('127.0.0.1');
  const dialler = new Dialler(bound, { allowLocal: true, ownPort: 7373 });
  for (const trust of EVERYONE) {
    assert.match(`${dialler.peerRefusal({ host: '127.0.0.1', port: 7373 }, trust)}`, /this node/);
    assert.equal(dialler.peerRefusal({ host: '127.0.0.1', port: 7374 }, trust), undefined);
    assert.equal(dialler.peerRefusal({ host: '127.0.0.2', port: 7373 }, trust), undefined);
  }
  bound.close();
});

test('a name deserves no more trust than a public address; only neighbours vouch for neighbours', () => {
  for (const host of ['tracker.example.org', 'localhost', '1.1.1.1', '', '0.0.0.0'])
    assert.equal(trustOf(host), 'public', host);
  for (const host of ['10.0.0.1', '127.0.0.1', 'fd00::1']) assert.equal(trustOf(host), 'private', host);
});

test('a dial that leads nowhere is a fault, and closing gives up those under way', async () => {
  const dialler = new Dialler(network, { allowLocal: true });
  assert.ok(isFault(await dialler.dial({ host: '127.0.0.1', port: 1024 }, 'user', () => {})));
  assert.ok(isFault(await dialler.dial({ host: '224.0.0.1', port: 6881 }, 'user', () => {})));
  const pending = dialler.dial({ host: '1.1.1.1', port: 6881 }, 'public', () => {});
  dialler.close();
  assert.ok(isFault(await pending));
});
