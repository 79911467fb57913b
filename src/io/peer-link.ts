/**
 * One link to one peer: a socket, the wire spoken on it, and what the peer asked for. It decides nothing about the
 * torrent; its host hears facts and gives orders.
 */
import { type Address, concatBytes, type Fault, fault, type Instant } from '../base/index.ts';
import type { LinkEncryption } from '../link/index.ts';
import type { Bitfield, TransferInput } from '../torrent/index.ts';
import type { ExtendedHandshake, MetadataMessage, PexMessage, WireHandshake } from '../wire/index.ts';
import { now } from './alarm-clock.ts';
import { FastWire, type OurExtendedHandshake, type WireControl } from './fast-wire.ts';
import type { PeerStream } from './peer-stream.ts';
import type { Allowance } from './rate-gate.ts';
import type { Greeting } from './torrent-identity.ts';
import { UploadQueue } from './upload-queue.ts';

const HANDSHAKE_MS = 10_000;
/** How often one link may have all of the metadata: whoever joins needs it once. */
const METADATA_TIMES_MAX = 2;
/** Requests for metadata that are refused on one link; more close it. */
const METADATA_REFUSALS_MAX = 2000;
/** A link on which nothing at all was heard for this long is dead (keep-alives come every two minutes). */
const SILENCE_MS = 150_000;
const KEEP_ALIVE_MS = 100_000;
/**
 * Bytes that may wait for a peer that does not read. Blocks stop below this by themselves; the rest is
 * answers to small messages, which cost the peer less than us.
 */
const UNSENT_BYTES_MAX = 2_097_152;

/** Whom a link reports to. */
export interface LinkOwner {
  opened(link: PeerLink, theirs: WireHandshake): void;
  extended(link: PeerLink, handshake: ExtendedHandshake): void;
  metadata(link: PeerLink, message: MetadataMessage): void;
  pex(link: PeerLink, message: PexMessage): void;
  /** What the peer said, for the transfer machine. */
  fact(link: PeerLink, fact: TransferInput): void;
  mayServe(link: PeerLink, piece: number, offset: number, length: number): boolean;
  read(piece: number, offset: number, views: readonly Uint8Array[], length: number): Promise<void>;
  blockPlace(link: PeerLink, piece: number, offset: number, length: number): Uint8Array | undefined;
  blockArrived(link: PeerLink, piece: number, offset: number, length: number): void;
  /** A new link's part in the upload limits. */
  uploadAllowance(link: PeerLink): Allowance;
  /** All that a turn brought has been reported: time to act. */
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
  /** When it opened, or when its last block moved. */
  usefulAt: Instant = now();
  readonly #stream: PeerStream;
  readonly #owner: LinkOwner;
  readonly #wire: FastWire;
  readonly #uploads: UploadQueue;
  readonly #allowance: Allowance;
  #metadataBytes = 0;
  #metadataRefusals = 0;
  #isClosed = false;
  /** Small messages of this turn, which leave as one. */
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #isSettling = false;
  /** The last word of this turn: a peer that changes its mind a thousand times is weighed once. */
  #interest: 'interested' | 'uninterested' | undefined;
  /** Of the wire handshake: an open link has no timer of its own. */
  readonly #timer: NodeJS.Timeout;
  #heardAt = now();
  #keptAliveAt = now();

