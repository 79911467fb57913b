/**
 * Opens links to peers: dials, and agrees on how to hide what follows, in one way after the other, each on a connection
 * of its own. Invariant: what our policy does not accept is never sent; a peer that does not answer costs 5 s a way.
 */
import type { Socket } from 'node:net';
import { type Address, type Fault, fault, infoHashBytes, isFault } from '../base/index.ts';
import { dialOrder, type EncryptionPolicy, type LinkKind, MseInitiator } from '../link/index.ts';
import { encodeWireHandshake, PROTOCOL_HEADER } from '../wire/index.ts';
import type { DialFault, Dialler, OnRead, Trust } from './dialler.ts';
import { newMseTools } from './mse-tools.ts';
import { bareStream, mseStream, type PeerStream } from './peer-stream.ts';
import type { Greeting } from './torrent-identity.ts';

const LINK_HANDSHAKE_MS = 5000;

/** Whom to reach, and what about. */
export interface LinkTarget {
  readonly address: Address;
  readonly trust: Trust;
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
export type OpenFault = DialFault | Fault<'no-agreement'>;

/** Dials and makes the connection a TLS one; `onRead` gets what comes out of it. */
export type DialTls = (target: LinkTarget, onRead: OnRead) => Promise<Socket | OpenFault>;

export interface OpenerSettings {
  readonly dialler: Dialler;
  readonly policy: EncryptionPolicy;
  /** Absent where no TLS is spoken. */
  readonly dialTls?: DialTls;
}

/** Opens the outgoing links of a node. */
export class LinkOpener {
  readonly policy: EncryptionPolicy;
  readonly #dialler: Dialler;
  readonly #dialTls: DialTls | undefined;
  /** Connections whose link handshake is under way; bounded by the node's links. */
  readonly #underWay = new Set<Socket>();

  constructor({ dialler, policy, dialTls }: OpenerSettings) {
    this.policy = policy;
    this.#dialler = dialler;
    this.#dialTls = dialTls;
  }

  /** Opens a link in the best way that the peer takes; `onRead` gets every byte behind `firstBytes`. */
  async open(target: LinkTarget, onRead: OnRead): Promise<OpenedLink | OpenFault> {
    for (const kind of dialOrder(target.kind, this.policy)) {
      const opened = await this.#openAs(kind, target, onRead);
      if (!isFault(opened) || opened.code !== 'no-agreement') return opened;
    }
    return fault('no-agreement', 'the peer takes no link as we want it');
  }

  /** Gives up on every link handshake that is under way. */
  close(): void {
    for (const socket of this.#underWay) socket.destroy();
  }

  async #openAs(kind: LinkKind, target: LinkTarget, onRead: OnRead): Promise<OpenedLink | OpenFault> {
    if (kind === 'mse') return this.#openHidden(target, onRead);
    if (kind === 'tls' && !this.#dialTls) return fault('no-agreement', 'this node does not speak TLS');
    const dialled = await (kind === 'tls'
      ? this.#dialTls!(target, onRead)
      : this.#dialler.dial(target.address, target.trust, onRead));
    if (isFault(dialled)) return dialled;
    const stream = bareStream(dialled, kind === 'tls' ? 'tls' : 'none');
    return { kind, stream, firstBytes: new Uint8Array(0) };
  }

  async #openHidden({ address, trust, greeting }: LinkTarget, onRead: OnRead): Promise<OpenedLink | OpenFault> {
    let take: OnRead = () => {};
    const socket = await this.#dialler.dial(address, trust, (bytes, length) => take(bytes, length));
    if (isFault(socket)) return socket;
    const payload = encodeWireHandshake(greeting.infoHash, greeting.peerId);
    const machine = new MseInitiator(newMseTools(), infoHashBytes(greeting.infoHash), ['rc4'], payload);
    this.#underWay.add(socket);
    return new Promise((settle) => {
      const end = (result: OpenedLink | OpenFault): void => {
        clearTimeout(timer);
        socket.off('close', refused);
        this.#underWay.delete(socket);
        if (isFault(result)) socket.destroy();
        settle(result);
      };
      const refused = (): void => end(fault('no-agreement', 'the peer takes no encryption'));
      const timer = setTimeout(refused, LINK_HANDSHAKE_MS);
      socket.once('close', refused);
      let isFirst = true;
      take = (bytes, length) => {
        const received = bytes.subarray(0, length);
        // Some peers begin by themselves, and then wait for us to greet them in the same way.
        if (isFirst && isPlainGreeting(received)) return refused();
        isFirst = false;
        const { send, outcome, failure } = machine.receive(received);
        if (failure) return refused();
        if (send) socket.write(send);
        if (!outcome) return;
        take = onRead;
        end({ kind: 'mse', stream: mseStream(socket, outcome, true), firstBytes: outcome.payload });
      };
      socket.write(machine.begin());
    });
  }
}

function isPlainGreeting(bytes: Uint8Array): boolean {
  return bytes.length >= PROTOCOL_HEADER.length && PROTOCOL_HEADER.every((byte, i) => bytes[i] === byte);
}
