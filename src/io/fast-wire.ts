/**
 * The peer wire: bittorrent-protocol decides what messages mean, our frame reader decides what reaches it, and block
 * payloads never touch it. The only importer of the package. Every throw of the package is a fault of this one link.
 */
import Wire from 'bittorrent-protocol';
import { type Fault, fault, type InfoHash, readUint32 } from '../base/index.ts';
import {
  type ExtendedHandshake,
  encodeMetadataMessage,
  encodePex,
  encodeRequestRun,
  FrameReader,
  type FrameSink,
  HANDSHAKE_BYTES,
  MESSAGE,
  type MetadataMessage,
  OUR_EXTENSION_IDS,
  type PexMessage,
  parseExtendedHandshake,
  parseMetadataMessage,
  parsePex,
  parseWireHandshake,
  type WireHandshake,
} from '../wire/index.ts';

export type WireControl = 'choked' | 'unchoked' | 'interested' | 'uninterested' | 'haveAll' | 'haveNone';

/** What a link hears from its wire. */
export interface WireEvents {
  write(bytes: Uint8Array): void;
  handshake(theirs: WireHandshake): void;
  extended(handshake: ExtendedHandshake): void;
  metadata(message: MetadataMessage): void;
  /** It wants nothing any more, or something again (BEP 21, in the message that libtorrent made for it). */
  uploadOnly(isUploadOnly: boolean): void;
  pex(message: PexMessage): void;
  /** A control message without numbers. */
  control(type: WireControl): void;
  bitfield(bytes: Uint8Array): void;
  have(piece: number): void;
  rejected(piece: number, offset: number): void;
  requested(piece: number, offset: number, length: number): void;
  cancelled(piece: number, offset: number, length: number): void;
  blockPlace(piece: number, offset: number, length: number): Uint8Array | undefined;
  blockArrived(piece: number, offset: number, length: number): void;
  failed(why: Fault): void;
}

/** What we tell the peer about ourselves in the extension handshake (BEP 10). */
export interface OurExtendedHandshake {
  readonly client: string;
  readonly listenPort: number;
  readonly requestQueue: number;
  /** Bytes of the info dictionary; 0 while we lack it. */
  readonly metadataSize: number;
  /** Nothing that is wanted is missing (BEP 21). */
  readonly isUploadOnly: boolean;
  /** False for a private torrent, which exchanges no peers (BEP 27). */
  readonly usesPex: boolean;
}

const PACKAGE_EVENTS = {
  choke: 'choked',
  unchoke: 'unchoked',
  interested: 'interested',
  uninterested: 'uninterested',
  'have-all': 'haveAll',
  'have-none': 'haveNone',
} as const;

/** One link's wire over a byte stream that the link owns. */
export class FastWire extends Wire {
  // Public fields of the package's constructor chain call overridden methods before ours exist, hence the guards.
  readonly #events: WireEvents;
  readonly #infoHash: InfoHash;
  readonly #reader: FrameReader;
  readonly #handshake = new Uint8Array(HANDSHAKE_BYTES);
  #handshakeBytes = 0;
  readonly #usesPex: boolean;
  #theirMetadataId: number | undefined;
  #theirPexId: number | undefined;
  #hasFailed = false;
  #isMute = false;

