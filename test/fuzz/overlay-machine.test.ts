// One machine among liars: whatever it is asked and whatever it is answered, it never throws, keeps its bounds, and goes
// on. Some of the others are members with good signatures, who know what it holds.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Instant,
  instant,
  later,
  type NodeId,
  type Random,
  randomBelow,
  seededRandom,
  wallSeconds,
} from '../../src/base/index.ts';
import { ASKS_MAX } from '../../src/overlay/exchanges.ts';
import {
  encodeMessage,
  Overlay,
  type OverlayEffect,
  type OverlayInput,
  type OverlayMessage,
  parseMessage,
  type Statement,
  sealDescriptor,
  type Token,
  votedBytes,
} from '../../src/overlay/index.ts';
import { GRANTS_MAX, SUPERNODES_MAX } from '../../src/overlay/view.ts';
import { sealWidening } from '../../src/overlay/widening.ts';
import {
  candidacy,
  certificateBy,
  grantBy,
  identity,
  NOW,
  randomToken,
  sealedBy,
  sha1,
  statement,
  widening,
} from '../overlay/fixtures.ts';
import { MapKeeper } from '../overlay/mesh.ts';
import { MAKE, TYPES } from '../overlay/messages.ts';
import { eachSeed, pick, SEED } from '../seed.ts';

const ROUNDS = 1500;
const MACHINES = 6;
const LIARS = [2, 3, 4, 5, 6, 7, 8, 9];
const addressOf = (n: number) => ({ host: `10.0.0.${n}`, port: 7373 });

class Liars {
  readonly random: Random;
  readonly overlay: Overlay;
  now: Instant = instant(0);
  readonly counts = new Map<string, number>();
  #open: Extract<OverlayEffect, { type: 'ask' }>[] = [];
  #exchange = 0;

  constructor(seed: number) {
    this.random = seededRandom(seed);
    this.overlay = new Overlay(
      {
        network: 'monsoon',
        self: identity(1).nodeId,
        sign: identity(1).sign,
        // Signatures are known to work; here they only cost time.
        verify: () => true,
        sha1,
        random: seededRandom(seed + 1),
        role: pick(this.random, ['supernode', 'auto'] as const),
        addresses: () => [addressOf(1)],
        capacity: { announcesPerSecond: 500, peers: 1000, hashes: 1000, trackingBytesPerSecond: 100_000 },
        roles: () => 0,
        keeper: new MapKeeper(),
        term: 0,
        sequence: 0,
      },
      this.now,
      NOW,
    );
  }

  get wall() {
    return wallSeconds(NOW + this.now / 1000);
  }

  step(): void {
    this.now = later(this.now, randomBelow(this.random, 400));
    const how = this.random();
    if (how < 0.25 || this.overlay.deadline.at <= this.now) this.#feed({ type: 'tick', wall: this.wall });
    if (how < 0.6 && this.#open.length > 0) this.#answer();
    else if (how < 0.97) this.#ask();
    else this.#feed(this.#order());
  }

  #feed(input: OverlayInput): void {
    this.overlay.input(input, this.now);
    for (const effect of this.overlay.effects()) {
      const name = effect.type === 'event' ? effect.event.type : effect.type;
      this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
      // Everything that leaves can be written.
      if (effect.type === 'answer' || effect.type === 'ask') encodeMessage(effect.message);
      if (effect.type === 'ask') this.#open.push(effect);
    }
    assert.ok(this.overlay.asking <= ASKS_MAX && this.overlay.view.size <= SUPERNODES_MAX);
    assert.ok([...this.overlay.view.grants()].length <= GRANTS_MAX);
    assert.ok(Number.isFinite(this.overlay.deadline.at));
    assert.ok(this.overlay.memory.sequence < this.wall + 100_000, 'nobody uses its sequences up');
  }

