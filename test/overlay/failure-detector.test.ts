// Who is looked for, on whose word, and what is taken for an answer.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Instant,
  instant,
  later,
  type NodeId,
  seededRandom,
  shuffled,
  wallSeconds,
} from '../../src/base/index.ts';
import { verify } from '../../src/io/identity.ts';
import { Context } from '../../src/overlay/context.ts';
import { FailureDetector } from '../../src/overlay/failure-detector.ts';
import { type Descriptor, type OverlayMessage, sealDescriptor } from '../../src/overlay/index.ts';
import { letteredDescriptor } from '../../src/overlay/record-names.ts';
import { identity, NOW, nobody, sha1, statement } from './fixtures.ts';
import { MapKeeper } from './mesh.ts';

const VICTIM = identity(2).nodeId;
const TELLER = identity(3).nodeId;
const CAPACITY = { announcesPerSecond: 1000, peers: 1000, hashes: 1000, trackingBytesPerSecond: 1000 };

const signed = (n: number, sequence: number): Descriptor => {
  const addresses = [{ host: `10.0.0.${n}`, port: 7373 }];
  const said = statement({ addresses, sequence, certificate: nobody, expires: wallSeconds(NOW + 3600) });
  return sealDescriptor(said, identity(n).nodeId, identity(n).sign, sha1);
};

/** The detector of node 1, which knows nodes 2 to `count`, each by its descriptor 5. */
class Watcher {
  readonly lost: string[] = [];
  readonly returned: string[] = [];
  readonly slow: string[] = [];
  readonly found: Uint8Array[] = [];
  readonly context: Context;
  readonly detector: FailureDetector;
  /** To whom a connection is open; everybody unless a test says otherwise. */
  acquaintances: NodeId[];
  /** In how many ms some of them were told that they are asked again. */
  readonly promised = new Map<NodeId, number>();
  /** How it is answered, by who is asked. */
  answer: (to: string, message: OverlayMessage) => OverlayMessage | undefined = () => undefined;
  /** In how many milliseconds, by who is asked. */
  delayMs: (to: string) => number = () => 50;
  readonly asked: { readonly to: string; readonly type: string; readonly at: Instant }[] = [];
  readonly #waiting: { at: Instant; exchange: number; reply: OverlayMessage | undefined }[] = [];

  constructor(count = 9) {
    const { nodeId, sign } = identity(1);
    const settings = {
      ...{ network: 'monsoon', self: nodeId, sign, verify, sha1, random: seededRandom(1), capacity: CAPACITY },
      ...{ role: 'supernode' as const, addresses: () => [], roles: () => 0, keeper: new MapKeeper() },
      ...{ term: 0, sequence: 0 },
    };
    this.context = new Context(settings, instant(0), NOW);
    for (let n = 1; n <= count; n++) this.context.view.offer(signed(n, 5));
    this.acquaintances = shuffled(this.context.others(), seededRandom(2)).map(({ nodeId }) => nodeId);
    const events = {
      lost: (who: NodeId) => void this.lost.push(who),
      slow: (who: string) => void this.slow.push(who),
      returned: (descriptor: Descriptor) => {
        this.returned.push(descriptor.nodeId);
        this.context.view.offer(descriptor);
      },
      refute: () => {},
      found: (records: readonly Uint8Array[]) => void this.found.push(...records),
    };
    this.detector = new FailureDetector(this.context, events, {
      some: (most, except) =>
        this.acquaintances
          .filter((nodeId) => !except.has(nodeId))
          .slice(0, most)
          .map((nodeId) => this.context.view.get(nodeId)!),
      againMs: (nodeId) => this.promised.get(nodeId),
    });
    this.detector.serve(true);
  }

  /** Answers come after their delay, and their absence when the time for them is over. */
  run(ms: number): void {
    const { context } = this;
    for (const end = later(context.now, ms); context.now < end; context.now = later(context.now, 10)) {
      for (const due of this.#waiting.filter(({ at }) => at <= context.now)) {
        this.#waiting.splice(this.#waiting.indexOf(due), 1);
        context.exchanges.settle(due.exchange, due.reply);
      }
      this.detector.tick();
      for (const effect of context.exchanges.take()) {
        if (effect.type !== 'ask') continue;
        const { exchange, to, message, timeoutMs } = effect;
        this.asked.push({ to: to.nodeId, type: message.type, at: context.now });
        const reply = this.answer(to.nodeId, message);
        const ms = reply ? this.delayMs(to.nodeId) : timeoutMs;
        const isInTime = ms <= timeoutMs;
        const at = later(context.now, Math.min(ms, timeoutMs));
        this.#waiting.push({ at, exchange, reply: isInTime ? reply : undefined });
      }
    }
  }

