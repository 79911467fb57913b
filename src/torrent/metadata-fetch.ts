/**
 * Fetches an info dictionary from peers (BEP 9). Invariant: nothing is believed before the whole matches the info
 * hash; at most three peers are asked at a time and at most one copy is held.
 */
import { type Deadline, type InfoHash, type Instant, infoHashOfBytes, later, type Machine } from '../base/index.ts';
import { METADATA_PIECE_BYTES, type MetadataMessage } from '../wire/index.ts';
import type { Sha1 } from './info.ts';
import type { LinkId } from './ledger.ts';

/** Peers asked at a time (SAFETY, limits). */
const SOURCES_MAX = 3;
const REPLY_MS = 10_000;
/** Metadata pieces on order from one peer. */
const ASKED_MAX = 8;

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
  /** Bytes it says the dictionary has. */
  readonly size: number;
  readonly asked: Set<number>;
  refused: boolean;
  deadline: Instant;
}

/** One torrent's metadata, wanted. */
export class MetadataFetch implements Machine<MetadataInput, MetadataEffect> {
  readonly #infoHash: InfoHash;
  readonly #sha1: Sha1;
  /** Bounded by the links of one torrent. */
  readonly #sources = new Map<LinkId, Source>();
  /** The size being tried; peers may disagree, and only a hash decides who is right. */
  #size = 0;
  #bytes: Uint8Array = new Uint8Array(0);
  readonly #senders = new Map<number, LinkId>();
  #effects: MetadataEffect[] = [];
  #isComplete = false;
  #isSolo = false;

  constructor(infoHash: InfoHash, sha1: Sha1) {
    this.#infoHash = infoHash;
    this.#sha1 = sha1;
  }

  get deadline(): Deadline | undefined {
    let at: Instant | undefined;
    for (const source of this.#sources.values()) {
      if (source.asked.size > 0 && (at === undefined || source.deadline < at)) at = source.deadline;
    }
    return at === undefined ? undefined : { at, why: 'a peer owes metadata' };
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
        this.#sources.set(input.link, { size: input.size, asked: new Set(), refused: false, deadline: now });
        break;
      case 'linkClosed':
        this.#sources.delete(input.link);
        break;
      case 'tick':
        for (const source of this.#sources.values()) {
          if (source.asked.size > 0 && source.deadline <= now) this.#refuse(source);
        }
        break;
      case 'message':
        this.#message(input.link, input.message);
    }
    this.#ask(now);
  }

  #message(link: LinkId, message: MetadataMessage): void {
    const source = this.#sources.get(link);
    if (!source?.asked.has(message.piece) || message.type === 'request') return;
    if (message.type === 'reject') return this.#refuse(source);
    source.asked.delete(message.piece);
    const at = message.piece * METADATA_PIECE_BYTES;
    const expected = Math.min(METADATA_PIECE_BYTES, this.#size - at);
    if (message.totalSize !== this.#size || message.bytes.length !== expected) return this.#refuse(source);
    if (this.#senders.has(message.piece)) return;
    this.#bytes.set(message.bytes, at);
    this.#senders.set(message.piece, link);
    if (this.#senders.size * METADATA_PIECE_BYTES < this.#size) return;
    this.#check();
  }

  #check(): void {
    if (infoHashOfBytes(this.#sha1(this.#bytes)) === this.#infoHash) {
      this.#isComplete = true;
      this.#effects.push({ type: 'complete', raw: this.#bytes });
      return;
    }
    const senders = new Set(this.#senders.values());
    this.#senders.clear();
    if (senders.size > 1) {
      // Somebody lied, but who? From now on one peer at a time is asked for everything.
      this.#isSolo = true;
      return;
    }
    for (const link of senders) {
      this.#effects.push({ type: 'distrust', link });
      this.#sources.delete(link);
    }
  }

  #refuse(source: Source): void {
    source.asked.clear();
    source.refused = true;
  }

  #ask(now: Instant): void {
    if (this.#isComplete) return;
    const usable = [...this.#sources].filter(([, source]) => !source.refused);
    const active = usable.filter(([, source]) => source.asked.size > 0);
    const [first] = active.length > 0 ? active : usable;
    if (!first) return;
    const size = first[1].size;
    if (active.length === 0 && size !== this.#size) {
      this.#size = size;
      this.#bytes = new Uint8Array(size);
      this.#senders.clear();
    }
    const most = this.#isSolo ? 1 : SOURCES_MAX;
    const chosen = [...active, ...usable.filter((pair) => !active.includes(pair))]
      .filter(([, source]) => source.size === this.#size)
      .slice(0, most);
    for (const [link, source] of chosen) this.#askOne(link, source, chosen, now);
  }

  #askOne(link: LinkId, source: Source, chosen: [LinkId, Source][], now: Instant): void {
    const pieces = Math.ceil(this.#size / METADATA_PIECE_BYTES);
    for (let piece = 0; piece < pieces && source.asked.size < ASKED_MAX; piece++) {
      if (this.#senders.has(piece) || chosen.some(([, other]) => other.asked.has(piece))) continue;
      if (source.asked.size === 0) source.deadline = later(now, REPLY_MS);
      source.asked.add(piece);
      this.#effects.push({ type: 'request', link, piece });
    }
  }
}
