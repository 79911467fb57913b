// Lists of hosts that people pass on: what is read of them, and that a list which was written is read again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseNodeId } from '../../src/base/index.ts';
import { formatHostList, LISTED_MAX, linesOfJson, parseHostList } from '../../src/overlay/index.ts';

const NODE = parseNodeId('ab'.repeat(32))!;

test('N-26 lines, comments and node ids are read, and a list that was written is read again', () => {
  const lines = ['# mine', '192.0.2.1:7373', `[2001:db8::1]:443 ${NODE}`, 'seeds.example.org # a name', 'host:80', ''];
  assert.deepEqual(parseHostList(lines), [
    { at: '192.0.2.1:7373', nodeId: undefined },
    { at: '[2001:db8::1]:443', nodeId: NODE },
    { at: 'seeds.example.org', nodeId: undefined },
    { at: 'host:80', nodeId: undefined },
  ]);
  const addresses = [
    { host: '192.0.2.1', port: 1 },
    { host: '2001:db8::1', port: 2 },
  ];
  const written = formatHostList([{ nodeId: NODE, addresses }]);
  assert.deepEqual(
    parseHostList(written).map(({ at, nodeId }) => [at, nodeId]),
    [
      ['192.0.2.1:1', NODE],
      ['[2001:db8::1]:2', NODE],
    ],
  );
});

test('words, markup and endless lists are not hosts', () => {
  const lines = [
    '<html>',
    'not a host',
    'word',
    'http://a.example/',
    '../../etc/passwd',
    '1.2.3.4:999999',
    'bogus.example:99999',
    '[2001:db8::1]:65536',
    '192.0.2.1:0',
    'a b.example c',
  ];
  assert.deepEqual(parseHostList(lines), []);
  assert.equal(parseHostList(Array.from({ length: 5000 }, (_, n) => `10.0.${n >> 8}.${n & 255}:1`)).length, LISTED_MAX);
});

test('JSON of any shape becomes lines or nothing', () => {
  const [one] = linesOfJson({ hosts: [{ nodeId: NODE, addresses: ['192.0.2.1:1'] }] });
  assert.deepEqual(parseHostList([one!]), [{ at: '192.0.2.1:1', nodeId: NODE }]);
  assert.deepEqual(linesOfJson(['a.example', { addresses: 7 }, null, 3, { addresses: ['b.example', 5] }]), [
    'a.example',
    'b.example ',
  ]);
  for (const value of [null, 5, 'x', {}, { hosts: 'x' }]) assert.deepEqual(linesOfJson(value), []);
});