  looksFor(nodeId: string): number {
    return this.asked.filter(({ to, type }) => to === nodeId && type === 'hello').length;
  }
}

const isThere = (sequence: number): OverlayMessage => ({ type: 'here', load: 0, sequence });

test('a member that says again and again that others are silent is soon not heard, and who is right is', () => {
  const watcher = new Watcher();
  watcher.answer = (to, { type }) => (type === 'hello' && to !== TELLER ? isThere(5) : undefined);
  const suspects = [{ nodeId: VICTIM, sequence: 5 }];
  for (let second = 0; second < 120; second++) {
    watcher.detector.note(suspects, TELLER);
    watcher.run(1000);
  }
  assert.ok(watcher.looksFor(VICTIM) >= 1 && watcher.looksFor(VICTIM) <= 6, `${watcher.looksFor(VICTIM)} looks`);
  watcher.answer = () => undefined;
  watcher.detector.note(suspects, identity(4).nodeId);
  watcher.run(4000);
  assert.deepEqual(watcher.lost, [VICTIM]);
});

test('who answered a moment ago is found silent within seconds of being so, whoever lied about it before', () => {
  const watcher = new Watcher();
  watcher.answer = () => isThere(5);
  watcher.detector.note([{ nodeId: VICTIM, sequence: 5 }], TELLER);
  watcher.run(1500);
  assert.equal(watcher.looksFor(VICTIM), 1);
  watcher.answer = () => undefined;
  for (let i = 0; i < 6; i++) {
    watcher.run(500);
    watcher.detector.note([{ nodeId: VICTIM, sequence: 5 }], identity(4).nodeId);
  }
  watcher.run(2000);
  assert.deepEqual(watcher.lost, [VICTIM]);
});

test('a silence is told to those to whom a connection is open, and they are told as before when they are asked again', () => {
  const watcher = new Watcher(30);
  watcher.acquaintances = [20, 21, 22, 23, 24, 25, 26, 27].map((n) => identity(n).nodeId);
  const [promised] = watcher.acquaintances as [NodeId];
  watcher.promised.set(promised, 7000);
  const told = new Map<string, number | undefined>();
  const probed: string[] = [];
  watcher.answer = (to, message) => {
    if (message.type === 'gossip') told.set(to, message.againMs);
    if (message.type === 'probe') probed.push(to);
    return undefined;
  };
  watcher.detector.check(VICTIM);
  watcher.run(1000);
  const { ring } = watcher.context.view;
  const neighbours = ring.rangesOf(VICTIM).flatMap(({ to }) => ring.ownerSetAt(to).map(({ nodeId }) => nodeId));
  const others = [...told.keys()].filter((to) => !neighbours.includes(to as NodeId));
  assert.ok(probed.length === 3 && told.has(promised));
  for (const to of [...others, ...probed]) assert.ok(watcher.acquaintances.includes(to as NodeId), to);
  assert.deepEqual(
    [...told].filter(([, againMs]) => againMs !== undefined),
    [[promised, 7000]],
  );
});

test('who gets no answer has a few more look at once, and one lost packet has nobody look', () => {
  const watcher = new Watcher(30);
  let isLost = true;
  watcher.answer = (to, { type }) => ((to === VICTIM && isLost) || type === 'probe' ? undefined : isThere(5));
  const told = () => watcher.asked.filter(({ type }) => type === 'gossip').length;
  watcher.detector.check(VICTIM);
  watcher.run(600);
  const probes = watcher.asked.filter(({ type }) => type === 'probe').length;
  assert.deepEqual([probes, told()], [3, 0], 'three look first');
  watcher.run(200);
  assert.ok(told() >= 4 && told() <= 8, `${told()} were told`);
  watcher.run(5000);
  isLost = false;
  const before = told();
  watcher.detector.check(identity(5).nodeId);
  watcher.run(2000);
  assert.equal(told(), before);
});

