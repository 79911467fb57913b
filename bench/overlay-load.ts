/** Announces of known peers to one node at a steady rate, each timed from when it was due: a stall hides nothing. */
import type { Announcer } from '../test/interop/announcer.ts';

const TICK_MS = 5;

export class SteadyAnnounces {
  readonly #announcer: Announcer;
  readonly #contact: string;
  readonly #infoHashes: readonly string[];
  readonly #port: number;
  readonly #perSecond: number;
  readonly #timed: { readonly dueAt: number; readonly milliseconds: number }[] = [];
  readonly #under = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | undefined;
  #dueAt = 0;
  #sent = 0;

  constructor(announcer: Announcer, contact: string, infoHashes: readonly string[], port: number, perSecond: number) {
    this.#announcer = announcer;
    this.#contact = contact;
    this.#infoHashes = infoHashes;
    this.#port = port;
    this.#perSecond = perSecond;
  }

  start(): void {
    this.#dueAt = performance.now();
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  /** Resolves when everything that was sent is answered. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#under);
  }

  /** Milliseconds that acknowledged announces took which were due then. */
  delaysBetween(from: number, to: number): number[] {
    return this.#timed.filter(({ dueAt }) => dueAt >= from && dueAt < to).map(({ milliseconds }) => milliseconds);
  }

  #tick(): void {
    for (; this.#dueAt <= performance.now(); this.#dueAt += 1000 / this.#perSecond) {
      const announce = this.#announce(this.#infoHashes[(this.#sent++ * 7919) % this.#infoHashes.length]!, this.#dueAt);
      this.#under.add(announce);
      void announce.finally(() => this.#under.delete(announce));
    }
  }

  async #announce(infoHash: string, dueAt: number): Promise<void> {
    const { outcome } = await this.#announcer.announce(this.#contact, infoHash, this.#port);
    if (outcome === 'acknowledged') this.#timed.push({ dueAt, milliseconds: performance.now() - dueAt });
  }
}
