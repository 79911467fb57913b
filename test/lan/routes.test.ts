// What systems print about their routes, as they print it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bestRoute, parseNetstat, parseProcRoute, parseRoutePrint } from '../../src/lan/index.ts';

const PROC = `Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
wlan0	00000000	0101A8C0	0003	0	0	600	00000000	0	0	0
eth0	00000000	FE01A8C0	0003	0	0	100	00000000	0	0	0
tun0	00000000	00000000	0001	0	0	50	00000000	0	0	0
eth0	0001A8C0	00000000	0001	0	0	100	00FFFFFF	0	0	0
eth0	00000000	0101A8C0	0003	0	0	100	00000080	0	0	0
`;
const NETSTAT = `Routing tables

Internet:
Destination        Gateway            Flags               Netif Expire
default            192.168.1.1        UGScg                 en0
default            link#15            UCSIg           bridge100      !
127                127.0.0.1          UCS                   lo0
192.168.1          link#6             UCS                   en0      !
`;
const ROUTE_PRINT = `===========================================================================
IPv4-Routentabelle
===========================================================================
Aktive Routen:
     Netzwerkziel    Netzwerkmaske          Gateway    Schnittstelle Metrik
          0.0.0.0          0.0.0.0      192.168.1.1     192.168.1.34     35
          0.0.0.0          0.0.0.0         On-link         10.8.0.2      5
        127.0.0.0        255.0.0.0   Auf Verbindung         127.0.0.1    331
`;

test('Linux: default routes by a gateway, with their metrics', () => {
  const routes = parseProcRoute(PROC);
  assert.deepEqual(routes, [
    { gateway: '192.168.1.1', device: 'wlan0', metric: 600 },
    { gateway: '192.168.1.254', device: 'eth0', metric: 100 },
  ]);
  assert.equal(bestRoute(routes)?.device, 'eth0');
  assert.equal(bestRoute([]), undefined);
});

test('macOS and the BSDs: netstat', () => {
  assert.deepEqual(parseNetstat(NETSTAT), [{ gateway: '192.168.1.1', device: 'en0', metric: 0 }]);
});

test('Windows: route print, in any language', () => {
  assert.deepEqual(parseRoutePrint(ROUTE_PRINT), [{ gateway: '192.168.1.1', device: '192.168.1.34', metric: 35 }]);
});

test('other texts hold no route', () => {
  for (const text of [
    '',
    '\n\n',
    'default',
    '00000000 '.repeat(20),
    '0.0.0.0 0.0.0.0 x y',
    'a\t00000000\tzz\t0003\t0\t0\t0\t00000000',
  ])
    for (const parse of [parseProcRoute, parseNetstat, parseRoutePrint]) assert.deepEqual(parse(text), [], text);
});