test('whom others find in time is slow, and nobody is told', () => {
  const watcher = new Watcher(30);
  watcher.answer = (_to, { type }) => (type === 'probe' ? { type: 'probed', isThere: true } : isThere(5));
  watcher.delayMs = (to) => (to === VICTIM ? 1300 : 50);
  watcher.detector.check(VICTIM);
  watcher.run(3000);
  assert.equal(watcher.asked.filter(({ type }) => type === 'gossip').length, 0);
  assert.deepEqual([watcher.lost, watcher.slow], [[], [VICTIM]]);
});

test('a member that serves by a later descriptor and shows the old one is dropped; one that shows it is not', () => {
  for (const shown of [5, 7]) {
    const watcher = new Watcher();
    watcher.answer = (_to, { type }) =>
      type === 'records'
        ? { type: 'records', records: [letteredDescriptor(signed(2, shown).record)], wanted: [] }
        : isThere(7);
    watcher.detector.check(VICTIM);
    watcher.run(500);
    assert.deepEqual(watcher.lost, shown === 5 ? [VICTIM] : []);
    assert.equal(watcher.found.length, shown === 5 ? 0 : 1);
  }
});

test('nobody is dropped because there is no room for questions', () => {
  const watcher = new Watcher();
  watcher.answer = () => isThere(5);
  const contact = { nodeId: identity(40).nodeId, address: { host: '10.0.0.40', port: 7373 } };
  for (let i = 0; i < 2000; i++) watcher.context.exchanges.ask(contact, { type: 'hello' }, 60_000, () => {});
  watcher.detector.check(VICTIM);
  watcher.detector.note([{ nodeId: identity(5).nodeId, sequence: 5 }], TELLER);
  watcher.context.exchanges.settleRefused();
  watcher.run(5000);
  watcher.context.exchanges.settleRefused();
  assert.deepEqual(watcher.lost, []);
});

test('who reaches nobody drops the others for itself alone, and tells others again once it hears one', () => {
  const watcher = new Watcher(30);
  const others = [2, 3, 4, 5].map((n) => identity(n).nodeId);
  watcher.run(6000);
  for (const nodeId of others) {
    watcher.detector.check(nodeId);
    watcher.run(1500);
  }
  assert.deepEqual(watcher.lost, others);
  assert.deepEqual(
    watcher.asked.map(({ to, type }) => ({ to, type })),
    others.map((to) => ({ to, type: 'hello' })),
  );
  assert.deepEqual(watcher.detector.news(), []);
  watcher.detector.noteHeard(identity(6).nodeId);
  watcher.detector.check(identity(7).nodeId);
  watcher.run(3000);
  assert.ok(watcher.asked.some(({ type }) => type === 'gossip'));
  assert.deepEqual(
    watcher.detector.news().map(({ nodeId }) => nodeId),
    [identity(7).nodeId],
  );
});

test('who is silent and said to be by as many as would be asked is dropped without asking others', () => {
  const watcher = new Watcher(30);
  watcher.answer = (to, { type }) => (to === VICTIM ? undefined : type === 'hello' ? isThere(5) : undefined);
  const say = (n: number): void => watcher.detector.note([{ nodeId: VICTIM, sequence: 5 }], identity(n).nodeId);
  say(3);
  watcher.run(1500);
  assert.deepEqual(watcher.lost, [], 'one said so');
  say(4);
  say(5);
  assert.deepEqual(watcher.lost, [VICTIM]);
});

test('who answers late was there, whoever said otherwise meanwhile, and is given more time from then on', () => {
  const watcher = new Watcher(30);
  watcher.answer = () => isThere(5);
  watcher.delayMs = (to) => (to === VICTIM ? 1300 : 50);
  const lie = (): void => {
    for (const n of [3, 4, 5]) watcher.detector.note([{ nodeId: VICTIM, sequence: 5 }], identity(n).nodeId);
  };
  lie();
  watcher.run(1260);
  assert.deepEqual(watcher.lost, [VICTIM]);
  watcher.run(400);
  assert.deepEqual(watcher.returned, [VICTIM]);
  assert.ok(watcher.context.view.get(VICTIM));
  assert.deepEqual(watcher.detector.news(), [], 'nobody is told that it is gone');
  for (let second = 0; second < 40; second += 4) {
    lie();
    watcher.run(4000);
  }
  assert.deepEqual([watcher.lost, watcher.returned], [[VICTIM], [VICTIM]], 'once');
  watcher.answer = (to) => (to === VICTIM ? undefined : isThere(5));
  lie();
  watcher.run(3500);
  assert.deepEqual(watcher.lost, [VICTIM, VICTIM], 'when it is gone it is dropped');
});

