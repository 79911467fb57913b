/**
 * The world's agenda: a binary heap of what will happen, by virtual time. Events of one instant happen in the order in
 * which they were planned, so that a run is a function of its seed. It knows nothing of what an event does.
 */

/** Something that will happen; `kind` and `subject` name it in the trace. */
export interface SimEvent {
  /** Virtual milliseconds. */
  readonly at: number;
  readonly order: number;
  readonly kind: number;
  readonly subject: number;
  readonly happen: () => void;
}

export class EventQueue {
  readonly #heap: SimEvent[] = [];
  #planned = 0;

  get size(): number {
    return this.#heap.length;
  }

  /** When the next event happens; infinity when none will. */
  get nextAt(): number {
    return this.#heap[0]?.at ?? Number.POSITIVE_INFINITY;
  }

  push(at: number, kind: number, subject: number, happen: () => void): void {
    const event = { at, order: this.#planned++, kind, subject, happen };
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

  /** Takes the next event; the queue must not be empty. */
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
