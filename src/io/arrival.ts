/**
 * One accepted connection until it is known what it is: HTTP, the plain wire, TLS with either of them inside, or
 * Message Stream Encryption with the wire inside. Invariants: at most 2 KiB are kept before the torrent is known; what
 * breaks a rule is closed unanswered.
 */
import type { Socket } from 'node:net';
import { type Address, type InfoHash, infoHashBytes, infoHashOfBytes } from '../base/index.ts';
import {
  acceptedMethods,
  type EncryptionPolicy,
  type MseOutcome,
  MseResponder,
  mayBegin,
  PUBLIC_KEY_BYTES,
} from '../link/index.ts';
import { HANDSHAKE_BYTES, PROTOCOL_HEADER, parseWireHandshake, type WireHandshake } from '../wire/index.ts';
import { newMseTools } from './mse-tools.ts';
import { bareStream, mseStream, type PeerStream } from './peer-stream.ts';
import { nodeIdOf } from './tls-context.ts';
import type { TlsDoor } from './tls-door.ts';

/**
 * How every HTTP method begins. A capital letter alone would not do: in Message Stream Encryption the first bytes are
 * random.
 */
const METHOD_BYTES = 4;
const METHODS: ReadonlySet<string> = new Set('GET |HEAD|POST|PUT |DELE|OPTI|PATC|CONN|TRAC|PRI '.split('|'));
/** How TLS begins: a handshake record of version 3.x, x being small. */
const TLS_HEADER: Uint8Array = Uint8Array.of(0x16, 0x03);
const TLS_HEADER_BYTES = 3;
const LAST_TLS_MINOR = 4;

/** Who takes a connection once it is known what it is. */
export interface PortUsers {
  /** The socket is a TLSSocket where TLS hides the request. */
  http(socket: Socket, firstBytes: Buffer): void;
  /** The torrent whose hash under `req2` a dialling end named. */
  torrentNamed(req2Hash: Uint8Array): InfoHash | undefined;
  /** The socket is paused; `firstBytes` are in clear and begin with the whole handshake. */
  wire(stream: PeerStream, address: Address, handshake: WireHandshake, firstBytes: Buffer): void;
}

/** What all arrivals of a port share. */
export interface ArrivalSettings {
  readonly users: PortUsers;
  /** Of links; HTTP is answered in clear and over TLS whatever it is. */
  readonly policy: EncryptionPolicy;
  readonly tls: TlsDoor;
  /** False when this host has had us compute too many keys of late. */
  mayComputeKeys(host: string): boolean;
  /** It is known what the connection is, or it was closed. */
  decided(socket: Socket): void;
}

/** Reads a connection's first bytes; `address` is where it comes from. */
export function receive(socket: Socket, address: Address, settings: ArrivalSettings): void {
  new Arrival(socket, address, settings, undefined).begin();
}

class Arrival {
  readonly #socket: Socket;
  readonly #address: Address;
  readonly #settings: ArrivalSettings;
  /** The connection that carries the TLS which this arrival is inside of. */
  readonly #carrier: Socket | undefined;
  readonly #onData = (bytes: Buffer): void => this.#take(bytes);
  #seen: Buffer = Buffer.alloc(0);
  #encryption: MseResponder | undefined;
  #agreed: MseOutcome | undefined;

  constructor(socket: Socket, address: Address, settings: ArrivalSettings, carrier: Socket | undefined) {
    this.#socket = socket;
    this.#address = address;
    this.#settings = settings;
    this.#carrier = carrier;
  }

  begin(): void {
    this.#socket.on('data', this.#onData);
  }

