// The node as a DNS-SD service: which questions are answered with what, and which beacons records carry.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answersTo, beaconsIn, recordsOf, SERVICE } from '../../src/lan/index.ts';

const INSTANCE = { name: 'node-1f', host: '10.0.0.1', port: 7373, beacon: Uint8Array.of(1, 2, 255) };
const ask = (name: string, type: string): string[] => answersTo({ name, type }, INSTANCE).map((record) => record.type);

test('a browser gets everything with one question, and each record by its own name', () => {
  assert.deepEqual(ask(SERVICE, 'PTR'), ['PTR', 'SRV', 'TXT', 'A']);
  assert.deepEqual(ask('_Services._dns-sd._udp.LOCAL', 'PTR'), ['PTR']);
  assert.deepEqual(ask(`node-1f.${SERVICE}`, 'SRV'), ['SRV']);
  assert.deepEqual(ask(`NODE-1f.${SERVICE}`, 'ANY'), ['SRV', 'TXT']);
  assert.deepEqual(ask('node-1f.local', 'A'), ['A']);
  for (const [name, type] of [
    [SERVICE, 'A'],
    ['_http._tcp.local', 'PTR'],
    [`other.${SERVICE}`, 'SRV'],
    ['', 'ANY'],
  ]) {
    assert.deepEqual(ask(name!, type!), [], `${name} ${type}`);
  }
});

test('who leaves says so by records that nobody keeps', () => {
  assert.ok(recordsOf(INSTANCE, true).every(({ ttl }) => ttl === 0));
});

test('beacons are read from the TXT records of this service alone', () => {
  const [text] = recordsOf(INSTANCE).flatMap((record) => (record.type === 'TXT' ? [record.data] : []));
  const name = `a.${SERVICE}`;
  assert.deepEqual(beaconsIn([{ name, texts: ['x=1', text!] }]), [INSTANCE.beacon]);
  assert.deepEqual(
    beaconsIn([
      { name: 'a._http._tcp.local', texts: [text!] },
      { name, texts: ['b=xyz', 'b=1'] },
      { name, texts: [] },
    ]),
    [],
  );
});
