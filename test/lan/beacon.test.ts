// The beacon: who understands whom, what a call costs others, and that of several that find nobody one is first.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Address, type Instant, instant, seededRandom } from '../../src/base/index.ts';
import { sha1 } from '../../src/io/hash.ts';
import { Beacon, type BeaconEffect, type LanStanding, LISTEN_MS } from '../../src/lan/index.ts';
import { SEED } from '../seed.ts';

const PORT = 7373;
const at = (ms: number): Instant => instant(ms);
const hostOf = (n: number): Address => ({ host: `10.0.0.${n}`, port: 50_000 + n });

function beaconOf(n: number, standing: LanStanding, network = 'monsoon', isVolunteer = false): Beacon {
  const beacon = new Beacon(network, isVolunteer, sha1, seededRandom(SEED + n));
  beacon.input({ type: 'standing', standing, port: PORT + n }, at(0));
  return beacon;
}

function callOf(beacon: Beacon, now = 0): Uint8Array {
  beacon.input({ type: 'seek' }, at(now));
  const effect = beacon.effects().find(({ type }) => type === 'call');
  assert.ok(effect?.type === 'call');
  return effect.bytes;
}

const hear = (beacon: Beacon, from: Address, bytes: Uint8Array, now: number): BeaconEffect[] => {
  beacon.input({ type: 'heard', from, bytes }, at(now));
  return beacon.effects();
};

test('W-28 who serves answers a call, to its source alone, and the caller finds it', () => {
  const [seeker, server] = [beaconOf(1, 'seeks'), beaconOf(2, 'serves')];
  server.effects();
  const answers = hear(server, hostOf(1), callOf(seeker), 5);
  assert.equal(answers.length, 1);
  assert.ok(answers[0]!.type === 'answer');
  assert.deepEqual(answers[0]!.to, hostOf(1));
  assert.equal(answers[0]!.bytes.length, callOf(beaconOf(3, 'seeks')).length, 'no more bytes than were sent');
  assert.deepEqual(hear(seeker, hostOf(2), answers[0]!.bytes, 6), [
    { type: 'found', address: { host: '10.0.0.2', port: PORT + 2 } },
  ]);
  assert.deepEqual(hear(seeker, hostOf(2), answers[0]!.bytes, 7), [], 'the same one is named again later');
});

test('other networks, and any changed byte, are not understood, and nothing of a network shows in a call', () => {
  const server = beaconOf(2, 'serves');
  server.effects();
  const call = callOf(beaconOf(1, 'seeks', 'secret-family'));
  assert.deepEqual(hear(server, hostOf(1), call, 1), []);
  assert.ok(!Buffer.from(call).includes('secret-family'));
  const good = callOf(beaconOf(1, 'seeks'));
  for (let i = 0; i < good.length; i++) {
    const changed = good.slice();
    changed[i] = changed[i]! ^ 1;
    assert.deepEqual(hear(server, hostOf(1 + i), changed, 2), [], `byte ${i}`);
  }
  for (const bytes of [new Uint8Array(0), good.subarray(1), new Uint8Array(2000)]) {
    assert.deepEqual(hear(server, hostOf(99), bytes, 3), []);
  }
  assert.equal(hear(server, hostOf(1), good, 4).length, 1);
});

test('who calls without end is answered no more, and nor are all of them together', () => {
  const server = beaconOf(0, 'serves');
  server.effects();
  const call = callOf(beaconOf(1, 'seeks'));
  let one = 0;
  for (let i = 0; i < 1000; i++) one += hear(server, hostOf(1), call, 1).length;
  assert.ok(one <= 40, `${one} answers to one`);
  let all = 0;
  for (let n = 2; n < 250; n++) all += hear(server, hostOf(n), call, 1000).length;
  assert.ok(all <= 60, `${all} answers to all`);
});

test('who is alone calls at once, then by broadcast, then everybody, and ever more seldom', () => {
  const beacon = beaconOf(1, 'seeks');
  beacon.input({ type: 'seek' }, at(0));
  const calls: [number, string][] = [];
  let now = 0;
  for (let i = 0; i < 100; i++) {
    for (const effect of beacon.effects()) if (effect.type === 'call') calls.push([now, effect.to]);
    now = beacon.deadline!.at;
    beacon.input({ type: 'tick' }, at(now));
  }
  assert.deepEqual(calls.slice(0, 5), [
    [0, 'group'],
    [250, 'group'],
    [250, 'broadcast'],
    [500, 'group'],
    [500, 'broadcast'],
  ]);
  assert.deepEqual(calls[5], [500, 'everybody']);
  const sweeps = calls.filter(([, to]) => to === 'everybody').map(([ms]) => ms);
  for (const [i, ms] of sweeps.slice(1).entries()) assert.ok(ms - sweeps[i]! >= 10 * 60_000);
  const minute = calls.filter(([ms, to]) => to === 'group' && ms > now - 120_000);
  assert.ok(minute.length <= 6, `${minute.length} calls in the last two minutes`);
});

