/**
 * Fetches an info dictionary from peers (BEP 9). Invariants: nothing is believed before the whole matches the info
 * hash; at most three peers are asked at a time and at most one copy is held; a peer that refuses rests and is asked
 * again, for it may only have been busy.
 */
import {
  type Deadline,
  earliest,
  type InfoHash,
  type Instant,
  infoHashOfBytes,
  later,
  type Machine,
} from '../base/index.ts';
import { METADATA_BYTES_MAX, METADATA_PIECE_BYTES, type MetadataMessage } from '../wire/index.ts';
import type { Sha1 } from './info.ts';
import type { LinkId } from './ledger.ts';

/** Peers asked at a time (SAFETY, limits). */
const SOURCES_MAX = 3;
/** A peer that sends nothing of what it owes for this long has refused. */
const REPLY_MS = 10_000;
/** Metadata pieces on order from one peer. */
const ASKED_MAX = 8;
const REST_MS = 30_000;
/**
 * Peers that claim one size are tried this long while others claim another, twice as long at each turn: a liar must
 * not hold up the rest, nor keep a slow and honest peer from ever being done.
 */
const SIZE_TRIAL_MS = 60_000;
const SIZE_TRIAL_DOUBLINGS_MAX = 10;

export type MetadataInput =
  | { readonly type: 'offered'; readonly link: LinkId; readonly size: number }
  | { readonly type: 'message'; readonly link: LinkId; readonly message: MetadataMessage }
  | { readonly type: 'linkClosed'; readonly link: LinkId }
  | { readonly type: 'tick' };

export type MetadataEffect =
  | { readonly type: 'request'; readonly link: LinkId; readonly piece: number }
  | { readonly type: 'complete'; readonly raw: Uint8Array }
  /** What this peer claimed or sent cannot be right; the host may close the link. */
  | { readonly type: 'distrust'; readonly link: LinkId };

interface Source {
  readonly link: LinkId;
  /** Bytes it says the dictionary has. */
  readonly size: number;
  readonly asked: Set<number>;
  /** When it has taken too long to send the next piece it owes. */
  owesUntil: Instant;
  /** It refused, and is not asked before this. */
  restsUntil: Instant | undefined;
  refusals: number;
}

/** One torrent's metadata, wanted. */
export class MetadataFetch implements Machine<MetadataInput, MetadataEffect> {
  readonly #infoHash: InfoHash;
  readonly #sha1: Sha1;
  /** Bounded by the links of one torrent. */
  readonly #sources = new Map<LinkId, Source>();
  /** The size being tried; peers may disagree, and only a hash decides who is right. */
  #size = 0;
  #sizeTrialEndsAt: Instant | undefined;
  #sizeTrials = 0;
  #bytes: Uint8Array = new Uint8Array(0);
  readonly #senders = new Map<number, LinkId>();
  #effects: MetadataEffect[] = [];
  #isComplete = false;
  /** One peer at a time is asked for everything. */
  #isSolo = false;

  constructor(infoHash: InfoHash, sha1: Sha1) {
    this.#infoHash = infoHash;
    this.#sha1 = sha1;
  }

