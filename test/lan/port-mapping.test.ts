// The port-mapping machine against gateways in memory: order, renewal, conflicts, restarts, release.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { instant } from '../../src/base/index.ts';
import { isPublicPlace, MAPPING_PROTOCOLS } from '../../src/lan/index.ts';
import { Bench, DatagramGateway, GATEWAY, IgdGateway, PORT } from './fake-gateways.ts';

const MINUTE = 60_000;
const BOTH = [`tcp ${PORT}`, `udp ${PORT}`];
const keys = ({ mapped }: { mapped: Map<string, number> }): string[] => [...mapped.keys()].toSorted();
const isMapped = ({ machine }: Bench): boolean => machine.state.state === 'mapped';
const makers = {
  pcp: () => new DatagramGateway(2),
  'nat-pmp': () => new DatagramGateway(0),
  'upnp, version 1': () => new IgdGateway(1),
  'upnp, version 2': () => new IgdGateway(2),
};

for (const [name, make] of Object.entries(makers)) {
  test(`${name}: mapped within a moment, renewed at half life for hours, taken away at the end`, () => {
    const gateway = make();
    const bench = new Bench(gateway, MAPPING_PROTOCOLS).begin();
    bench.pass(20_000);
    const external = { host: '5.6.7.8', tcpPort: PORT, udpPort: PORT };
    assert.deepEqual(bench.machine.state, { state: 'mapped', protocol: name.replace(/,.*/, ''), external });
    assert.deepEqual(keys(gateway), BOTH);
    const first = bench.machine.state;
    for (let minutes = 0; minutes < 300; minutes += 5) {
      bench.pass(5 * MINUTE);
      for (const [key, end] of gateway.mapped) assert.ok(end > bench.now, `${key} ran out after ${minutes} minutes`);
    }
    assert.equal(bench.machine.state, first, 'nothing changed, so nothing is said to have');
    const perHour = bench.sent.length / 5;
    assert.ok(perHour < 20, `${perHour} messages an hour`);

    bench.feed({ type: 'end' });
    assert.deepEqual(keys(gateway), []);
    assert.equal(bench.machine.state.state, 'ended');
    assert.equal(bench.machine.deadline, undefined);
  });

  test(`${name}: a number that another host has is left to it`, () => {
    const gateway = make();
    gateway.taken.add(PORT);
    const bench = new Bench(gateway, MAPPING_PROTOCOLS).begin();
    bench.pass(20_000);
    assert.ok(bench.machine.state.state === 'mapped');
    const { tcpPort, udpPort } = bench.machine.state.external;
    assert.notEqual(tcpPort, PORT);
    assert.equal(udpPort, tcpPort, 'one number for both');
    assert.deepEqual(keys(gateway), [`tcp ${tcpPort}`, `udp ${tcpPort}`]);
  });

  test(`${name}: an end in the middle of the attempt leaves nothing mapped`, () => {
    for (let steps = 1; steps < 12; steps++) {
      const gateway = make();
      let answers = 0;
      const bench = new Bench({ mapped: gateway.mapped, answer: () => [] }, MAPPING_PROTOCOLS);
      bench.gateway = {
        mapped: gateway.mapped,
        answer: (effect, now) =>
          ++answers === steps ? [{ type: 'end' }, ...gateway.answer(effect, now)] : gateway.answer(effect, now),
      };
      bench.begin();
      bench.pass(20_000);
      bench.feed({ type: 'end' });
      bench.pass(20_000);
      assert.deepEqual(keys(gateway), [], `ended at answer ${steps}`);
      assert.equal(bench.machine.state.state, 'ended');
    }
  });
}

for (const version of [0, 2] as const) {
  test(`version ${version}: a restarted gateway is asked at once, whether it says so or its clock does`, () => {
    const gateway = new DatagramGateway(version);
    const bench = new Bench(gateway, MAPPING_PROTOCOLS).begin();
    bench.pass(10 * MINUTE);
    gateway.restart(bench.now);
    bench.feed(gateway.notice(bench.now));
    assert.deepEqual(keys(gateway), BOTH);

    bench.pass(MINUTE);
    const sent = bench.sent.length;
    bench.feed(gateway.notice(bench.now));
    assert.equal(bench.sent.length, sent, 'a notice with the age that was expected changes nothing');
  });

  test(`version ${version}: a gateway that says it has just started is asked, however young it was before`, () => {
    const gateway = new DatagramGateway(version);
    gateway.startedAt = instant(1_000_000);
    const bench = new Bench(gateway, MAPPING_PROTOCOLS).begin();
    bench.pass(1000);
    gateway.restart(bench.now);
    assert.deepEqual(keys(gateway), []);
    bench.feed(gateway.notice(bench.now));
    assert.deepEqual(keys(gateway), BOTH);
  });

  test(`version ${version}: a gateway that falls silent keeps its mapping until that runs out, then others are tried`, () => {
    const gateway = new DatagramGateway(version);
    const bench = new Bench(gateway, MAPPING_PROTOCOLS).begin();
    bench.pass(MINUTE);
    gateway.isSilent = true;
    bench.pass(20 * MINUTE);
    assert.ok(isMapped(bench));
    bench.pass(15 * MINUTE);
    const { state } = bench.machine;
    assert.ok(state.state === 'none' && state.because.includes('it does not answer'), JSON.stringify(state));
    gateway.isSilent = false;
    bench.pass(11 * MINUTE);
    assert.ok(isMapped(bench), 'and it is back when the gateway is');
  });

  test(`version ${version}: a refusal is passed on in words`, () => {
    const gateway = new DatagramGateway(version);
    gateway.result = 2;
    const bench = new Bench(gateway, [version === 2 ? 'pcp' : 'nat-pmp']).begin();
    bench.pass(MINUTE);
    const { state } = bench.machine;
    assert.ok(state.state === 'none' && state.because.includes('it does not allow that'));
  });
}