  #answer(): void {
    const at = randomBelow(this.random, this.#open.length);
    const [ask] = this.#open.splice(at, 1);
    const { exchange, to, message } = ask!;
    if (this.random() < 0.1) return this.#feed({ type: 'unanswered', exchange });
    const honest = this.random() < 0.8 ? this.#replyTo(message, to.nodeId) : undefined;
    this.#feed({ type: 'answered', exchange, message: this.#passed(honest ?? this.#message()) });
  }

  #ask(): void {
    const n = this.random() < 0.9 ? pick(this.random, LIARS) : 99;
    const message = this.#passed(this.#message());
    this.#feed({ type: 'asked', exchange: ++this.#exchange, from: identity(n).nodeId, address: addressOf(n), message });
  }

  #order(): OverlayInput {
    const contacts = LIARS.slice(0, 3).map((n) => ({ nodeId: identity(n).nodeId, address: addressOf(n) }));
    const capacity = { announcesPerSecond: 1, peers: 1, hashes: 1, trackingBytesPerSecond: 1 };
    return pick<OverlayInput>(this.random, [
      { type: 'found', contacts },
      { type: 'alone', withinMs: 0 },
      { type: 'alone', withinMs: 3000 },
      { type: 'silent', nodeId: identity(pick(this.random, LIARS)).nodeId },
      { type: 'moved' },
      { type: 'capped', capacity },
      { type: 'ordered', role: 'supernode' },
      { type: 'ordered', role: 'supernode' },
      { type: 'ordered', role: 'client' },
      { type: 'records', records: [this.#descriptor().subarray(1), new Uint8Array(3)] },
    ]);
  }

  /** What an honest node would say. */
  #replyTo(message: OverlayMessage, to: NodeId): OverlayMessage | undefined {
    const sequence = this.overlay.view.get(to)?.sequence ?? 1;
    switch (message.type) {
      case 'hello':
        return { type: 'here', load: randomBelow(this.random, 256), sequence };
      case 'probe':
        return { type: 'probed', isThere: true };
      case 'gossip':
        return { type: 'gossiped', digests: [], suspects: [], wanted: [], view: message.view };
      case 'sync':
        return { type: 'synced', buckets: [], digests: [] };
      case 'vote': {
        const n = LIARS.find((liar) => identity(liar).nodeId === to) ?? 2;
        const { term, issued, seat, addresses } = message;
        const about = candidacy(1, {
          host: addresses[0]!.host,
          term,
          issued: wallSeconds(issued),
          seat: seat as never,
        });
        return { type: 'voted', signature: identity(n).sign(votedBytes(about)) };
      }
      case 'claim':
        return { type: 'claimed', copies: randomBelow(this.random, 3) };
      case 'receipt':
      case 'grant':
        return { type: 'signed', signature: new Uint8Array(64) };
      default:
        return { type: 'accepted' };
    }
  }

  #message(): OverlayMessage {
    const { random, overlay } = this;
    const self = overlay.view.get(identity(1).nodeId);
    const suspected = [{ nodeId: identity(1).nodeId, sequence: pick(random, [0, self?.sequence ?? 1, 2 ** 48 - 1]) }];
    const range = pick(
      random,
      [...LIARS, 1].map((n) => overlay.view.ring.rangesOf(identity(n).nodeId)[0]),
    );
    const to = random() < 0.5 ? randomToken(random) : (range?.to ?? randomToken(random));
    const arc = { from: range?.from ?? to, to };
    const known: (() => OverlayMessage)[] = [
      () => ({
        type: 'gossip',
        digests: MAKE.gossip(random).digests,
        suspects: suspected,
        view: '0'.repeat(16),
        againMs: undefined,
      }),
      () => ({ type: 'records', records: [this.#descriptor(), this.#grant(to), this.#widening()], wanted: [] }),
      () => ({ type: 'records', records: LIARS.map(() => this.#descriptor()), wanted: [] }),
      () => ({ type: 'claim', descriptor: this.#descriptor().subarray(1) }),
      () => ({
        type: 'offer',
        arc,
        epoch: (range?.epoch ?? 0) + randomBelow(random, 2),
        peers: 1,
        announcesPerSecond: 1,
      }),
      () => ({ type: 'grant', grant: this.#sealed(arc), receipt: undefined }),
      () => ({ type: 'receipt', grant: this.#sealed(arc) }),
      () => ({ type: 'nominate', why: 'a test' }),
      () => ({ ...MAKE.vote(random), addresses: [addressOf(20)], issued: this.wall }),
      () => ({ ...MAKE.stand(random), addresses: [addressOf(20)] }),
      () => ({ type: 'frame', copy: 1, index: 0, bytes: new Uint8Array(0), chain: '0'.repeat(40), isLast: true }),
    ];
    return random() < 0.6 ? pick(random, known)() : MAKE[pick(random, TYPES)](random);
  }

  #sealed({ from, to }: { from: string; to: string }): Uint8Array {
    const giver = pick(this.random, LIARS);
    const expires = wallSeconds(this.wall + 7200);
    const epoch = pick(this.random, [1, 2, 2 ** 32 - 1]);
    const arc = { from: from as Token, to: (from === to ? 'f'.repeat(40) : to) as Token };
    return sealedBy(giver, 1, { ...arc, epoch, expires, sequence: this.wall }).sealed;
  }

  #grant(to: Token): Uint8Array {
    const [giver, taker] = [pick(this.random, LIARS), pick(this.random, [1, 2, 3])];
    const epoch = pick(this.random, [0, 1, 2 ** 32 - 1]);
    const terms = { to, epoch, sequence: this.wall, expires: wallSeconds(this.wall + 7200) };
    return letter('g', grantBy(giver, giver === taker ? 1 : taker, terms).record);
  }

  #widening(): Uint8Array {
    const owner = identity(pick(this.random, LIARS));
    const level = 1 + randomBelow(this.random, 8);
    const terms = { owner: owner.nodeId, level, sequence: this.wall, expires: wallSeconds(this.wall + 600) };
    return letter('w', sealWidening(widening(terms), owner.sign).record);
  }

  #descriptor(): Uint8Array {
    const n = pick(this.random, LIARS);
    const term = randomBelow(this.random, 3);
    const issued = this.wall;
    const certificate = certificateBy(
      this.random() < 0.5 ? [] : [11, 12, 13],
      candidacy(n, { host: addressOf(n).host, term, issued }),
    );
    const changes: Partial<Statement> = {
      addresses: [addressOf(n)],
      sequence: pick(this.random, [1, this.wall, this.wall + 5, 2 ** 48 - 1]),
      issued,
      expires: wallSeconds(issued + pick(this.random, [2, 3600])),
      roles: pick(this.random, [0, 0, 0, 2]),
      term,
      certificate,
      ownTokens: 1 + randomBelow(this.random, 8),
    };
    return letter('d', sealDescriptor(statement(changes), identity(n).nodeId, identity(n).sign, sha1).record);
  }

  #passed(message: OverlayMessage): OverlayMessage {
    return parseMessage(encodeMessage(message)) as OverlayMessage;
  }
}

const letter = (kind: string, record: Uint8Array): Uint8Array => Buffer.concat([Buffer.from(kind), record]);

test(`a machine among liars keeps its bounds and goes on, whatever they ask and answer (seed ${SEED})`, () => {
  const reached = new Map<string, number>();
  eachSeed(MACHINES, (seed) => {
    const liars = new Liars(seed);
    for (let round = 0; round < ROUNDS; round++) liars.step();
    for (const [name, count] of liars.counts) reached.set(name, (reached.get(name) ?? 0) + count);
  });
  for (const name of ['ask', 'answer', 'changed', 'elected', 'lost', 'nominated', 'retired'])
    assert.ok(reached.has(name), `${name} was not reached: ${JSON.stringify([...reached])}`);
});
