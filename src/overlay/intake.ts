/**
 * Records from outside that wait to be checked. A signature takes a fifth of a millisecond, a message brings hundreds of
 * records with up to six, and anybody may send one: so each turn checks a few of them, and takes them from all senders
 * alike. Invariant: no turn checks more than CHECKS_PER_TURN and one record, whatever comes in how many messages.
 */
import { type Instant, later, type NodeId } from '../base/index.ts';
import type { Context } from './context.ts';
import { RECORDS_MAX } from './message-codec.ts';

/** Signatures checked in a turn, and how long it is at least until the next: two fifths of one core at most. */
export const CHECKS_PER_TURN = 50;
const TURN_MS = 25;
/** Records that wait although nobody asked for them; those that were asked for are bounded by the questions. */
const UNASKED_MAX = 2048;

/** What waits of one sender, or of one answer. */
interface Batch {
  readonly records: Uint8Array[];
  readonly isAsked: boolean;
  readonly follow: () => void;
}

/** The records of one node that wait. */
export class Intake {
  readonly #context: Context;
  readonly #learn: (record: Uint8Array) => void;
  readonly #learned: () => void;
  /** By sender or answer; whose turn is next stands first. */
  readonly #batches = new Map<string, Batch>();
  #unasked = 0;
  #answers = 0;
  #left = 0;
  #nextTurn: Instant;

  /**
   * @param learn checks one lettered record
   * @param learned what follows when some were
   */
  constructor(context: Context, learn: (lettered: Uint8Array) => void, learned: () => void) {
    this.#context = context;
    this.#learn = learn;
    this.#learned = learned;
    this.#nextTurn = context.now;
  }

  get deadline(): Instant | undefined {
    return this.#batches.size > 0 ? this.#nextTurn : undefined;
  }

  /** Takes records that nobody asked for; where there are too many, those lose some who have most waiting. */
  take(from: NodeId | undefined, lettered: readonly Uint8Array[]): void {
    const sender = from ?? 'nobody';
    const waiting = this.#batches.get(sender)?.records ?? [];
    const taken = lettered.slice(0, RECORDS_MAX - waiting.length);
    if (taken.length === 0) return;
    this.#unasked += taken.length;
    this.#batches.set(sender, { records: [...waiting, ...taken], isAsked: false, follow: () => {} });
    while (this.#unasked > UNASKED_MAX) this.#dropOne();
    this.#work();
  }

  /** Takes an answer's records; calls back when all of them were looked at. */
  takeAnswer(lettered: readonly Uint8Array[], then: () => void): void {
    if (lettered.length === 0) return then();
    this.#batches.set(`answer ${this.#answers++}`, { records: [...lettered], isAsked: true, follow: then });
    this.#work();
  }

  tick(): void {
    if (this.#batches.size > 0) this.#work();
  }

  /** The last record of whoever has most. */
  #dropOne(): void {
    let most: readonly [string, Batch] | undefined;
    for (const entry of this.#batches) {
      const [, { isAsked, records }] = entry;
      if (!isAsked && (!most || records.length > most[1].records.length)) most = entry;
    }
    const [sender, { records }] = most!;
    records.pop();
    this.#unasked--;
    if (records.length === 0) this.#batches.delete(sender);
  }

  #work(): void {
    const { now } = this.#context;
    if (now >= this.#nextTurn) {
      this.#left = CHECKS_PER_TURN;
      this.#nextTurn = later(now, TURN_MS);
    }
    if (this.#left <= 0) return;
    const done: Batch[] = [];
    while (this.#left > 0) {
      const [next] = this.#batches;
      if (!next) break;
      const [sender, batch] = next;
      const checked = this.#context.checks;
      this.#learn(batch.records.shift()!);
      // Reading costs something too.
      this.#left -= Math.max(1, this.#context.checks - checked);
      if (!batch.isAsked) this.#unasked--;
      this.#batches.delete(sender);
      if (batch.records.length > 0) this.#batches.set(sender, batch);
      else done.push(batch);
    }
    this.#learned();
    for (const { follow } of done) follow();
  }
}