test('a gateway that says nothing is given up in all three ways within 15 s, and asked again much later', () => {
  const bench = new Bench(undefined, MAPPING_PROTOCOLS).begin();
  bench.pass(15_000);
  const { state } = bench.machine;
  assert.ok(state.state === 'none');
  assert.equal(
    state.because,
    'pcp: it does not answer; nat-pmp: it does not answer; upnp: no gateway answers the search',
  );
  const sent = bench.sent.length;
  bench.pass(9 * MINUTE);
  assert.equal(bench.sent.length, sent);
  bench.pass(2 * MINUTE);
  assert.ok(bench.sent.length > sent);
  bench.feed({ type: 'end' });
  assert.equal(bench.machine.state.state, 'ended', 'nobody is waited for who never said a word');
});

test('without a gateway nothing is sent; with a new one everything begins anew, with the same one nothing does', () => {
  const gateway = new DatagramGateway(2);
  const bench = new Bench(gateway, MAPPING_PROTOCOLS);
  bench.feed({ type: 'gateway', gateway: undefined });
  assert.deepEqual(bench.machine.state, { state: 'none', because: 'there is no gateway' });
  assert.equal(bench.sent.length, 0);
  bench.begin();
  assert.equal(bench.machine.state.state, 'mapped');
  const sent = bench.sent.length;
  bench.begin();
  assert.equal(bench.sent.length, sent);
  bench.feed({ type: 'gateway', gateway: { ...GATEWAY, ownHost: '192.168.1.8' } });
  assert.ok(bench.sent.length > sent);
});

test('upnp: a device that keeps mappings only for ever is given what it wants', () => {
  const gateway = new IgdGateway(1);
  gateway.isPermanentOnly = true;
  const bench = new Bench(gateway, MAPPING_PROTOCOLS).begin();
  bench.pass(MINUTE);
  assert.equal(bench.machine.state.state, 'mapped');
});

test('upnp: a device that is not where it was found, has no address, refuses, or has no free port is given up', () => {
  const broken: [(gateway: IgdGateway) => void, RegExp][] = [
    [(gateway) => (gateway.location = 'http://192.168.1.9:5000/root.xml'), /no gateway answers/],
    [(gateway) => (gateway.location = 'http://192.168.1.1:5000/other.xml'), /offers no port mapping/],
    [(gateway) => (gateway.externalHost = '0.0.0.0'), /no external address/],
    [(gateway) => (gateway.externalHost = 'nonsense'), /no external address/],
    [(gateway) => gateway.errors.set('AddPortMapping', 606), /UPnP error 606/],
    [(gateway) => gateway.errors.set('AddPortMapping', 718), /every port that was tried is taken/],
    [(gateway) => gateway.errors.set('AddPortMapping', 501), /UPnP error 501/],
  ];
  for (const [breakIt, because] of broken) {
    const gateway = new IgdGateway(1);
    breakIt(gateway);
    const bench = new Bench(gateway, ['upnp']).begin();
    bench.pass(MINUTE);
    const { state } = bench.machine;
    assert.ok(state.state === 'none', `${because}`);
    assert.match(state.because, because);
    assert.ok(gateway.asked.length < 20, `${gateway.asked.length} requests`);
  }
});

test('a mapping on a gateway that is itself behind a NAT does not count as a way to the internet', () => {
  const place = { tcpPort: PORT, udpPort: PORT };
  for (const host of ['10.0.0.2', '100.64.0.9', '192.168.0.2', '0.0.0.0', ''])
    assert.ok(!isPublicPlace({ ...place, host }));
  assert.ok(isPublicPlace({ ...place, host: '5.6.7.8' }));
});
