/**
 * When to announce to which tracker (BEP 3, tiers of BEP 12, refusals of BEP 31). Knows intervals and failures; the host
 * sends the request and reports back. Invariants: one request under way at a time, a farewell excepted and what overtakes
 * a slow one; of one tracker one at a time; never sooner than it allows or, when it refused, wants; no event is lost to a request that fails or is under way.
 */
import { type Deadline, type Instant, jittered, later, type Machine, type Random, shuffled } from '../base/index.ts';
import type { AnnounceTurns } from './tracker-turns.ts';

export type AnnounceEvent = 'started' | 'stopped' | 'completed' | undefined;

/** In how many minutes a tracker that refused wants to be asked again (BEP 31). */
export type RetryMinutes = number | 'never' | undefined;

const INTERVAL_MIN_SECONDS = 30;
const INTERVAL_MAX_SECONDS = 3600;
const RETRY_FIRST_MS = 5000;
const RETRY_MAX_MS = 15 * 60_000;
/** While a torrent has no peer at all it asks more often, but never below what the tracker allows. */
const HUNGRY_MS = 15_000;

interface Outcome {
  /** The one asked last where it is missing. */
  readonly tracker?: string;
}
interface Answer extends Outcome {
  readonly type: 'answered';
  readonly intervalSeconds: number;
  readonly minIntervalSeconds: number;
}
interface Failure extends Outcome {
  readonly type: 'failed';
  readonly text: string;
  readonly retryMinutes?: RetryMinutes;
  /** Nothing came back, where others would hear nothing either. */
  readonly isSilent?: boolean;
}

