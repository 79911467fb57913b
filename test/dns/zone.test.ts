import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  buildZone,
  isSerialAfter,
  nextSerial,
  type RecordData,
  shuffledZone,
  withSerial,
  type Zone,
  type ZoneContent,
  ZoneDraw,
  zoneKey,
} from '../../dns/index.ts';
import { HOSTS_MAX, NAME_SERVERS_MAX } from '../../dns/zone.ts';
import { SAMPLE_MS } from '../../dns/zone-draw.ts';
import { instant, isFault, parseAddress, seededRandom, wallSeconds } from '../../src/base/index.ts';
import { parseZoneText } from '../../src/overlay/index.ts';
import { content, host, labelOf, nodeId, recordOf, TTL_SECONDS, ZONE } from './fixtures.ts';

const build = (made: ZoneContent, serial = 7): Zone =>
  buildZone({ origin: ZONE, ttlSeconds: TTL_SECONDS, serial }, made);
type Of<Type> = RecordData extends infer Each
  ? Each extends { type: infer Own }
    ? Type extends Own
      ? Each
      : never
    : never
  : never;
const recordsOf = <Type extends RecordData['type']>(made: ZoneContent, owner: string, type: Type): Of<Type>[] =>
  (build(made).records.get(owner) ?? []).filter((data) => data.type === type) as Of<Type>[];
const many = (count: number): ZoneContent['hosts'] => Array.from({ length: count }, (_, n) => host(n));

test('N-27 the apex lists the addresses of supernodes, and SRV where they listen', () => {
  const addresses = recordsOf(content(), ZONE, 'A').map((data) => data.address);
  assert.deepEqual(addresses.toSorted(), ['10.0.0.1', '10.0.0.2', '10.0.0.3']);
  const places = recordsOf(content(), `_monsoon._tcp.${ZONE}`, 'SRV');
  assert.deepEqual(new Set(places), new Set([1, 2, 3].map((n) => ({ type: 'SRV', port: 7373, target: labelOf(n) }))));
  for (const n of [1, 2, 3]) {
    assert.deepEqual(recordsOf(content(), labelOf(n), 'A'), [{ type: 'A', address: `10.0.0.${n}` }]);
    assert.equal(recordsOf(content(), labelOf(n), 'AAAA').length, 1);
  }
});

test('the TXT of the apex names the network and descriptors, that of a host its own', () => {
  const read = (owner: string): readonly Uint8Array[] => {
    const [data] = recordsOf(content(), owner, 'TXT');
    const parsed = parseZoneText(data!.text);
    assert.ok(!isFault(parsed) && parsed.network === 'monsoon');
    return parsed.records;
  };
  assert.deepEqual(read(ZONE), [recordOf(1), recordOf(2)], 'as many as a datagram holds');
  for (const n of [1, 2, 3]) assert.deepEqual(read(labelOf(n)), [recordOf(n)]);
});

test('the name servers are this node and those that answer too, and each has its addresses', () => {
  const targets = (made: ZoneContent): string[] => recordsOf(made, ZONE, 'NS').map(({ target }) => target);
  assert.deepEqual(targets(content()), [labelOf(1), labelOf(2)]);
  const alone = content({ hosts: [], servers: [] });
  assert.deepEqual(targets(alone), [labelOf(1)]);
  assert.deepEqual(recordsOf(alone, labelOf(1), 'A'), [{ type: 'A', address: '10.0.0.1' }]);
  const crowded = content({ hosts: [], servers: many(50) });
  assert.equal(targets(crowded).length, NAME_SERVERS_MAX);
  for (const target of targets(crowded)) assert.ok(build(crowded).records.get(target)!.length > 0);
});

test('private addresses are named only while no public one of their kind is there, and worse ones never', () => {
  const at = (n: number, ...addresses: string[]) => ({
    ...host(n),
    addresses: addresses.map((text) => parseAddress(text)!),
  });
  const named = (...hosts: ReturnType<typeof at>[]): string[] =>
    recordsOf(content({ hosts, servers: [], selfAddresses: [] }), ZONE, 'A').map(({ address }) => address);
  assert.deepEqual(named(at(1, '10.0.0.1:1'), at(2, '127.0.0.1:1')), ['10.0.0.1', '127.0.0.1']);
  assert.deepEqual(named(at(1, '10.0.0.1:1'), at(2, '9.9.9.9:1', '[fd00::1]:1')), ['9.9.9.9']);
  assert.deepEqual(named(at(1, '169.254.1.1:1', '224.0.0.1:1')), []);
});

test('a zone of many supernodes is a bounded random sample that stays for a minute, and in time every one appears', () => {
  const draw = new ZoneDraw(seededRandom(1));
  const seen = new Set<string>();
  const all = many(100);
  for (let minute = 0; minute < 100; minute++) {
    const first = draw.draw(all, [], instant(minute * SAMPLE_MS)).hosts;
    const second = draw.draw(all.toReversed(), [], instant(minute * SAMPLE_MS + 5000)).hosts;
    assert.deepEqual(new Set(first), new Set(second));
    assert.equal(recordsOf(content({ hosts: first }), ZONE, 'A').length, HOSTS_MAX);
    for (const { nodeId } of first) seen.add(nodeId);
  }
  assert.equal(seen.size, 100);
});

test('who is gone is replaced at once, and the others stay', () => {
  const draw = new ZoneDraw(seededRandom(1));
  const all = many(30);
  const before = draw.draw(all, [], instant(0)).hosts;
  const left = all.filter((each) => each !== before[0]);
  const after = draw.draw(left, [], instant(1)).hosts;
  assert.equal(after.length, HOSTS_MAX);
  assert.equal(after.filter((each) => before.includes(each)).length, HOSTS_MAX - 1);
});

test('the key of a zone ignores order and serial, and tells every change', () => {
  const one = build(content());
  const key = zoneKey(one);
  assert.equal(zoneKey(withSerial(shuffledZone(one, seededRandom(1)), 9)), key);
  const changes: Partial<ZoneContent>[] = [
    { network: 'typhoon' },
    { self: nodeId(2) },
    { hosts: [] },
    { hosts: [host(1), host(2), host(4)] },
    { servers: [] },
  ];
  for (const change of changes) assert.notEqual(zoneKey(build(content(change))), key);
});

test('N-28 the serial rises by the clock, by one where the clock stands still or goes back, and over its end', () => {
  assert.equal(nextSerial(0, wallSeconds(1_800_000_000)), 1_800_000_000);
  assert.equal(nextSerial(1_800_000_000, wallSeconds(1_800_000_000)), 1_800_000_001);
  assert.equal(nextSerial(1_800_000_001, wallSeconds(1_500_000_000)), 1_800_000_002);
  assert.equal(nextSerial(1_800_000_001, wallSeconds(1_900_000_000)), 1_900_000_000);
  assert.equal(nextSerial(2 ** 32 - 1, wallSeconds(2 ** 32 - 1)), 1);
  for (const [previous, clock] of [
    [1, 5],
    [7, 5],
    [2 ** 32 - 1, 3],
    [2 ** 31, 2 ** 31 - 9],
  ] as const) {
    assert.ok(isSerialAfter(nextSerial(previous, wallSeconds(clock)), previous), `${previous} ${clock}`);
  }
});
