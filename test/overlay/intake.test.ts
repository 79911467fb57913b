// What one message may cost the node that hears it, counted in signatures: each takes a fifth of a millisecond.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { instant, later, type NodeId, seededRandom, wallSeconds } from '../../src/base/index.ts';
import { verify } from '../../src/io/identity.ts';
import {
  type Descriptor,
  Overlay,
  type OverlayEffect,
  type OverlayInput,
  sealDescriptor,
} from '../../src/overlay/index.ts';
import { CHECKS_PER_TURN } from '../../src/overlay/intake.ts';
import { candidacy, certificateBy, identity, NOW, sha1, statement } from './fixtures.ts';
import { MapKeeper } from './mesh.ts';

const WITNESSES = [901, 902, 903, 904, 905];
/** Signatures of a descriptor: its own, and five votes. */
const CHECKS = 6;
/** A turn may begin its last record with one check left. */
const CHECKS_MAX = CHECKS_PER_TURN + CHECKS - 1;

/** A descriptor with five good votes. */
function voted(n: number, sequence: number): Descriptor {
  const host = `10.3.${n >> 8}.${n & 255}`;
  const certificate = certificateBy(WITNESSES, candidacy(n, { host }));
  const addresses = [{ host, port: 7373 }];
  const { nodeId, sign } = identity(n);
  return sealDescriptor(statement({ certificate, addresses, sequence, term: 1 }), nodeId, sign, sha1);
}

const lettered = ({ record }: Descriptor): Uint8Array => Buffer.concat([Buffer.from('d'), record]);

/** A node that serves alone, and how many signatures it checked for each input. */
class Listener {
  readonly overlay: Overlay;
  now = instant(0);
  most = 0;
  total = 0;
  #checks = 0;
  #exchange = 0;

  constructor() {
    const { nodeId, sign } = identity(1000);
    this.overlay = new Overlay(
      {
        network: 'monsoon',
        self: nodeId,
        sign,
        verify: (...of) => {
          this.#checks++;
          return verify(...of);
        },
        sha1,
        random: seededRandom(1),
        role: 'supernode',
        addresses: () => [{ host: '10.2.0.1', port: 7373 }],
        capacity: { announcesPerSecond: 1000, peers: 1e6, hashes: 1e5, trackingBytesPerSecond: 1e6 },
        roles: () => 0,
        keeper: new MapKeeper(),
        term: 0,
        sequence: 0,
      },
      this.now,
      NOW,
    );
    this.feed({ type: 'alone', withinMs: 0 });
  }

  feed(input: OverlayInput): void {
    this.#checks = 0;
    this.overlay.input(input, this.now);
    this.most = Math.max(this.most, this.#checks);
    this.total += this.#checks;
    for (const effect of this.overlay.effects()) this.#answer(effect);
  }

  hear(from: NodeId, descriptors: readonly Descriptor[]): void {
    const address = { host: '10.2.0.2', port: 7373 };
    const message = { type: 'records', records: descriptors.map(lettered), wanted: [] } as const;
    this.feed({ type: 'asked', exchange: ++this.#exchange, from, address, message });
  }

  run(seconds: number): void {
    const end = later(this.now, 1000 * seconds);
    for (;;) {
      this.now = instant(Math.max(this.now + 1, this.overlay.deadline.at));
      if (this.now > end) break;
      this.feed({ type: 'tick', wall: wallSeconds(NOW + this.now / 1000) });
    }
    this.now = end;
  }

  /** Strangers are there; gossip is not answered. */
  readonly sequences = new Map<NodeId, number>();
  #answer(effect: OverlayEffect): void {
    if (effect.type !== 'ask') return;
    const sequence = this.sequences.get(effect.to.nodeId);
    if (effect.message.type !== 'hello' || sequence === undefined) return;
    this.feed({ type: 'answered', exchange: effect.exchange, message: { type: 'here', load: 0, sequence } });
  }
}

/** A listener, and as many strangers as a message has room for. */
function crowd(): { listener: Listener; first: Descriptor[]; renewed: Descriptor[] } {
  const numbers = Array.from({ length: 200 }, (_, i) => i + 1);
  const listener = new Listener();
  const first = numbers.map((n) => voted(n, 1));
  for (const { nodeId } of first) listener.sequences.set(nodeId, 1);
  return { listener, first, renewed: numbers.map((n) => voted(n, 2)) };
}

test('a message of 200 descriptors is checked over many turns, and every one of them is', () => {
  const { listener, first } = crowd();
  listener.hear(identity(5).nodeId, first);
  listener.run(2);
  assert.ok(listener.most <= CHECKS_MAX, `${listener.most} signatures in one turn`);
  assert.equal(listener.total, first.length * CHECKS);
  assert.equal(listener.overlay.members, first.length + 1);
});

test('what is held is not checked again, and of what is held under the same seat the votes are not', () => {
  const { listener, first, renewed } = crowd();
  listener.hear(identity(5).nodeId, first);
  listener.run(0.9);
  assert.equal(listener.overlay.members, first.length + 1);
  listener.total = 0;
  listener.hear(identity(6).nodeId, first);
  listener.run(0.2);
  assert.equal(listener.total, 0);
  listener.hear(identity(6).nodeId, renewed);
  listener.run(0.4);
  assert.equal(listener.total, renewed.length);
  assert.ok(renewed.every(({ nodeId }) => listener.overlay.view.get(nodeId)?.sequence === 2));
});

test('what many send at once is bounded in a turn too, and one sender does not keep the others waiting', () => {
  const { listener, first } = crowd();
  const flood = Array.from({ length: 30 }, (_, i) => first.map((descriptor) => ({ descriptor, i })));
  for (const [i, each] of flood.entries()) {
    listener.hear(
      identity(2000 + i).nodeId,
      each.map(({ descriptor }) => descriptor),
    );
  }
  const late = voted(777, 1);
  listener.sequences.set(late.nodeId, 1);
  listener.feed({ type: 'records', records: [late.record], by: identity(778).nodeId });
  const before = listener.total;
  listener.run(0.5);
  assert.ok(listener.overlay.view.get(late.nodeId), 'it is heard while others have more to say');
  assert.ok(listener.most <= CHECKS_MAX, `${listener.most} signatures in one turn`);
  assert.ok(before <= CHECKS_MAX, 'many messages at one time are one turn');
});