export type AnnounceInput =
  /** `again`: failures so far were our own network's. */
  | { readonly type: 'begin' | 'complete' | 'end' | 'tick' | 'again' }
  | Answer
  | Failure
  /** No outcome for long, but one will come. */
  | { readonly type: 'slow'; readonly tracker: string }
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
  readonly #turns: AnnounceTurns;
  /** Shuffled once; within a tier, the tracker that answered moves to the front. */
  #tiers: string[][];
  #tier = 0;
  #place = 0;
  #event: AnnounceEvent;
  #isRunning = false;
  /** The tracker of the request under way. */
  #asked: string | undefined;
  /** The trackers were replaced since: its reply says nothing any more. */
  #isAskedStale = false;
  /** The tracker that knows us. */
  #answered: string | undefined;
  #nextAt: Instant | undefined;
  #allowedAt: Instant | undefined;
  /** Until when trackers that refused want to be left alone, some for ever; bounded by the trackers. */
  readonly #leftAlone = new Map<string, Instant>();
  /** Slow ones that others overtook, and that are still asked; bounded by the trackers. */
  readonly #overtaken = new Set<string>();
  #failures = 0;
  #lastFailure: string | undefined;
  /** What it waits for. */
  #turn: { readonly tracker: string; readonly at: Instant } | undefined;
  #isHungry = false;
  /** The event of the request under way, repeated if it fails. */
  #sentEvent: AnnounceEvent;
  #effects: AnnounceEffect[] = [];

  /** @param turns when all torrents of the node may ask */
  constructor(tiers: readonly (readonly string[])[], random: Random, turns: AnnounceTurns) {
    this.#random = random;
    this.#turns = turns;
    this.#tiers = shuffledTiers(tiers, random);
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
    return this.#answered !== undefined;
  }

  get deadline(): Deadline | undefined {
    if (!this.#isRunning || this.#asked !== undefined || this.#nextAt === undefined || !this.hasTrackers)
      return undefined;
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
        return this.#end();
      case 'answered':
        this.#noteAnswer(input, now);
        break;
      case 'failed':
        this.#noteFailure(input, now);
        break;
      case 'slow':
        this.#noteSlow(input.tracker, now);
        break;
      case 'hungry':
        this.#noteHunger(input.isHungry, now);
        break;
      case 'trackers':
        this.#replace(input.tiers, now);
        break;
      case 'again':
        this.#failures = 0;
        for (const tracker of this.trackers) this.#turns.forgive(tracker);
        if (this.#isRunning) this.#nextAt = latest(now, this.#allowedAt);
        break;
      case 'tick':
        break;
    }
    if (this.#isRunning && this.#asked === undefined && this.#nextAt !== undefined && this.#nextAt <= now) {
      this.#send(now);
    }
  }

  #send(now: Instant): void {
    if (!this.#mayAsk(now) && !this.#moveOn(now)) {
      this.#nextAt = this.#askableAt(now);
      return;
    }
    const tracker = this.#tiers[this.#tier]?.[this.#place];
    if (tracker === undefined) return;
    const turn = this.#turn?.tracker === tracker ? this.#turn : { tracker, at: this.#turns.turnAt(tracker, now) };
    this.#turn = turn.at > now ? turn : undefined;
    if (this.#turn) {
      this.#nextAt = turn.at;
      return;
    }
    this.#asked = tracker;
    this.#sentEvent = this.#event;
    this.#event = undefined;
    this.#effects.push({ type: 'announce', tracker, event: this.#sentEvent });
  }

  /** The tracker that knows us hears that we leave. */
  #end(): void {
    this.#isRunning = false;
    this.#asked = this.#event = this.#nextAt = undefined;
    this.#isAskedStale = false;
    this.#overtaken.clear();
    if (this.#answered === undefined) return;
    this.#effects.push({ type: 'announce', tracker: this.#answered, event: 'stopped' });
    this.#answered = undefined;
  }

  #replace(tiers: readonly (readonly string[])[], now: Instant): void {
    this.#tiers = shuffledTiers(tiers, this.#random);
    this.#tier = this.#place = this.#failures = 0;
    this.#answered = this.#allowedAt = this.#lastFailure = undefined;
    const { trackers } = this;
    for (const tracker of this.#leftAlone.keys()) if (!trackers.includes(tracker)) this.#leftAlone.delete(tracker);
    this.#overtaken.clear();
    this.#isAskedStale = this.#asked !== undefined;
    if (!this.#isRunning) return;
    this.#event = 'started';
    this.#nextAt = now;
  }

  #noteHunger(isHungry: boolean, now: Instant): void {
    this.#isHungry = isHungry;
    // A tracker that fails is not asked more often for that.
    if (!isHungry || this.#failures > 0 || this.#allowedAt === undefined || this.#nextAt === undefined) return;
    const soon = Math.max(later(now, HUNGRY_MS), this.#allowedAt) as Instant;
    if (soon < this.#nextAt) this.#nextAt = soon;
  }

  /** Ends the request under way; undefined when its tracker was left or replaced meanwhile. */
  #takeAsked(): string | undefined {
    const tracker = this.#isAskedStale ? undefined : this.#asked;
    this.#asked = undefined;
    this.#isAskedStale = false;
    return tracker;
  }

  #noteAnswer({ tracker: teller, intervalSeconds, minIntervalSeconds }: Answer, now: Instant): void {
    this.#tellOthers(teller, undefined, now);
    const seconds = Math.min(Math.max(intervalSeconds, INTERVAL_MIN_SECONDS), INTERVAL_MAX_SECONDS);
    const minSeconds = Math.min(Math.max(minIntervalSeconds, INTERVAL_MIN_SECONDS), seconds);
    if (teller !== undefined && this.#overtaken.delete(teller)) {
      this.#answered ??= teller;
      this.#leftAlone.set(teller, later(now, minSeconds * 1000));
      this.#nextAt ??= later(now, minSeconds * 1000);
    }
    if (this.#isLate(teller)) return;
    const tracker = this.#takeAsked();
    const tier = this.#tiers[this.#tier];
    if (tracker === undefined || !tier) return;
    this.#answered = tracker;
    this.#failures = 0;
    this.#lastFailure = undefined;
    tier.unshift(...tier.splice(this.#place, 1));
    // Each announce begins with the first tier again: the others are its backups.
    this.#tier = this.#place = 0;
    this.#allowedAt = later(now, minSeconds * 1000);
    const restMs = Math.max(jittered(this.#random, seconds * 1000, 0.1), minSeconds * 1000);
    this.#nextAt = this.#isHungry ? this.#allowedAt : later(now, restMs);
    if (this.#event !== undefined) this.#nextAt = now;
  }

  /** What became of a request is of use to the node's other torrents: that the tracker was silent, or spoke. */
  #tellOthers(teller: string | undefined, silence: string | undefined, now: Instant): void {
    const asked = teller ?? this.#asked;
    if (asked === undefined) return;
    if (silence === undefined) this.#turns.forgive(asked);
    else this.#turns.noteSilence(asked, silence, now);
  }

  #noteFailure({ tracker: teller, text, retryMinutes, isSilent = false }: Failure, now: Instant): void {
    this.#tellOthers(teller, isSilent ? text : undefined, now);
    if (teller !== undefined && this.#overtaken.delete(teller)) {
      if (retryMinutes !== undefined) this.#leaveAlone(teller, retryMinutes, now);
      // Where nobody else may be asked, it was waited for.
      this.#nextAt ??= this.#rested(now);
    }
    if (this.#isLate(teller)) return;
    const tracker = this.#takeAsked();
    if (tracker === undefined) return;
    this.#lastFailure = text;
    if (retryMinutes !== undefined) this.#leaveAlone(tracker, retryMinutes, now);
    this.#tellAgain();
    this.#nextAt = this.#moveOn(now) ? now : this.#rested(now);
  }

  /** The next tracker is asked meanwhile, if there is one: most that are slow do not answer at all. */
  #noteSlow(tracker: string, now: Instant): void {
    if (tracker !== this.#asked) return;
    if (this.#isAskedStale) {
      this.#takeAsked();
      return;
    }
    const [tier, place] = [this.#tier, this.#place];
    if (this.#moveOn(now)) {
      this.#overtaken.add(tracker);
      this.#asked = undefined;
      this.#tellAgain();
      this.#nextAt = now;
    } else {
      [this.#tier, this.#place] = [tier, place];
    }
  }

  #isLate(tracker: string | undefined): boolean {
    return tracker !== undefined && tracker !== this.#asked;
  }

  /** What the request under way was to tell is told by the next one. */
  #tellAgain(): void {
    if (this.#event === undefined || this.#sentEvent === 'started') this.#event = this.#sentEvent;
  }

  /** When to begin again after all trackers failed. */
  #rested(now: Instant): Instant {
    const rest = Math.min(RETRY_FIRST_MS * 2 ** this.#failures++, RETRY_MAX_MS);
    return later(now, jittered(this.#random, rest, 0.2));
  }

  #leaveAlone(tracker: string, retryMinutes: number | 'never', now: Instant): void {
    const isForEver = retryMinutes === 'never';
    this.#leftAlone.set(tracker, later(now, isForEver ? Number.POSITIVE_INFINITY : retryMinutes * 60_000));
    if (isForEver && tracker === this.#answered) this.#answered = undefined;
  }

  #mayAsk(now: Instant): boolean {
    const tracker = this.#tiers[this.#tier]?.[this.#place] ?? '';
    return !this.#overtaken.has(tracker) && this.#freeAt(tracker, now) <= now;
  }

  /** When a tracker may be asked that may be left alone, or rests for all; noted where it rests. */
  #freeAt(tracker: string, now: Instant): Instant {
    const rest = this.#turns.restOf(tracker, now);
    if (rest) this.#lastFailure ??= rest.text;
    return latest(this.#leftAlone.get(tracker) ?? now, rest?.until);
  }

  /** When the first of those that may not be asked may be; undefined where they are left alone for ever, or slow. */
  #askableAt(now: Instant): Instant | undefined {
    const free = this.trackers.filter((tracker) => !this.#overtaken.has(tracker));
    const soonest = Math.min(...free.map((tracker) => this.#freeAt(tracker, now)));
    return Number.isFinite(soonest) ? (soonest as Instant) : undefined;
  }

  /** Goes on to the next tracker that may be asked; false after the last one, when it is at the first again. */
  #moveOn(now: Instant): boolean {
    do {
      this.#place++;
      if (this.#place >= (this.#tiers[this.#tier]?.length ?? 0)) {
        this.#place = 0;
        this.#tier = (this.#tier + 1) % Math.max(1, this.#tiers.length);
      }
      if (this.#tier === 0 && this.#place === 0) return false;
    } while (!this.#mayAsk(now));
    return true;
  }
}

function latest(a: Instant, b: Instant | undefined): Instant {
  return b !== undefined && b > a ? b : a;
}

/** Tiers without the empty ones, each in random order, so that equal trackers share the load (BEP 12). */
function shuffledTiers(tiers: readonly (readonly string[])[], random: Random): string[][] {
  return tiers.filter((tier) => tier.length > 0).map((tier) => shuffled(tier, random));
}