  get deadline(): Deadline | undefined {
    if (this.#isComplete) return undefined;
    let at: Instant | undefined;
    let isOwed = false;
    for (const source of this.#sources.values()) {
      if (source.asked.size > 0) isOwed = true;
      at = earliest(at, source.asked.size > 0 ? source.owesUntil : source.restsUntil);
    }
    if (at === undefined) return undefined;
    if (isOwed && this.#hasOtherSize()) at = earliest(at, this.#sizeTrialEndsAt)!;
    return { at, why: isOwed ? 'a peer owes metadata' : 'a peer that refused metadata is asked again' };
  }

  effects(): MetadataEffect[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  input(input: MetadataInput, now: Instant): void {
    if (this.#isComplete) return;
    switch (input.type) {
      case 'offered':
        this.#offered(input.link, input.size, now);
        break;
      case 'linkClosed':
        this.#sources.delete(input.link);
        break;
      case 'tick':
        this.#tick(now);
        break;
      case 'message':
        this.#message(input.link, input.message, now);
    }
    this.#ask(now);
  }

  /** The first word of a peer counts: one that changes it would make us allocate at its pace. */
  #offered(link: LinkId, size: number, now: Instant): void {
    if (this.#sources.has(link) || !(size >= 1 && size <= METADATA_BYTES_MAX)) return;
    this.#sources.set(link, { link, size, asked: new Set(), owesUntil: now, restsUntil: undefined, refusals: 0 });
  }

  #tick(now: Instant): void {
    const isTrialOver = this.#sizeTrialEndsAt !== undefined && this.#sizeTrialEndsAt <= now;
    const isOvertaken = isTrialOver && this.#hasOtherSize();
    for (const source of this.#sources.values()) {
      if (source.restsUntil !== undefined && source.restsUntil <= now) source.restsUntil = undefined;
      if (source.asked.size > 0 && (source.owesUntil <= now || isOvertaken)) {
        this.#refuse(source, now);
      }
    }
  }

  #message(link: LinkId, message: MetadataMessage, now: Instant): void {
    const source = this.#sources.get(link);
    if (!source?.asked.has(message.piece) || message.type === 'request') return;
    if (message.type === 'reject') return this.#refuse(source, now);
    source.asked.delete(message.piece);
    source.owesUntil = later(now, REPLY_MS);
    const at = message.piece * METADATA_PIECE_BYTES;
    const expected = Math.min(METADATA_PIECE_BYTES, this.#size - at);
    if (message.totalSize !== this.#size || message.bytes.length !== expected) return this.#refuse(source, now);
    this.#bytes.set(message.bytes, at);
    this.#senders.set(message.piece, link);
    if (this.#senders.size * METADATA_PIECE_BYTES >= this.#size) this.#check();
  }

  #check(): void {
    if (infoHashOfBytes(this.#sha1(this.#bytes)) === this.#infoHash) {
      this.#isComplete = true;
      this.#effects.push({ type: 'complete', raw: this.#bytes });
      return;
    }
    const senders = new Set(this.#senders.values());
    this.#senders.clear();
    // Of several senders somebody lied, but who?
    this.#isSolo = true;
    if (senders.size > 1) return;
    for (const link of senders) {
      this.#effects.push({ type: 'distrust', link });
      this.#sources.delete(link);
    }
  }

  #refuse(source: Source, now: Instant): void {
    source.asked.clear();
    source.refusals++;
    source.restsUntil = later(now, REST_MS);
  }

  #hasOtherSize(): boolean {
    return this.#usable().some((source) => source.size !== this.#size);
  }

  /** Peers that do not rest, those that refused least first. */
  #usable(): Source[] {
    return [...this.#sources.values()]
      .filter((source) => source.restsUntil === undefined)
      .toSorted((a, b) => a.refusals - b.refusals);
  }

  #ask(now: Instant): void {
    if (this.#isComplete) return;
    const usable = this.#usable();
    const active = usable.filter((source) => source.asked.size > 0);
    const first = active[0] ?? usable[0];
    if (!first) return;
    if (first.size !== this.#size) this.#begin(first.size, now);
    const chosen = [...active, ...usable.filter((source) => !active.includes(source))]
      .filter((source) => source.size === this.#size)
      .slice(0, this.#isSolo ? 1 : SOURCES_MAX);
    // Who fetches alone starts over: a piece of another would hide again who lies.
    if (this.#isSolo && [...this.#senders.values()].some((link) => link !== chosen[0]?.link)) this.#senders.clear();
    for (const source of chosen) this.#askOne(source, chosen, now);
  }

  #begin(size: number, now: Instant): void {
    this.#size = size;
    this.#sizeTrialEndsAt = later(now, SIZE_TRIAL_MS * 2 ** Math.min(this.#sizeTrials++, SIZE_TRIAL_DOUBLINGS_MAX));
    this.#bytes = new Uint8Array(size);
    this.#senders.clear();
  }

  #askOne(source: Source, chosen: readonly Source[], now: Instant): void {
    const pieces = Math.ceil(this.#size / METADATA_PIECE_BYTES);
    for (let piece = 0; piece < pieces && source.asked.size < ASKED_MAX; piece++) {
      if (this.#senders.has(piece) || chosen.some((other) => other.asked.has(piece))) continue;
      if (source.asked.size === 0) source.owesUntil = later(now, REPLY_MS);
      source.asked.add(piece);
      this.#effects.push({ type: 'request', link: source.link, piece });
    }
  }
}
