import assert from 'node:assert/strict';
import { isIP, isIPv4, isIPv6 } from 'node:net';
import { test } from 'node:test';
import {
  type Address,
  encodeCompactAddress,
  formatAddress,
  formatIp,
  nodeOfUrl,
  nodeOrigin,
  parseAddress,
  parseCompactAddress,
  parseIp,
  parseNodeId,
  type Random,
  type Reach,
  randomBelow,
  reachOf,
  seededRandom,
  sourceOf,
} from '../../src/base/index.ts';
import { eachSeed, pick, randomBytes, SEED } from '../seed.ts';

// RFC 5952: lower case, no leading zeros, the longest run of zeros shortened, the first of equals, never one group.
const spellings: [string, string][] = [
  ['2001:DB8:0:0:0:0:2:1', '2001:db8::2:1'],
  ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
  ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
  ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['0:0:0:0:0:0:0:0', '::'],
  ['::0001', '::1'],
  ['1::', '1::'],
  ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
  ['64:ff9b::192.0.2.1', '64:ff9b::c000:201'],
  ['::ffff:1.2.3.4', '1.2.3.4'],
  ['::FFFF:0102:0304', '1.2.3.4'],
  ['1.2.3.4', '1.2.3.4'],
];
for (const [written, canonical] of spellings) {
  test(`${written} is spelled ${canonical} (RFC 5952)`, () => {
    assert.equal(formatIp(parseIp(written)!), canonical);
    assert.deepEqual(parseIp(canonical), parseIp(written));
  });
}

test('an IPv6 subscriber is one source, whichever of its addresses it uses', () => {
  assert.equal(sourceOf('2001:db8:1:2::3'), sourceOf('2001:db8:1:2:ffff::4'));
  assert.notEqual(sourceOf('2001:db8:1:2::3'), sourceOf('2001:db8:1:3::3'));
  assert.notEqual(sourceOf('192.0.2.1'), sourceOf('192.0.2.2'));
  assert.equal(sourceOf('::ffff:192.0.2.1'), sourceOf('192.0.2.1'));
});

function randomIpText(random: Random): string {
  const parts = Array.from({ length: 1 + randomBelow(random, 9) }, () =>
    pick(random, ['0', '', '1', 'ffff', 'DB8', '00001', '12345', 'g', '1.2.3.4', '256.1.1.1', '01', 'fe80']),
  );
  return random() < 0.3 ? parts.map((part) => Number.parseInt(part, 16) % 300).join('.') : parts.join(':');
}

test(`what is an address is decided as the system decides it (seed ${SEED})`, () => {
  let good = 0;
  eachSeed(20_000, (seed) => {
    const text = randomIpText(seededRandom(seed));
    const bytes = parseIp(text);
    assert.equal(bytes !== undefined, isIP(text) !== 0, text);
    if (bytes) good++;
  });
  assert.ok(good > 200);
});

test(`addresses survive text and compact form, in one canonical spelling (seed ${SEED})`, () => {
  eachSeed(5000, (seed) => {
    const random = seededRandom(seed);
    const bytes = randomBytes(random, random() < 0.5 ? 4 : 16);
    // Runs of zeros are where shortening goes wrong.
    for (let zero = randomBelow(random, 10); zero > 0; zero--) bytes[randomBelow(random, bytes.length)] = 0;
    const host = formatIp(bytes);
    assert.ok(bytes.length === 4 ? isIPv4(host) : isIPv6(host) || isIPv4(host), host);
    const address: Address = { host, port: 1 + randomBelow(random, 65_535) };
    assert.deepEqual(parseAddress(formatAddress(address)), address);
    assert.deepEqual(parseCompactAddress(encodeCompactAddress(address)), address);
  });
});

test('a port is 1 to 65535, in text and in compact form', () => {
  for (const text of [
    '1.2.3.4:0',
    '1.2.3.4:65536',
    '1.2.3.4:-1',
    '1.2.3.4:',
    '1.2.3.4',
    '1.2.3.4:1e3',
    '::1:80',
    '[1.2.3.4]:80x',
    'host:80',
    '[fe80::1%eth0]:80',
    ' 1.2.3.4:80',
  ]) {
    assert.equal(parseAddress(text), undefined, text);
  }
  assert.deepEqual(parseAddress('[::ffff:1.2.3.4]:80'), { host: '1.2.3.4', port: 80 });
  assert.equal(parseCompactAddress(Uint8Array.of(1, 2, 3, 4, 0, 0)), undefined);
  for (const length of [0, 5, 7, 17, 19]) assert.equal(parseCompactAddress(new Uint8Array(length).fill(1)), undefined);
  assert.equal(encodeCompactAddress({ host: 'not an address', port: 1 }).length, 0);
});

const reaches: [Reach, string[]][] = [
  ['public', ['1.1.1.1', '172.15.0.1', '172.32.0.1', '192.169.0.1', '100.128.0.1', '2606:4700::1', '2a00::1']],
  [
    'private',
    ['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', '100.64.0.1', 'fc00::1', 'fdff::1', '::ffff:10.0.0.1'],
  ],
  ['link-local', ['169.254.1.1', 'fe80::1', 'febf::1', '::ffff:169.254.169.254']],
  ['loopback', ['127.0.0.1', '127.255.255.255', '::1', '::ffff:127.0.0.1', '::ffff:7f00:1']],
  [
    'forbidden',
    [
      ...[
        '0.0.0.0',
        '0.1.2.3',
        '224.0.0.1',
        '239.255.255.255',
        '240.0.0.1',
        '255.255.255.255',
        '192.0.2.1',
        '198.51.100.1',
        '203.0.113.1',
      ],
      ...['::', 'ff02::1', '::2', '::127.0.0.1', '64:ff9b::7f00:1', '2002:7f00:1::', '2001:0:7f00:1::', '2001:db8::1'],
      ...['100::1', 'fec0::1', '4000::1', 'not an address', '', '127.1', '0x7f.0.0.1', '2130706433', '[::1]', '::1%lo'],
    ],
  ],
];
for (const [reach, hosts] of reaches) {
  test(`these hosts are ${reach}: ${hosts.slice(0, 3).join(', ')} and the like (SAFETY rule 2)`, () => {
    for (const host of hosts) assert.equal(reachOf(host), reach, host);
  });
}

test('a node as an origin is read back, with any path behind it, and nothing else is one', () => {
  const nodeId = parseNodeId('0a'.repeat(32))!;
  for (const address of [
    { host: '192.0.2.1', port: 7373 },
    { host: '2001:db8::1', port: 1 },
  ]) {
    const origin = nodeOrigin({ nodeId, address });
    for (const rest of ['', '/', '/announce?info_hash=%00', '?a', '#b']) {
      assert.deepEqual(nodeOfUrl(origin + rest), { nodeId, address });
    }
  }
  // As URL writes the port of https.
  assert.deepEqual(nodeOfUrl(new URL(`https://${nodeId}@192.0.2.1:443/`).href)?.address.port, 443);
  for (const url of [
    'https://192.0.2.1:7373/',
    `http://${nodeId}@192.0.2.1:7373`,
    `https://${nodeId}@192.0.2.1:0`,
    `https://${nodeId}@name.example:7373`,
    `https://${nodeId}:secret@192.0.2.1:7373`,
    `https://${nodeId.slice(1)}@192.0.2.1:7373`,
    `https://${nodeId.toUpperCase()}@192.0.2.1:7373`,
    '',
  ]) {
    assert.equal(nodeOfUrl(url), undefined, url);
  }
});
