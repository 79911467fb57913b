/**
 * The world's time: one queue of events, one clock, one trace. Everything that happens is planned here and happens here,
 * one event after another; what is broken is noted with its step, so that a run can be replayed to it. It knows nothing
 * of nodes.
 */
import { EventQueue } from './event-queue.ts';
import { TraceHash } from './trace-hash.ts';

/** What kinds of events there are, as the trace names them. */
export const KIND = {
  tick: 1,
  asked: 2,
  answered: 3,
  timeout: 4,
  announce: 5,
  announceAnswer: 6,
  announceTimeout: 7,
  session: 8,
  churn: 9,
  fault: 10,
  check: 11,
  wake: 12,
} as const;
export type Kind = (typeof KIND)[keyof typeof KIND];

/** A promise that was not kept. */
export interface Break {
  readonly step: number;
  readonly atMs: number;
  readonly what: string;
}

/** Breaks kept in words; all are counted. */
const BREAKS_KEPT_MAX = 100;

export class World {
  readonly seed: number;
  readonly trace: TraceHash = new TraceHash();
  readonly breaks: Break[] = [];
  breakCount = 0;
  /** Events so far. */
  steps = 0;
  /** Virtual milliseconds since the world began. */
  now = 0;
  readonly #queue: EventQueue = new EventQueue();

  constructor(seed: number) {
    this.seed = seed;
  }

  /** Plans an event; a subject is a node's or client's number. */
  plan(delayMs: number, kind: Kind, subject: number, happen: () => void): void {
    this.#queue.push(this.now + Math.max(0, Math.round(delayMs)), kind, subject, happen);
  }

  /** Plans an event every so often. */
  planEvery(everyMs: number, kind: Kind, subject: number, happen: () => void): void {
    this.plan(everyMs, kind, subject, () => {
      happen();
      this.planEvery(everyMs, kind, subject, happen);
    });
  }

  /** Lets everything happen until a time; an `isDone` that becomes true ends it sooner. */
  run(untilMs: number, isDone: () => boolean = () => false): void {
    const queue = this.#queue;
    while (queue.nextAt <= untilMs && !isDone()) {
      const event = queue.pop();
      this.now = event.at;
      this.steps++;
      this.trace.note(event.at);
      this.trace.note(event.kind * 0x100_0000 + event.subject);
      event.happen();
    }
    this.now = Math.max(this.now, isDone() ? this.now : untilMs);
  }

  /** Notes a broken promise. */
  broken(what: string): void {
    this.breakCount++;
    if (this.breaks.length < BREAKS_KEPT_MAX) this.breaks.push({ step: this.steps, atMs: this.now, what });
  }
}