  constructor(events: WireEvents, infoHash: InfoHash, ours: OurExtendedHandshake) {
    super();
    this.#events = events;
    this.#infoHash = infoHash;
    const sink: FrameSink = {
      blockPlace: (piece, offset, length) => events.blockPlace(piece, offset, length),
      blockArrived: (piece, offset, length) => events.blockArrived(piece, offset, length),
      requested: (piece, offset, length) => {
        if (!this.#hasFailed) events.requested(piece, offset, length);
      },
      message: (id, payload) => this.#message(id, payload),
      keepAlive: () => {},
    };
    this.#reader = new FrameReader(sink, copyBytes);
    this.#usesPex = ours.usesPex;
    for (const [name, id] of Object.entries(OUR_EXTENSION_IDS)) {
      if (name !== 'ut_pex' || ours.usesPex) this.extendedMapping[id] = name;
    }
    this.extendedHandshake = handshakeOf(ours);
    for (const [name, type] of Object.entries(PACKAGE_EVENTS)) this.on(name, () => events.control(type));
  }

  /**
   * Sends our wire handshake; the extension handshake follows by itself once theirs is here.
   * @param isSent the handshake went another way already: the package only learns of it
   */
  greet(peerId: Uint8Array, isSent: boolean): void {
    this.#isMute = isSent;
    this.#guard(() => this.handshake(this.#infoHash, peerId, { fast: true }));
    this.#isMute = false;
  }

  /** Says anew what we are; a peer that has not heard it yet hears only this. */
  describe(ours: OurExtendedHandshake): void {
    this.extendedHandshake = handshakeOf(ours);
    if (this._extendedHandshakeSent) this.#guard(() => this._sendExtendedHandshake());
  }

  /** Takes the next bytes from the stream; the caller may reuse them afterwards. */
  feed(bytes: Uint8Array, length: number): void {
    if (this.#hasFailed) return;
    let at = 0;
    if (this.#handshakeBytes < HANDSHAKE_BYTES) {
      at = Math.min(HANDSHAKE_BYTES - this.#handshakeBytes, length);
      this.#handshake.set(bytes.subarray(0, at), this.#handshakeBytes);
      this.#handshakeBytes += at;
      if (this.#handshakeBytes < HANDSHAKE_BYTES) return;
      this.#greeted();
      if (this.#hasFailed) return;
    }
    const wrong = this.#reader.feed(at === 0 ? bytes : bytes.subarray(at, length), length - at);
    if (wrong) this.#fail(wrong);
  }

  /** Tells the frame reader how large this torrent's messages can be. */
  limitMessages(bitfieldBytes: number): void {
    this.#reader.limitMessages(bitfieldBytes);
  }

  /** Asks for neighbouring blocks with one write. */
  requestRun(piece: number, firstBlock: number, blockCount: number, lastLength: number): void {
    this._push(encodeRequestRun(piece, firstBlock, blockCount, lastLength));
  }

  /** Takes a request back; a block of it that is arriving right now is dropped. */
  withdraw(piece: number, offset: number, length: number): void {
    this.#reader.abandonBlock(piece, offset);
    this.#guard(() => this.cancel(piece, offset, length));
  }

  sendMetadata(message: MetadataMessage): void {
    const id = this.#theirMetadataId;
    if (id !== undefined) this.#guard(() => this.extended(id, encodeMetadataMessage(message)));
  }

  sendPex(message: PexMessage): void {
    const id = this.#theirPexId;
    if (id !== undefined) this.#guard(() => this.extended(id, encodePex(message)));
  }

  /** Hears and says nothing more. */
  close(): void {
    this.#hasFailed = true;
    this.#reader.end();
  }

  /** The package destroys a wire whose peer broke BEP 6. */
  override destroy(): this {
    this.#fail(fault('wire-refused', 'the peer used the fast extension without having offered it'));
    return this;
  }

  override _push(bytes: Uint8Array): void {
    if (!this.#hasFailed && !this.#isMute) this.#events.write(bytes);
  }

  override _onHave(piece: number): void {
    this.#events.have(piece >>> 0);
  }
  override _onBitField(bytes: Uint8Array): void {
    this.#events.bitfield(bytes);
  }
  override _onCancel(piece: number, offset: number, length: number): void {
    this.#events.cancelled(piece >>> 0, offset >>> 0, length >>> 0);
  }
  override _onReject(piece: number, offset: number, length: number): void {
    super._onReject(piece, offset, length);
    if (this.hasFast) this.#events.rejected(piece >>> 0, offset >>> 0);
  }

  override _onExtended(id: number, payload: Uint8Array): void {
    if (id === 0) {
      const handshake = parseExtendedHandshake(payload);
      if (!handshake) return;
      this.#theirMetadataId = handshake.metadataId;
      this.#theirPexId = handshake.pexId;
      this.#events.extended(handshake);
    } else if (id === OUR_EXTENSION_IDS.ut_metadata) {
      const message = parseMetadataMessage(payload);
      if (message) this.#events.metadata(message);
    } else if (id === OUR_EXTENSION_IDS.upload_only && payload.length > 0) {
      this.#events.uploadOnly(payload[0] !== 0);
    } else if (id === OUR_EXTENSION_IDS.ut_pex && this.#usesPex) {
      const message = parsePex(payload);
      if (message) this.#events.pex(message);
    }
  }

  #greeted(): void {
    const theirs = parseWireHandshake(this.#handshake);
    if (theirs instanceof Object && 'infoHash' in theirs) {
      if (theirs.infoHash !== this.#infoHash)
        return this.#fail(fault('wrong-torrent', 'the peer serves another torrent'));
      this.#guard(() => this._write(this.#handshake, () => {}));
      if (!this.#hasFailed) this.#events.handshake(theirs);
    } else {
      this.#fail(theirs);
    }
  }

  #message(id: number, payload: Uint8Array): void {
    if (this.#hasFailed) return;
    // One of them comes for every piece and peer.
    if (id === MESSAGE.have) return this._onHave(readUint32(payload, 0));
    const whole = new Uint8Array(payload.length + 1);
    whole[0] = id;
    whole.set(payload, 1);
    this.#guard(() => this._onMessage(whole));
  }

  /** Runs the package; whatever it throws ends this link and nothing else. */
  #guard(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#fail(fault('wire-refused', `the peer's message broke the wire: ${error}`));
    }
  }

  #fail(why: Fault): void {
    if (this.#hasFailed) return;
    this.close();
    this.#events.failed(why);
  }
}

/** `set` goes byte by byte where the target is shared with another thread; the runtime's own copy does not. */
function copyBytes(target: Uint8Array, at: number, source: Uint8Array, from: number, end: number): void {
  Buffer.prototype.copy.call(source, target, at, from, end);
}

function handshakeOf(ours: OurExtendedHandshake): Record<string, unknown> {
  return {
    p: ours.listenPort,
    reqq: ours.requestQueue,
    upload_only: ours.isUploadOnly ? 1 : 0,
    v: ours.client,
    ...(ours.metadataSize > 0 && { metadata_size: ours.metadataSize }),
  };
}
