/**
 * Where the load is: a ring of samples of accepted announces, from which the load of an arc, the place to cut it and the
 * hottest hashes follow. Under load only every n-th announce is kept, and counts n times, so that the ring covers about
 * a minute whatever the rate. Positions are the first 48 bits of a hash, which no two hashes are expected to share.
 */
import {
  bytesOfHex,
  INFO_HASH_BYTES,
  type InfoHash,
  type Instant,
  infoHashOfBytes,
  type Random,
} from '../src/base/index.ts';
import type { Arc, ArcLoad, HotHash } from '../src/ports/index.ts';

/** Samples kept, 0.4 MB: a tenth of the load is known to about 7 %. */
export const LOAD_SAMPLES_MAX = 8192;
/** What is older says nothing about now. */
export const LOAD_WINDOW_MS = 60_000;
/** Most hashes that `hottest` names. */
export const HOTTEST_MAX = 16;

// A rate over less than this would be a guess.
const WINDOW_MS_MIN = 1_000;
const RING = 2 ** 48;
const KEY_BYTES = 6;
// No cut leaves less than this on a side: it would not be worth a hand-off.
const CUT_SHARE_MIN = 0.05;

/** The announces of the last minute, or a sample of them. */
export class LoadSamples {
  readonly #random: Random;
  readonly #infoHashes: Uint8Array = new Uint8Array(LOAD_SAMPLES_MAX * INFO_HASH_BYTES);
  readonly #keys: Float64Array = new Float64Array(LOAD_SAMPLES_MAX);
  readonly #at: Float64Array = new Float64Array(LOAD_SAMPLES_MAX);
  /** How many announces a sample stands for. */
  readonly #weights: Float64Array = new Float64Array(LOAD_SAMPLES_MAX);
  readonly #bytes: Float64Array = new Float64Array(LOAD_SAMPLES_MAX);
  #next = 0;
  #count = 0;
  #weight = 1;
  #begunAt: Instant | undefined;
  #roundAt: Instant | undefined;
  /** The sample of the announce that is being answered. */
  #open = -1;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Notes an announce of a hash of 20 bytes. */
  note(infoHash: Uint8Array, now: Instant): void {
    this.#begunAt ??= now;
    this.#open = -1;
    if (this.#weight > 1 && this.#random() * this.#weight >= 1) return;
    if (this.#next === 0) this.#setPace(now);
    const place = this.#next;
    this.#next = (place + 1) % LOAD_SAMPLES_MAX;
    this.#count = Math.min(this.#count + 1, LOAD_SAMPLES_MAX);
    for (let i = 0; i < INFO_HASH_BYTES; i++) this.#infoHashes[place * INFO_HASH_BYTES + i] = infoHash[i]!;
    this.#keys[place] = keyOf(infoHash);
    this.#at[place] = now;
    this.#weights[place] = this.#weight;
    this.#bytes[place] = 0;
    this.#open = place;
  }

  /** Adds the bytes of the answer to the announce noted last. */
  spend(bytes: number): void {
    if (this.#open >= 0) this.#bytes[this.#open]! += bytes;
    this.#open = -1;
  }

  /** The load of each of some arcs. */
  loadOf(arcs: readonly Arc[], now: Instant): ArcLoad[] {
    const { recent, seconds } = this.#recent(now);
    return arcs.map((arc) => {
      const { from, span } = spanOf(arc);
      let announces = 0;
      let bytes = 0;
      for (const sample of recent) {
        if (distance(from, this.#keys[sample]!) > span) continue;
        announces += this.#weights[sample]!;
        bytes += this.#weights[sample]! * this.#bytes[sample]!;
      }
      return { announcesPerSecond: announces / seconds, bytesPerSecond: bytes / seconds };
    });
  }

  /**
   * The position at or below which about `share` of an arc's announces are; undefined when every cut would leave nearly
   * everything on one side.
   */
  cutOf(arc: Arc, share: number, now: Instant): string | undefined {
    const { from, span } = spanOf(arc);
    const inside = this.#recent(now)
      .recent.map((sample) => ({ away: distance(from, this.#keys[sample]!), weight: this.#weights[sample]! }))
      .filter(({ away }) => away <= span)
      .sort((a, b) => a.away - b.away);
    const total = inside.reduce((sum, { weight }) => sum + weight, 0);
    let best: { readonly away: number; readonly error: number } | undefined;
    let below = 0;
    for (const [i, { away, weight }] of inside.entries()) {
      below += weight;
      const following = inside[i + 1];
      if (!following || following.away === away) continue;
      if (below < total * CUT_SHARE_MIN || below > total * (1 - CUT_SHARE_MIN)) continue;
      const error = Math.abs(below / total - share);
      if (!best || error < best.error) best = { away, error };
    }
    return best && positionOf((from + best.away) % RING);
  }

  /** The hashes announced most, the first one most of all; those seen once are left out. */
  hottest(now: Instant): HotHash[] {
    const { recent, seconds } = this.#recent(now);
    const byKey = new Map<number, { readonly sample: number; count: number; weight: number }>();
    for (const sample of recent) {
      const key = this.#keys[sample]!;
      const known = byKey.get(key);
      if (!known) byKey.set(key, { sample, count: 1, weight: this.#weights[sample]! });
      else {
        known.count++;
        known.weight += this.#weights[sample]!;
      }
    }
    return [...byKey.values()]
      .filter(({ count }) => count > 1)
      .sort((a, b) => b.weight - a.weight)
      .slice(0, HOTTEST_MAX)
      .map(({ sample, weight }) => ({ infoHash: this.#infoHashOf(sample), announcesPerSecond: weight / seconds }));
  }

  /** Once per round of the ring: halves or doubles how many announces are kept, so that a round takes about a window. */
  #setPace(now: Instant): void {
    const begunAt = this.#roundAt;
    this.#roundAt = now;
    if (begunAt === undefined) return;
    const tookMs = Math.max(1, now - begunAt);
    this.#weight = Math.max(1, this.#weight * 2 ** Math.round(Math.log2(LOAD_WINDOW_MS / tookMs)));
  }

  /** The samples that still say something, and the seconds they stand for. */
  #recent(now: Instant): { readonly recent: number[]; readonly seconds: number } {
    const since = now - LOAD_WINDOW_MS;
    const recent: number[] = [];
    let oldest = Math.max(since, this.#begunAt ?? now);
    for (let sample = 0; sample < this.#count; sample++) if (this.#at[sample]! > since) recent.push(sample);
    if (recent.length === LOAD_SAMPLES_MAX) oldest = Math.max(oldest, this.#at[this.#next]!);
    return { recent, seconds: Math.max(WINDOW_MS_MIN, now - oldest) / 1000 };
  }

  #infoHashOf(sample: number): InfoHash {
    return infoHashOfBytes(this.#infoHashes.subarray(sample * INFO_HASH_BYTES, (sample + 1) * INFO_HASH_BYTES))!;
  }
}

function keyOf(infoHash: Uint8Array): number {
  let key = 0;
  for (let i = 0; i < KEY_BYTES; i++) key = key * 256 + infoHash[i]!;
  return key;
}

/** How far along the ring a key is after `from`: 1 to RING. */
function distance(from: number, key: number): number {
  const away = key - from;
  return away > 0 ? away : away + RING;
}

function spanOf({ from, to }: Arc): { readonly from: number; readonly span: number } {
  const [start, end] = [keyOf(bytesOfHex(from)!), keyOf(bytesOfHex(to)!)];
  return { from: start, span: from === to ? RING : distance(start, end) };
}

/** The last position that begins with a key. */
function positionOf(key: number): string {
  return key
    .toString(16)
    .padStart(2 * KEY_BYTES, '0')
    .padEnd(2 * INFO_HASH_BYTES, 'f');
}