  constructor(
    id: number,
    stream: PeerStream,
    address: Address,
    isIncoming: boolean,
    greeting: Greeting,
    ours: OurExtendedHandshake,
    owner: LinkOwner,
  ) {
    this.id = id;
    this.address = address;
    this.isIncoming = isIncoming;
    const { socket } = stream;
    this.#stream = stream;
    this.#owner = owner;
    this.#wire = new FastWire(
      {
        write: (bytes) => this.#write(bytes),
        handshake: (theirs) => this.#greeted(theirs),
        extended: (handshake) => owner.extended(this, handshake),
        metadata: (message) => owner.metadata(this, message),
        uploadOnly: (isUploadOnly) => owner.fact(this, { type: 'uploadOnly', link: id, isUploadOnly }),
        pex: (message) => owner.pex(this, message),
        control: (type) => this.#control(type),
        bitfield: (bytes) => owner.fact(this, { type: 'bitfield', link: id, bytes }),
        have: (piece) => owner.fact(this, { type: 'have', link: id, piece }),
        rejected: (piece, offset) => owner.fact(this, { type: 'rejected', link: id, piece, offset }),
        requested: (piece, offset, length) => this.#requested(piece, offset, length),
        cancelled: (piece, offset, length) => this.#uploads.cancel(piece, offset, length),
        blockPlace: (piece, offset, length) => owner.blockPlace(this, piece, offset, length),
        blockArrived: (piece, offset, length) => {
          this.usefulAt = this.#heardAt;
          owner.blockArrived(this, piece, offset, length);
        },
        failed: (why) => this.close(why),
      },
      greeting.infoHash,
      ours,
    );
    const allowance = owner.uploadAllowance(this);
    this.#allowance = allowance;
    this.#uploads = new UploadQueue({
      allow: (bytes) => allowance.available(bytes),
      spend: (bytes) => allowance.spend(bytes),
      mayServe: (piece, offset, length) => owner.mayServe(this, piece, offset, length),
      read: (piece, offset, views, length) => owner.read(piece, offset, views, length),
      write: (bytes, sent) => {
        this.#flush();
        if (this.#isClosed) sent();
        else this.#send(bytes, () => this.#taken(sent));
      },
      unsentBytes: () => socket.writableLength,
      reject: (piece, offset, length) => this.#reject(piece, offset, length),
      served: (bytes) => {
        this.usefulAt = now();
        owner.fact(this, { type: 'served', link: id, bytes });
      },
      hear: (isHeard) => {
        if (isHeard) socket.resume();
        else socket.pause();
      },
      readFailed: (error) => owner.readFailed(error),
    });
    socket.setNoDelay(true);
    socket.on('close', () => this.close(fault('closed', 'the peer closed the connection')));
    socket.on('error', (error) => this.close(fault('connection-lost', error.message)));
    this.#timer = setTimeout(() => this.close(fault('handshake-timeout', 'no handshake in time')), HANDSHAKE_MS);
    this.#wire.greet(greeting.peerId, stream.hasOurHandshake);
  }

  get encryption(): LinkEncryption {
    return this.#stream.encryption;
  }

  /** Takes bytes from the socket and overwrites them; the caller may reuse them afterwards. */
  feed(bytes: Uint8Array, length: number): void {
    if (this.#isClosed) return;
    this.#stream.ciphers?.receive.apply(bytes, length);
    this.feedClear(bytes, length);
  }

  /** Takes bytes that the link handshake already read and decrypted. */
  feedClear(bytes: Uint8Array, length: number): void {
    if (this.#isClosed) return;
    this.#heardAt = now();
    this.#wire.feed(bytes, length);
    if (this.#isSettling) return;
    this.#isSettling = true;
    setImmediate(() => this.#settle());
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

  /** The metadata came while the link was open. */
  limitMessages(bitfieldBytes: number): void {
    this.#wire.limitMessages(bitfieldBytes);
  }

  /** Says that we have some pieces more; the bytes of the messages are left as they are. */
  announceHaves(haves: Uint8Array): void {
    this.#write(haves);
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
  /** The upload limit lets more go. */
  pumpUploads(): void {
    this.#uploads.pump();
  }
  sendMetadata(message: MetadataMessage): void {
    this.#wire.sendMetadata(message);
  }
  /** Answers a request for metadata; refuses what this peer had twice, and what the upload limit does not let go. */
  answerMetadata(reply: MetadataMessage): void {
    if (reply.type === 'data' && this.#mayTell(reply)) {
      this.#metadataBytes += reply.bytes.length;
      this.sendMetadata(reply);
    } else if (++this.#metadataRefusals > METADATA_REFUSALS_MAX) {
      this.close(fault('too-many-requests', 'it asks for metadata without end'));
    } else {
      this.sendMetadata({ type: 'reject', piece: reply.piece });
    }
  }

  #mayTell({ totalSize, bytes }: Extract<MetadataMessage, { type: 'data' }>): boolean {
    return this.#metadataBytes < METADATA_TIMES_MAX * totalSize && this.#allowance.owe(bytes.length);
  }

  describe(ours: OurExtendedHandshake): void {
    this.#wire.describe(ours);
  }
  sendPex(message: PexMessage): void {
    this.#wire.sendPex(message);
  }

  /** Ends a link that fell silent, and keeps one alive on which we say little; to be called every few seconds. */
  attend(time: Instant): void {
    if (!this.hasGreeted) return;
    if (time - this.#heardAt > SILENCE_MS) return this.close(fault('silent', 'the peer fell silent'));
    if (time - this.#keptAliveAt < KEEP_ALIVE_MS) return;
    this.#keptAliveAt = time;
    this.#wire.keepAlive();
  }

  /** Ends the link for one that may be of more use. */
  giveWay(): void {
    this.close(fault('idle', 'no block moved for long, and others wait for a link'));
  }

  /** Ends the link; its owner hears of it once. */
  close(why: Fault): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#pending = [];
    clearTimeout(this.#timer);
    this.#wire.close();
    this.#uploads.close();
    this.#stream.socket.destroy();
    this.#owner.closed(this, why);
  }

  /** TLS brings a burst of bytes in records of 16 KiB each: what they say is acted upon once. */
  #settle(): void {
    this.#isSettling = false;
    if (this.#isClosed) return;
    if (this.#interest) this.#owner.fact(this, { type: this.#interest, link: this.id });
    this.#interest = undefined;
    this.#owner.settled(this);
    this.#uploads.pump();
  }

  #control(type: WireControl): void {
    if (type === 'interested' || type === 'uninterested') this.#interest = type;
    else this.#owner.fact(this, { type, link: this.id });
  }

  #greeted(theirs: WireHandshake): void {
    this.hasGreeted = true;
    clearTimeout(this.#timer);
    this.#owner.opened(this, theirs);
  }

  #requested(piece: number, offset: number, length: number): void {
    if (!this.#owner.mayServe(this, piece, offset, length)) return this.#reject(piece, offset, length);
    this.#uploads.add(piece, offset, length);
  }

  #reject(piece: number, offset: number, length: number): void {
    if (this.#wire.hasFast) this.#wire.reject(piece, offset, length);
  }

  /** Bytes left our memory: of a peer that is not heard this is the sign of life. */
  #taken(sent: () => void): void {
    if (this.#uploads.isFull) this.#heardAt = now();
    sent();
  }

  /** Small messages of one turn leave as one chunk: a queue of thousands of tiny ones would itself be a burden. */
  #write(bytes: Uint8Array): void {
    if (this.#isClosed) return;
    if (this.#pending.length === 0) queueMicrotask(() => this.#flush());
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
    if (this.#stream.socket.writableLength + this.#pendingBytes > UNSENT_BYTES_MAX) {
      this.close(fault('not-reading', 'the peer does not read'));
    }
  }

  #flush(): void {
    if (this.#pending.length === 0 || this.#isClosed) return;
    // A message may be a constant of the package, which must not be encrypted in its place.
    const isOwn = this.#pending.length > 1 || this.#stream.ciphers !== undefined;
    const bytes = isOwn ? concatBytes(this.#pending) : this.#pending[0]!;
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#send(bytes);
  }

  /** Sends bytes that nobody reads again: they are encrypted where they are. */
  #send(bytes: Uint8Array, sent?: () => void): void {
    this.#stream.ciphers?.send.apply(bytes, bytes.length);
    this.#stream.socket.write(bytes, sent);
  }
}
