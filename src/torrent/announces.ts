/**
 * When to announce to which tracker (BEP 3, tiers of BEP 12). Knows intervals and failures; the host sends the
 * request and reports back. Invariant: one request under way at a time; the interval a tracker names is kept.
 */
import { type Deadline, type Instant, jittered, later, type Machine, type Random } from '../base/index.ts';

export type AnnounceEvent = 'started' | 'stopped' | 'completed' | undefined;

const INTERVAL_MIN_SECONDS = 30;
const INTERVAL_MAX_SECONDS = 3600;
const RETRY_FIRST_MS = 5000;
const RETRY_MAX_MS = 15 * 60_000;
/** While a torrent has no peer at all it asks more often, but never below what the tracker allows. */
const HUNGRY_MS = 15_000;

export type AnnounceInput =
  | { readonly type: 'begin' | 'complete' | 'end' | 'tick' }
  | { readonly type: 'answered'; readonly intervalSeconds: number; readonly minIntervalSeconds: number }
  | { readonly type: 'failed'; readonly text: string }
  | { readonly type: 'hungry'; readonly isHungry: boolean }
  | { readonly type: 'trackers'; readonly tiers: readonly (readonly string[])[] };

export interface AnnounceEffect {
  readonly type: 'announce';
  readonly tracker: string;
  readonly event: AnnounceEvent;
}

/** The announce schedule of one torrent. */
export class Announces implements Machine<AnnounceInput, AnnounceEffect> {
  readonly #random: Random;
  /** Within a tier, the tracker that answered moves to the front. */
  #tiers: string[][];
  #tier = 0;
  #place = 0;
  #event: AnnounceEvent;
  #isRunning = false;
  #isUnderWay = false;
  #nextAt: Instant | undefined;
  #allowedAt: Instant | undefined;
  #failures = 0;
  #lastFailure: string | undefined;
  #isHungry = false;
  /** The event of the request under way, repeated if it fails. */
  #sentEvent: AnnounceEvent;
  #hasStarted = false;
  #effects: AnnounceEffect[] = [];

  constructor(tiers: readonly (readonly string[])[], random: Random) {
    this.#random = random;
    this.#tiers = tiers.map((tier) => [...tier]).filter((tier) => tier.length > 0);
  }

  get hasTrackers(): boolean {
    return this.#tiers.length > 0;
  }
  get trackers(): readonly string[] {
    return this.#tiers.flat();
  }
  /** What the last failed announce said, until one succeeds. */
  get failure(): string | undefined {
    return this.#lastFailure;
  }
  get hasAnswered(): boolean {
    return this.#hasStarted;
  }

  get deadline(): Deadline | undefined {
    if (!this.#isRunning || this.#isUnderWay || this.#nextAt === undefined || !this.hasTrackers) return undefined;
    return { at: this.#nextAt, why: 'the next announce' };
  }

  effects(): AnnounceEffect[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  input(input: AnnounceInput, now: Instant): void {
    switch (input.type) {
      case 'begin':
        this.#isRunning = true;
        this.#event = 'started';
        this.#nextAt = now;
        break;
      case 'complete':
        if (!this.#isRunning) break;
        // A tracker that has not heard `started` yet learns of completion through left=0 alone.
        if (this.#event === undefined) this.#event = 'completed';
        this.#nextAt = now;
        break;
      case 'end':
        this.#isRunning = false;
        if (this.#hasStarted && this.hasTrackers) this.#send('stopped');
        return;
      case 'answered':
        this.#answered(input.intervalSeconds, input.minIntervalSeconds, now);
        break;
      case 'failed':
        this.#failed(input.text, now);
        break;
      case 'hungry':
        this.#isHungry = input.isHungry;
        if (input.isHungry && this.#allowedAt !== undefined && this.#nextAt !== undefined && !this.#isUnderWay) {
          const soon = Math.max(later(now, HUNGRY_MS), this.#allowedAt) as Instant;
          if (soon < this.#nextAt) this.#nextAt = soon;
        }
        break;
      case 'trackers':
        this.#tiers = input.tiers.map((tier) => [...tier]).filter((tier) => tier.length > 0);
        this.#tier = this.#place = 0;
        if (this.#isRunning) this.#nextAt = now;
        break;
      case 'tick':
        break;
    }
    if (this.#isRunning && !this.#isUnderWay && this.#nextAt !== undefined && this.#nextAt <= now) {
      this.#send(this.#event);
    }
  }

  #send(event: AnnounceEvent): void {
    const tracker = this.#tiers[this.#tier]?.[this.#place];
    if (tracker === undefined) return;
    this.#isUnderWay = true;
    this.#sentEvent = event;
    this.#event = undefined;
    this.#effects.push({ type: 'announce', tracker, event });
  }

  #answered(intervalSeconds: number, minIntervalSeconds: number, now: Instant): void {
    this.#isUnderWay = false;
    this.#failures = 0;
    this.#lastFailure = undefined;
    this.#hasStarted = true;
    const tier = this.#tiers[this.#tier];
    const [tracker] = tier?.splice(this.#place, 1) ?? [];
    if (tracker !== undefined) tier?.unshift(tracker);
    this.#place = 0;
    const seconds = Math.min(Math.max(intervalSeconds, INTERVAL_MIN_SECONDS), INTERVAL_MAX_SECONDS);
    const minSeconds = Math.min(Math.max(minIntervalSeconds, INTERVAL_MIN_SECONDS), seconds);
    this.#allowedAt = later(now, minSeconds * 1000);
    this.#nextAt = this.#isHungry ? this.#allowedAt : later(now, jittered(this.#random, seconds * 1000, 0.1));
    if (this.#event !== undefined) this.#nextAt = now;
  }

  #failed(text: string, now: Instant): void {
    this.#isUnderWay = false;
    this.#lastFailure = text;
    this.#event ??= this.#sentEvent;
    const tier = this.#tiers[this.#tier] ?? [];
    this.#place++;
    if (this.#place >= tier.length) {
      this.#place = 0;
      this.#tier = (this.#tier + 1) % Math.max(1, this.#tiers.length);
    }
    if (this.#tier !== 0 || this.#place !== 0) {
      this.#nextAt = now;
      return;
    }
    const rest = Math.min(RETRY_FIRST_MS * 2 ** this.#failures++, RETRY_MAX_MS);
    this.#nextAt = later(now, jittered(this.#random, rest, 0.2));
  }
}