test('whoever said that somebody is silent who answers late is heard as before', () => {
  const watcher = new Watcher(30);
  watcher.answer = () => isThere(5);
  watcher.delayMs = (to) => (to === VICTIM ? 700 : 50);
  for (let second = 0; second < 60; second += 3) {
    for (const n of [3, 4, 5]) watcher.detector.note([{ nodeId: VICTIM, sequence: 5 }], identity(n).nodeId);
    watcher.run(3000);
  }
  const looks = watcher.looksFor(VICTIM);
  assert.ok(looks >= 19, `${looks} looks`);
});

test('who was dropped and answers late by a later record is believed when it shows that one, and not otherwise', () => {
  for (const isShown of [true, false]) {
    const watcher = new Watcher(30);
    const records = isShown ? [letteredDescriptor(signed(2, 7).record)] : [];
    watcher.answer = (to, { type }) => {
      if (type === 'records') return { type: 'records', records, wanted: [] };
      return isThere(to === VICTIM ? 7 : 5);
    };
    watcher.delayMs = (to) => (to === VICTIM ? 1300 : 50);
    for (const n of [3, 4, 5]) watcher.detector.note([{ nodeId: VICTIM, sequence: 5 }], identity(n).nodeId);
    watcher.run(5000);
    assert.deepEqual([watcher.lost, watcher.returned], [[VICTIM], []]);
    assert.deepEqual(watcher.found, records);
  }
});

test('nobody is dropped by a record that came after it was suspected', () => {
  const watcher = new Watcher(30);
  watcher.answer = (to, { type }) => (to === VICTIM || type === 'probe' ? undefined : isThere(5));
  for (const n of [3, 4, 5]) watcher.detector.note([{ nodeId: VICTIM, sequence: 5 }], identity(n).nodeId);
  watcher.run(500);
  const newer = signed(2, 6);
  watcher.context.view.offer(newer);
  watcher.detector.renew(newer);
  watcher.run(4000);
  assert.deepEqual(watcher.lost, []);
});

test('an answer that comes while others are asked settles it', () => {
  const watcher = new Watcher(30);
  watcher.delayMs = (to) => (to === VICTIM ? 1300 : 50);
  watcher.answer = (to, message) => {
    if (to === VICTIM) return isThere(5);
    return message.type === 'probe' ? undefined : isThere(5);
  };
  watcher.detector.check(VICTIM);
  watcher.run(3000);
  assert.deepEqual(watcher.lost, []);
});

test('who looks for many at once passes them on together', () => {
  const watcher = new Watcher(60);
  watcher.answer = (_to, { type }) => (type === 'gossip' ? { type: 'accepted' } : undefined);
  const silent = Array.from({ length: 20 }, (_, i) => ({ nodeId: identity(10 + i).nodeId, sequence: 5 }));
  watcher.detector.note(silent, TELLER);
  watcher.run(1500);
  const told = watcher.asked.filter(({ type }) => type === 'gossip').length;
  assert.ok(told > 0 && told <= 16, `${told} messages`);
});

test('of whom it was said to be silent before it was known here it is seen at once, by that record or an earlier one', () => {
  for (const [said, asked] of [
    [5, 1],
    [6, 1],
    [4, 0],
  ] as const) {
    const watcher = new Watcher(30);
    const stranger = signed(31, 5);
    watcher.detector.note([{ nodeId: stranger.nodeId, sequence: said }], TELLER);
    watcher.run(1000);
    assert.equal(watcher.asked.length, 0, 'a stranger is not asked');
    watcher.context.view.offer(stranger);
    watcher.detector.renew(stranger);
    watcher.run(100);
    assert.equal(watcher.asked.filter(({ to }) => to === stranger.nodeId).length, asked);
  }
});
