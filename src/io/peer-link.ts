/**
 * One link to one peer: a socket, the wire spoken on it, and what the peer asked for. It decides nothing about the
 * torrent; its host hears facts and gives orders.
 */
import type { Socket } from 'node:net';
import { type Address, type Fault, fault } from '../base/index.ts';
import type { Bitfield, TransferInput } from '../torrent/index.ts';
import type { ExtendedHandshake, MetadataMessage, WireHandshake } from '../wire/index.ts';
import { FastWire, type OurExtendedHandshake } from './fast-wire.ts';
import type { Greeting } from './torrent-identity.ts';
import { UploadQueue } from './upload-queue.ts';

const HANDSHAKE_MS = 10_000;
/** A link on which nothing at all was heard for this long is dead (keep-alives come every two minutes). */
const SILENCE_MS = 150_000;
/**
 * Bytes that may wait for a peer that does not read. Blocks stop at a quarter of this by themselves; the rest is
 * answers to small messages, which cost the peer less than us.
 */
const UNSENT_BYTES_MAX = 4_194_304;

/** Whom a link reports to. */
export interface LinkOwner {
  opened(link: PeerLink, theirs: WireHandshake): void;
  extended(link: PeerLink, handshake: ExtendedHandshake): void;
  metadata(link: PeerLink, message: MetadataMessage): void;
  /** What the peer said, for the transfer machine. */
  fact(link: PeerLink, fact: TransferInput): void;
  mayServe(link: PeerLink, piece: number, offset: number, length: number): boolean;
  read(piece: number, offset: number, views: readonly Uint8Array[], length: number): Promise<void>;
  blockPlace(link: PeerLink, piece: number, offset: number, length: number): Uint8Array | undefined;
  blockArrived(link: PeerLink, piece: number, offset: number, length: number): void;
  /** All that a read brought has been reported: time to act. */
  settled(link: PeerLink): void;
  readFailed(error: unknown): void;
  closed(link: PeerLink, why: Fault): void;
}

