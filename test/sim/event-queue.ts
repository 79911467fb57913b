/**
 * The world's agenda: what will happen, by virtual time. Events of one instant happen in the order in which they were
 * planned, so that a run is a function of its seed. What happens within the next seconds, nearly all of it, lies in one slot for
 * each millisecond; what is further away waits in a heap. It knows nothing of what an event does.
 */

/** Something that will happen; `kind` and `subject` name it in the trace. */
export interface SimEvent {
  /** Virtual milliseconds, a whole number. */
  readonly at: number;
  readonly order: number;
  readonly kind: number;
  readonly subject: number;
  readonly happen: () => void;
  /** What follows it in its slot. */
  next: SimEvent | undefined;
}

/** Milliseconds that have a slot, a power of two: more than the timeouts of questions. */
const SLOTS = 8192;

export class EventQueue {
  /** Events before `#now + SLOTS`, by the millisecond in which they happen modulo SLOTS: the first by planning, and the last. */
  readonly #first: (SimEvent | undefined)[] = new Array(SLOTS).fill(undefined);
  readonly #last: (SimEvent | undefined)[] = new Array(SLOTS).fill(undefined);
  readonly #far = new FarEvents();
  /** Where the agenda stands: nothing waits before. */
  #now = 0;
  #near = 0;
  #planned = 0;

  get size(): number {
    return this.#near + this.#far.size;
  }

  /** When the next event happens; infinity when none will. */
  get nextAt(): number {
    if (this.#near === 0) return this.#far.nextAt;
    let at = this.#now;
    while (this.#first[at % SLOTS] === undefined) at++;
    return at;
  }

  /** @param at not before the last event that was taken; a part of a millisecond counts as a whole one */
  push(at: number, kind: number, subject: number, happen: () => void): void {
    const event = { at: Math.ceil(at), order: this.#planned++, kind, subject, happen, next: undefined };
    if (event.at < this.#now + SLOTS) this.#lay(event);
    else this.#far.push(event);
  }

  /** Takes the next event; the queue must not be empty. */
  pop(): SimEvent {
    const { nextAt } = this;
    if (nextAt !== this.#now) this.#goOn(nextAt);
    this.#near--;
    const event = this.#first[nextAt % SLOTS]!;
    this.#first[nextAt % SLOTS] = event.next;
    return event;
  }

  /** What came near while time passed was planned before anything else that will lie in its slot. */
  #goOn(to: number): void {
    this.#now = to;
    while (this.#far.nextAt < to + SLOTS) this.#lay(this.#far.pop());
  }

  #lay(event: SimEvent): void {
    const slot = event.at % SLOTS;
    if (this.#first[slot] === undefined) this.#first[slot] = event;
    else this.#last[slot]!.next = event;
    this.#last[slot] = event;
    this.#near++;
  }
}

/** A binary heap. */
class FarEvents {
  readonly #heap: SimEvent[] = [];

  get size(): number {
    return this.#heap.length;
  }

  get nextAt(): number {
    return this.#heap[0]?.at ?? Number.POSITIVE_INFINITY;
  }

  push(event: SimEvent): void {
    const heap = this.#heap;
    let hole = heap.length;
    heap.push(event);
    while (hole > 0) {
      const parent = (hole - 1) >>> 1;
      if (!isBefore(event, heap[parent]!)) break;
      heap[hole] = heap[parent]!;
      hole = parent;
    }
    heap[hole] = event;
  }

  pop(): SimEvent {
    const heap = this.#heap;
    const first = heap[0]!;
    const last = heap.pop()!;
    const { length } = heap;
    if (length === 0) return first;
    let hole = 0;
    for (;;) {
      let child = 2 * hole + 1;
      if (child >= length) break;
      if (child + 1 < length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[hole] = heap[child]!;
      hole = child;
    }
    heap[hole] = last;
    return first;
  }
}

function isBefore(a: SimEvent, b: SimEvent): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