  #take(bytes: Buffer): void {
    if (this.#encryption) return this.#takeHidden(this.#encryption, bytes);
    this.#agreed?.receive?.apply(bytes, bytes.length);
    this.#seen = this.#seen.length === 0 ? bytes : Buffer.concat([this.#seen, bytes]);
    if (this.#agreed) return this.#takeWire();
    const kind = kindOf(this.#seen);
    if (kind === 'http') this.#settings.users.http(this.#end(), this.#seen);
    else if (kind === 'wire') this.#takeWire();
    else if (kind === 'tls') this.#beginTls();
    else if (kind === 'hidden' && this.#seen.length >= PUBLIC_KEY_BYTES) this.#beginHidden();
  }

  /** The plain wire, or what Message Stream Encryption hid. */
  #takeWire(): void {
    const { users, policy } = this.#settings;
    if (this.#seen.length < HANDSHAKE_BYTES) return;
    if (!this.#agreed && !mayBegin(policy, this.#carrier ? 'tls' : 'plain')) return this.#refuse();
    const handshake = parseWireHandshake(this.#seen.subarray(0, HANDSHAKE_BYTES));
    const hidden = this.#agreed;
    if (!('infoHash' in handshake)) return this.#refuse();
    if (hidden && handshake.infoHash !== infoHashOfBytes(hidden.infoHash)) return this.#refuse();
    const socket = this.#end();
    const stream = hidden ? mseStream(socket, hidden, false) : this.#bareStream(socket);
    users.wire(stream, this.#address, handshake, this.#seen);
  }

  #bareStream(socket: Socket): PeerStream {
    return this.#carrier ? bareStream(socket, 'tls', nodeIdOf(socket)) : bareStream(socket, 'none');
  }

  /** Asks the same question once more inside; the clock that limits undecided connections goes on. */
  #beginTls(): void {
    const { tls, mayComputeKeys } = this.#settings;
    if (this.#carrier || !mayComputeKeys(this.#address.host)) return this.#refuse();
    this.#pause();
    tls.accept(this.#socket, this.#seen, (inside) =>
      new Arrival(inside, this.#address, this.#settings, this.#socket).begin(),
    );
  }

  #beginHidden(): void {
    const { users, policy, mayComputeKeys } = this.#settings;
    if (this.#carrier || !mayBegin(policy, 'mse') || !mayComputeKeys(this.#address.host)) return this.#refuse();
    const torrentOf = (req2Hash: Uint8Array): Uint8Array | undefined => {
      const infoHash = users.torrentNamed(req2Hash);
      return infoHash && infoHashBytes(infoHash);
    };
    this.#encryption = new MseResponder(newMseTools(), { torrentOf, methods: acceptedMethods(policy) });
    this.#takeHidden(this.#encryption, this.#seen);
  }

  #takeHidden(responder: MseResponder, bytes: Buffer): void {
    const { send, outcome, failure } = responder.receive(bytes);
    if (failure) return this.#refuse();
    if (send) this.#socket.write(send);
    if (!outcome) return;
    this.#encryption = undefined;
    this.#agreed = outcome;
    this.#seen = Buffer.from(outcome.payload);
    this.#takeWire();
  }

  /** Lets go of the socket, which reads nothing until its next owner resumes it. */
  #end(): Socket {
    this.#pause();
    this.#settings.decided(this.#carrier ?? this.#socket);
    return this.#socket;
  }

  #pause(): void {
    this.#socket.off('data', this.#onData);
    this.#socket.pause();
  }

  #refuse(): void {
    this.#end().destroy();
  }
}

/** What the first bytes of a connection say it is. */
function kindOf(seen: Buffer): 'http' | 'wire' | 'tls' | 'hidden' | 'undecided' {
  const start = seen.subarray(0, PROTOCOL_HEADER.length);
  if (start.equals(PROTOCOL_HEADER.subarray(0, start.length))) return 'wire';
  const record = seen.subarray(0, TLS_HEADER.length);
  if (record.equals(TLS_HEADER.subarray(0, record.length))) {
    if (seen.length < TLS_HEADER_BYTES) return 'undecided';
    return seen[TLS_HEADER.length]! <= LAST_TLS_MINOR ? 'tls' : 'hidden';
  }
  if (seen.length >= METHOD_BYTES) return METHODS.has(seen.toString('latin1', 0, METHOD_BYTES)) ? 'http' : 'hidden';
  const letters = seen.toString('latin1');
  for (const method of METHODS) if (method.startsWith(letters)) return 'undecided';
  return 'hidden';
}
