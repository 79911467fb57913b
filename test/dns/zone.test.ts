import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildZone, contentKey, nextSerial, type RecordData, type ZoneContent } from '../../dns/index.ts';
import { HOSTS_MAX, NAME_SERVERS_MAX } from '../../dns/zone.ts';
import { seededRandom, wallSeconds } from '../../src/base/index.ts';
import { content, host, labelOf, nodeId, ZONE } from './fixtures.ts';

const recordsOf = (made: ZoneContent, owner: string, type: RecordData['type'], seed = 1): RecordData[] =>
  (buildZone(ZONE, made, 7, seededRandom(seed)).records.get(owner) ?? []).filter((record) => record.type === type);

test('N-27 the apex lists the addresses of supernodes, and SRV where they listen', () => {
  const addresses = recordsOf(content(), ZONE, 'A').map((record) => record.type === 'A' && record.address);
  assert.deepEqual(addresses.toSorted(), ['10.0.0.1', '10.0.0.2', '10.0.0.3']);
  const places = recordsOf(content(), `_monsoon._tcp.${ZONE}`, 'SRV');
  assert.deepEqual(new Set(places), new Set([1, 2, 3].map((n) => ({ type: 'SRV', port: 7373, target: labelOf(n) }))));
  for (const n of [1, 2, 3]) {
    assert.deepEqual(recordsOf(content(), labelOf(n), 'A'), [{ type: 'A', address: `10.0.0.${n}` }]);
    assert.equal(recordsOf(content(), labelOf(n), 'AAAA').length, 1);
  }
});

test('the name servers are this node and the volunteers, and each has an entry of its own', () => {
  const targets = (made: ZoneContent): unknown[] =>
    recordsOf(made, ZONE, 'NS').map((record) => 'target' in record && record.target);
  assert.deepEqual(targets(content()), [labelOf(1), labelOf(2)]);
  assert.deepEqual(targets(content({ hosts: [] })), [labelOf(1)]);
  assert.ok(buildZone(ZONE, content({ hosts: [] }), 7, seededRandom(1)).records.has(labelOf(1)));
  const many = content({ hosts: Array.from({ length: 50 }, (_, n) => host(n, true)) });
  const zone = buildZone(ZONE, many, 7, seededRandom(1));
  assert.equal(targets(many).length, NAME_SERVERS_MAX);
  for (const target of targets(many)) assert.ok(zone.records.get(String(target))!.length > 0);
});

test('a zone of many supernodes is a bounded random sample, and in time every one appears', () => {
  const many = content({ hosts: Array.from({ length: 100 }, (_, n) => host(n)) });
  const seen = new Set<string>();
  for (let seed = 0; seed < 100; seed++) {
    const listed = recordsOf(many, ZONE, 'A', seed);
    assert.equal(listed.length, HOSTS_MAX);
    for (const record of listed) seen.add(JSON.stringify(record));
  }
  assert.equal(seen.size, 100);
});

test('the content key ignores order and tells every change', () => {
  const one = content();
  assert.equal(contentKey({ ...one, hosts: one.hosts.toReversed() }), contentKey(one));
  const changes = [
    { network: 'typhoon' },
    { self: nodeId(2) },
    { hosts: [] },
    { hosts: [host(1, true), host(2, true), host(4)] },
  ];
  for (const change of changes) assert.notEqual(contentKey({ ...one, ...change }), contentKey(one));
});

test('the serial rises by the clock, and by one where the clock stands still or goes back', () => {
  assert.equal(nextSerial(0, wallSeconds(1_800_000_000)), 1_800_000_000);
  assert.equal(nextSerial(1_800_000_000, wallSeconds(1_800_000_000)), 1_800_000_001);
  assert.equal(nextSerial(1_800_000_001, wallSeconds(1_500_000_000)), 1_800_000_002);
});