/** One link; `id` is unique in its torrent. */
export class PeerLink {
  readonly id: number;
  readonly address: Address;
  readonly isIncoming: boolean;
  hasGreeted = false;
  readonly #socket: Socket;
  readonly #owner: LinkOwner;
  readonly #wire: FastWire;
  readonly #uploads: UploadQueue;
  #isClosed = false;
  #isWriting = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    id: number,
    socket: Socket,
    address: Address,
    isIncoming: boolean,
    greeting: Greeting,
    ours: OurExtendedHandshake,
    owner: LinkOwner,
  ) {
    this.id = id;
    this.address = address;
    this.isIncoming = isIncoming;
    this.#socket = socket;
    this.#owner = owner;
    this.#wire = new FastWire(
      {
        write: (bytes) => this.#write(bytes),
        handshake: (theirs) => this.#greeted(theirs),
        extended: (handshake) => owner.extended(this, handshake),
        metadata: (message) => owner.metadata(this, message),
        control: (type) => owner.fact(this, { type, link: id }),
        bitfield: (bytes) => owner.fact(this, { type: 'bitfield', link: id, bytes }),
        have: (piece) => owner.fact(this, { type: 'have', link: id, piece }),
        rejected: (piece, offset) => owner.fact(this, { type: 'rejected', link: id, piece, offset }),
        requested: (piece, offset, length) => this.#requested(piece, offset, length),
        cancelled: (piece, offset, length) => this.#uploads.cancel(piece, offset, length),
        blockPlace: (piece, offset, length) => owner.blockPlace(this, piece, offset, length),
        blockArrived: (piece, offset, length) => owner.blockArrived(this, piece, offset, length),
        failed: (why) => this.close(why),
      },
      greeting.infoHash,
      ours,
    );
    this.#uploads = new UploadQueue({
      mayServe: (piece, offset, length) => owner.mayServe(this, piece, offset, length),
      read: (piece, offset, views, length) => owner.read(piece, offset, views, length),
      write: (bytes, sent) => {
        this.#flush();
        if (!this.#isClosed) socket.write(bytes, sent);
      },
      unsentBytes: () => socket.writableLength,
      reject: (piece, offset, length) => this.#reject(piece, offset, length),
      served: (bytes) => owner.fact(this, { type: 'served', link: id, bytes }),
      readFailed: (error) => owner.readFailed(error),
    });
    socket.setNoDelay(true);
    socket.on('close', () => this.close(fault('closed', 'the peer closed the connection')));
    socket.on('error', (error) => this.close(fault('connection-lost', error.message)));
    this.#timer = setTimeout(() => this.close(fault('handshake-timeout', 'no handshake in time')), HANDSHAKE_MS);
    this.#wire.greet(greeting.peerId);
  }

  /** Takes bytes from the socket; the caller may reuse them afterwards. */
  feed(bytes: Uint8Array, length: number): void {
    if (this.#isClosed) return;
    // Before the handshake is whole, single bytes must not buy time.
    if (this.hasGreeted) this.#timer?.refresh();
    this.#wire.feed(bytes, length);
    this.#owner.settled(this);
    this.#uploads.pump();
  }

  /** Says which pieces we have, right after the handshake. */
  sendStored(stored: Bitfield): void {
    this.#wire.limitMessages(stored.bytes.length);
    if (this.#wire.hasFast && stored.isFull) this.#wire.haveAll();
    else if (this.#wire.hasFast && stored.count === 0) this.#wire.haveNone();
    else if (stored.count > 0) this.#wire.bitfield(stored.bytes.slice());
  }

  /** Says that we have nothing, while we do not know what there is to have. */
  sendNothingStored(): void {
    if (this.#wire.hasFast) this.#wire.haveNone();
  }

  /** The metadata came while the link was open: what was found on disk is told piece by piece. */
  learnedTorrent(stored: Bitfield): void {
    this.#wire.limitMessages(stored.bytes.length);
    for (let piece = 0; piece < stored.length; piece++) if (stored.has(piece)) this.#wire.have(piece);
  }

  request(piece: number, block: number, count: number, lastLength: number): void {
    this.#wire.requestRun(piece, block, count, lastLength);
  }
  cancel(piece: number, offset: number, length: number): void {
    this.#wire.withdraw(piece, offset, length);
  }
  announceHave(piece: number): void {
    this.#wire.have(piece);
  }
  setInterest(isInterested: boolean): void {
    if (isInterested) this.#wire.interested();
    else this.#wire.uninterested();
  }
  setChoke(isChoked: boolean): void {
    if (isChoked) {
      this.#wire.choke();
      this.#uploads.rejectAll();
    } else {
      this.#wire.unchoke();
    }
  }
  sendMetadata(message: MetadataMessage): void {
    this.#wire.sendMetadata(message);
  }
  keepAlive(): void {
    this.#wire.keepAlive();
  }

  /** Ends the link; its owner hears of it once. */
  close(why: Fault): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#wire.close();
    this.#uploads.close();
    this.#socket.destroy();
    this.#owner.closed(this, why);
  }

  #greeted(theirs: WireHandshake): void {
    this.hasGreeted = true;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.close(fault('silent', 'the peer fell silent')), SILENCE_MS);
    this.#owner.opened(this, theirs);
  }

  #requested(piece: number, offset: number, length: number): void {
    if (!this.#owner.mayServe(this, piece, offset, length)) return this.#reject(piece, offset, length);
    if (!this.#uploads.add(piece, offset, length)) this.close(fault('too-many-requests', 'over 2,000 requests'));
  }

  #reject(piece: number, offset: number, length: number): void {
    if (this.#wire.hasFast) this.#wire.reject(piece, offset, length);
  }

  /** Small messages of one turn leave in one system call. */
  #write(bytes: Uint8Array): void {
    if (this.#isClosed) return;
    if (!this.#isWriting) {
      this.#isWriting = true;
      this.#socket.cork();
      queueMicrotask(() => this.#flush());
    }
    this.#socket.write(bytes);
    if (this.#socket.writableLength > UNSENT_BYTES_MAX) this.close(fault('not-reading', 'the peer does not read'));
  }

  #flush(): void {
    if (!this.#isWriting) return;
    this.#isWriting = false;
    this.#socket.uncork();
  }
}