test('who knows supernodes and serves nobody never calls', () => {
  const beacon = beaconOf(1, 'seeks');
  callOf(beacon);
  beacon.input({ type: 'standing', standing: 'knows', port: PORT }, at(100));
  assert.deepEqual(beacon.effects(), []);
  assert.equal(beacon.deadline, undefined);
});

test('W-09 who has news calls twice whatever it is, and its neighbours hear of them without being asked for answers', () => {
  const [teller, hearer] = [beaconOf(1, 'knows'), beaconOf(2, 'knows')];
  const calls: [number, Uint8Array][] = [];
  const collect = (now: number): void => {
    for (const effect of teller.effects()) if (effect.type === 'call') calls.push([now, effect.bytes]);
  };
  teller.input({ type: 'news' }, at(1000));
  collect(1000);
  for (let now = 1001; now < 1100; now++) teller.input({ type: 'news' }, at(now));
  for (let deadline = teller.deadline; deadline; deadline = teller.deadline) {
    teller.input({ type: 'tick' }, deadline.at);
    collect(deadline.at);
  }
  assert.deepEqual(
    calls.map(([now]) => now),
    [1000, 1500, 2000],
    'much at once is told of once more',
  );
  assert.deepEqual(hear(hearer, hostOf(1), calls[0]![1], 1001), [
    { type: 'news', address: { host: '10.0.0.1', port: PORT + 1 } },
  ]);
  assert.deepEqual(hear(teller, hostOf(1), calls[0]![1], 1001), [], 'its own call');
  let heeded = 0;
  for (let i = 0; i < 1000; i++) heeded += hear(hearer, hostOf(1 + (i % 100)), calls[0]![1], 1002).length;
  assert.ok(heeded > 0 && heeded <= 10, `${heeded} of a flood`);
});

/** Ten nodes on a network that loses some of what is said; returns who thought to be first. */
function electedAmong(count: number, seed: number, loss: number): number[] {
  const random = seededRandom(seed);
  const nodes = Array.from({ length: count }, (_, n) => {
    const beacon = new Beacon('monsoon', n === 7, sha1, seededRandom(seed * 1000 + n));
    return { n, beacon, startsAt: 300 * random(), first: false, found: false };
  });
  type Node = (typeof nodes)[number];
  let wire: { readonly due: number; readonly to: Node; readonly from: Node; readonly bytes: Uint8Array }[] = [];
  const say = (from: Node, to: Node, bytes: Uint8Array, now: number): void => {
    if (to !== from && random() >= loss) wire.push({ due: now + 1 + 4 * random(), to, from, bytes });
  };
  for (let now = 0; now < 8000; now += 5) {
    for (const node of nodes.filter(({ startsAt }) => startsAt <= now)) {
      const { beacon } = node;
      const standing = node.first ? 'serves' : node.found ? 'knows' : 'would-serve';
      beacon.input({ type: 'standing', standing, port: PORT }, at(now));
      if (standing === 'would-serve') beacon.input({ type: 'seek' }, at(now));
      for (const heard of wire.filter(({ due, to }) => to === node && due <= now)) {
        beacon.input({ type: 'heard', from: hostOf(heard.from.n), bytes: heard.bytes }, at(now));
      }
      wire = wire.filter(({ due, to }) => to !== node || due > now);
      if (beacon.deadline && beacon.deadline.at <= now) beacon.input({ type: 'tick' }, at(now));
      for (const effect of beacon.effects()) {
        if (effect.type === 'found') node.found = true;
        else if (effect.type === 'answer') say(node, nodes[effect.to.port - 50_000]!, effect.bytes, now);
        else if (effect.type === 'call' && effect.to === 'group')
          for (const to of nodes) say(node, to, effect.bytes, now);
      }
      if (!node.found && !node.first && beacon.mayBegin(at(now))) node.first = true;
    }
  }
  assert.ok(
    nodes.every(({ first, found }) => first || found),
    `seed ${seed}: somebody is left alone`,
  );
  return nodes.filter(({ first }) => first).map(({ n }) => n);
}

test('W-24 of ten that start at once one is first, and a volunteer comes before others', () => {
  for (let seed = SEED; seed < SEED + 100; seed++) {
    assert.deepEqual(electedAmong(10, seed % 2 ** 20, 0), [7], `seed ${seed}`);
  }
});

test('where a tenth of what is said is lost there is seldom more than one, and nobody is left alone', () => {
  let firsts = 0;
  for (let seed = SEED; seed < SEED + 100; seed++) firsts += electedAmong(10, seed % 2 ** 20, 0.1).length;
  assert.ok(firsts >= 100 && firsts <= 110, `${firsts} firsts in 100 starts`);
  assert.ok(LISTEN_MS <= 1000);
});
