/**
 * Hosts the rate limits of one direction, and the part that each link has in them. A link without a limit asks nobody.
 */
import type { InfoHash } from '../base/index.ts';
import { Throttle } from '../session/index.ts';
import { type AlarmClock, now } from './alarm-clock.ts';

/** All that moves in one direction. */
export class RateGate {
  readonly #alarms: AlarmClock;
  readonly #throttle = new Throttle<InfoHash, Allowance>();
  readonly #wake = (): void => this.#feed({ type: 'tick' });
  #bytesPerSecond: number | null = null;
  #isGranting = false;

  constructor(alarms: AlarmClock) {
    this.#alarms = alarms;
  }

  isLimited(torrent: InfoHash): boolean {
    return this.#throttle.isLimited(torrent);
  }
  /** True when a limit of 0 lets nothing through. */
  isClosed(torrent: InfoHash): boolean {
    return this.#throttle.isClosed(torrent);
  }

  /** The limit of the node. */
  get bytesPerSecond(): number | null {
    return this.#bytesPerSecond;
  }

  /** @param bytesPerSecond null lifts the limit of the node */
  limit(bytesPerSecond: number | null): void {
    this.#bytesPerSecond = bytesPerSecond;
    this.#feed({ type: 'limit', bytesPerSecond });
  }
  /** @param bytesPerSecond null lifts the limit of the torrent */
  limitTorrent(torrent: InfoHash, bytesPerSecond: number | null): void {
    this.#feed({ type: 'limit', torrent, bytesPerSecond });
  }
  /** The torrent is gone for good. */
  forget(torrent: InfoHash): void {
    this.#feed({ type: 'gone', torrent });
  }

  claim(torrent: InfoHash, link: Allowance, bytes: number): void {
    this.#feed({ type: 'claim', torrent, link, bytes });
  }
  refund(torrent: InfoHash, bytes: number): void {
    this.#feed({ type: 'refund', torrent, bytes });
  }
  /** Lets bytes go that are not payload, and takes them off what is granted later; false when too many went so already. */
  owe(torrent: InfoHash, bytes: number): boolean {
    if (!this.isLimited(torrent)) return true;
    // Time may have passed since it was looked at last.
    this.#feed({ type: 'tick' });
    if (this.#throttle.isOverdrawn(torrent)) return false;
    this.#feed({ type: 'owed', torrent, bytes });
    return true;
  }

  #feed(input: Parameters<Throttle<InfoHash, Allowance>['input']>[0]): void {
    this.#throttle.input(input, now());
    this.#alarms.set(this.#wake, this.#throttle.deadline?.at);
    // Later, because whoever asks is in the middle of something.
    if (this.#isGranting) return;
    this.#isGranting = true;
    queueMicrotask(() => {
      this.#isGranting = false;
      for (const { link, bytes } of this.#throttle.effects()) link.granted(bytes);
    });
  }
}

/** The limits of a node, both ways. */
export interface Rates {
  readonly down: RateGate;
  readonly up: RateGate;
}

/** What one link may move. Invariant: what was granted is spent, waits for its use, or goes back. */
export class Allowance {
  readonly #gate: RateGate;
  readonly #torrent: InfoHash;
  readonly #wake: () => void;
  #credit = 0;
  #claimed = 0;

  /** @param wake told when more may move */
  constructor(gate: RateGate, torrent: InfoHash, wake: () => void) {
    this.#gate = gate;
    this.#torrent = torrent;
    this.#wake = wake;
  }

  /** Bytes that may move now, Infinity without a limit; claims what is missing of those wanted, and of 0 takes all back. */
  available(wanted: number): number {
    if (!this.#gate.isLimited(this.#torrent)) return Number.POSITIVE_INFINITY;
    if (wanted === 0 && this.#credit > 0) {
      this.giveBack(this.#credit);
      this.#credit = 0;
    }
    const missing = Math.max(0, wanted - this.#credit);
    if (missing !== this.#claimed) {
      this.#claimed = missing;
      this.#gate.claim(this.#torrent, this, missing);
    }
    return this.#credit;
  }

  spend(bytes: number): void {
    this.#credit = Math.max(0, this.#credit - bytes);
  }

  /** Whether bytes may go that are not payload. */
  owe(bytes: number): boolean {
    return this.#gate.owe(this.#torrent, bytes);
  }

  /** What was spent did not move after all. */
  giveBack(bytes: number): void {
    if (this.#gate.isLimited(this.#torrent)) this.#gate.refund(this.#torrent, bytes);
  }

  granted(bytes: number): void {
    // The wish was taken back meanwhile: whoever is woken for that wishes again, and so on for ever.
    if (this.#claimed === 0) return this.giveBack(bytes);
    this.#credit += bytes;
    this.#claimed = Math.max(0, this.#claimed - bytes);
    this.#wake();
  }
}
