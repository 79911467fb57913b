/**
 * Which nodes have a TLS connection open to which: who asks opens it, and closes it when it asked nothing for a while. The
 * end of either process ends it. Nodes are numbers here, because every question looks.
 */
import { CONNECTION_IDLE_MS } from './message-bytes.ts';

export class Connections {
  /** By asker, when it last asked whom, in that order; bounded by whom it asks within the idle time. */
  readonly #asked = new Map<number, Map<number, number>>();
  /** When the last process of a node ended; one entry for each node that ever ended. */
  readonly #endedAtMs = new Map<number, number>();

  /** Notes that a question arrived; true when a connection had to be made for it. */
  use(asker: number, asked: number, nowMs: number): boolean {
    let lastAsked = this.#asked.get(asker);
    if (!lastAsked) {
      lastAsked = new Map();
      this.#asked.set(asker, lastAsked);
    }
    const last = lastAsked.get(asked);
    const isOpen = last !== undefined && nowMs - last < CONNECTION_IDLE_MS && last > (this.#endedAtMs.get(asked) ?? -1);
    // The first of a map is the one that was set first: those that are closed are always in front.
    lastAsked.delete(asked);
    lastAsked.set(asked, nowMs);
    for (const [other, at] of lastAsked) {
      if (nowMs - at < CONNECTION_IDLE_MS) break;
      lastAsked.delete(other);
    }
    return !isOpen;
  }

  /** A node's process ended, and with it every connection from it and to it. */
  end(node: number, nowMs: number): void {
    this.#asked.delete(node);
    this.#endedAtMs.set(node, nowMs);
  }
}
