/**
 * Opens links to peers: dials, and agrees on how to hide what follows, in one way after the other, each on a connection
 * of its own. Invariants: what our policy does not accept is never sent; a peer that is silent costs 5 s a way.
 */
import type { Socket } from 'node:net';
import { type Address, type Fault, fault, infoHashBytes, isFault, type NodeId } from '../base/index.ts';
import {
  type DialStep,
  dialOrder,
  type EncryptionPolicy,
  type LinkKind,
  MseInitiator,
  type MseOutcome,
} from '../link/index.ts';
import { encodeWireHandshake, PROTOCOL_HEADER } from '../wire/index.ts';
import type { DialFault, Dialler, Trust } from './dialler.ts';
import { newMseTools } from './mse-tools.ts';
import { bareStream, mseStream, type PeerStream } from './peer-stream.ts';
import type { OnRead } from './read-buffer.ts';
import type { NodeTls } from './tls-context.ts';
import { connectTls } from './tls-dial.ts';
import type { Greeting } from './torrent-identity.ts';

const LINK_HANDSHAKE_MS = 5000;
const NOTHING = new Uint8Array(0);

/** Whom to reach, and what about. */
export interface LinkTarget {
  readonly address: Address;
  readonly trust: Trust;
  /** Who must answer where TLS is spoken; undefined takes any node. */
  readonly nodeId: NodeId | undefined;
  /** How links to this peer begin; undefined when that is to be found out. */
  readonly kind: LinkKind | undefined;
  readonly greeting: Greeting;
}

/** A connection that waits for the wire. */
export interface OpenedLink {
  readonly kind: LinkKind;
  readonly stream: PeerStream;
  /** What the peer's end of the wire already said, in clear. */
  readonly firstBytes: Uint8Array;
}

/** `no-agreement`: the peer is there, and took none of the ways that our policy allows. */
export type OpenFault = DialFault | Fault<'no-agreement' | 'wrong-node'>;

export interface OpenerSettings {
  readonly dialler: Dialler;
  readonly policy: EncryptionPolicy;
  readonly tls: NodeTls;
}

/** Opens the outgoing links of a node. */
export class LinkOpener {
  readonly policy: EncryptionPolicy;
  readonly #dialler: Dialler;
  readonly #tls: NodeTls;
  /** Connections whose link handshake is under way; bounded by the node's links. */
  readonly #underWay = new Set<Socket>();

  constructor({ dialler, policy, tls }: OpenerSettings) {
    this.policy = policy;
    this.#dialler = dialler;
    this.#tls = tls;
  }

  /** Opens a link in the best way that the peer takes; `onRead` gets every byte behind `firstBytes`. */
  async open(target: LinkTarget, onRead: OnRead): Promise<OpenedLink | OpenFault> {
    for (const step of dialOrder(target.kind, this.policy)) {
      const opened = await this.#openAs(step, target, onRead);
      if (!isFault(opened) || opened.code !== 'no-agreement') return opened;
    }
    return refusal();
  }

  /** Gives up on every link handshake that is under way. */
  close(): void {
    for (const socket of this.#underWay) socket.destroy();
  }

  #openAs(step: DialStep, target: LinkTarget, onRead: OnRead): Promise<OpenedLink | OpenFault> {
    if (step === 'tls') return this.#openTls(target, onRead);
    return step === 'plain' ? this.#openPlain(target, onRead) : this.#openHidden(step, target, onRead);
  }

  async #openPlain({ address, trust }: LinkTarget, onRead: OnRead): Promise<OpenedLink | OpenFault> {
    const socket = await this.#dialler.dial(address, trust, onRead);
    return isFault(socket) ? socket : { kind: 'plain', stream: bareStream(socket, 'none'), firstBytes: NOTHING };
  }

  async #openTls({ address, trust, nodeId }: LinkTarget, onRead: OnRead): Promise<OpenedLink | OpenFault> {
    const proof = Promise.withResolvers<NodeId | Fault>();
    const socket = await this.#dialler.dial(address, trust, onRead, (options) =>
      connectTls(options, this.#tls, nodeId, proof.resolve),
    );
    if (isFault(socket)) return socket;
    const proven = await this.#shakeHands(socket, proof);
    if (!isFault(proven)) return { kind: 'tls', stream: bareStream(socket, 'tls', proven), firstBytes: NOTHING };
    // Somebody else where a known node was said to be: it is no way to find out what a stranger speaks.
    return proven.code === 'wrong-node' && nodeId !== undefined ? fault('wrong-node', proven.text) : refusal();
  }

  async #openHidden(
    step: 'mse' | 'header',
    { address, trust, greeting }: LinkTarget,
    onRead: OnRead,
  ): Promise<OpenedLink | OpenFault> {
    let take: OnRead = () => {};
    const socket = await this.#dialler.dial(address, trust, (bytes, length) => take(bytes, length));
    if (isFault(socket)) return socket;
    // Transmission takes it for clear bytes where the header alone is hidden: there it waits for the answer.
    const payload = step === 'header' ? NOTHING : encodeWireHandshake(greeting.infoHash, greeting.peerId);
    const methods = [step === 'header' ? 'plain' : 'rc4'] as const;
    const machine = new MseInitiator(newMseTools(), infoHashBytes(greeting.infoHash), methods, payload);
    const agreed = Promise.withResolvers<MseOutcome | Fault>();
    let isFirst = true;
    take = (bytes, length) => {
      const received = bytes.subarray(0, length);
      // Some peers begin by themselves, and then wait for us to greet them in the same way.
      if (isFirst && isPlainGreeting(received)) return agreed.resolve(refusal());
      isFirst = false;
      const { send, outcome, failure } = machine.receive(received);
      if (send) socket.write(send);
      if (outcome) take = onRead;
      const end = outcome ?? failure;
      if (end) agreed.resolve(end);
    };
    socket.write(machine.begin());
    const outcome = await this.#shakeHands(socket, agreed);
    if (isFault(outcome)) return refusal();
    return { kind: 'mse', stream: mseStream(socket, outcome, payload.length > 0), firstBytes: outcome.payload };
  }

  /** Waits for the end of a link handshake; destroys the socket of one that fails, or takes too long. */
  async #shakeHands<Outcome>(socket: Socket, { promise, resolve }: Handshake<Outcome>): Promise<Outcome | Fault> {
    const giveUp = (): void => resolve(refusal());
    const timer = setTimeout(giveUp, LINK_HANDSHAKE_MS);
    socket.once('close', giveUp);
    this.#underWay.add(socket);
    const outcome = await promise;
    this.#underWay.delete(socket);
    socket.off('close', giveUp);
    clearTimeout(timer);
    if (isFault(outcome)) socket.destroy();
    return outcome;
  }
}

type Handshake<Outcome> = PromiseWithResolvers<Outcome | Fault>;

function refusal(): Fault<'no-agreement'> {
  return fault('no-agreement', 'the peer takes no link as we want it');
}

function isPlainGreeting(bytes: Uint8Array): boolean {
  return bytes.length >= PROTOCOL_HEADER.length && PROTOCOL_HEADER.every((byte, i) => bytes[i] === byte);
}
