/**
 * Load on a network's trackers: new peers at a steady rate, each announced once and to any supernode, so that what is
 * lost is not healed by an announce that comes again. It remembers what was acknowledged, by whom and when.
 */
import { createHash } from 'node:crypto';
import { Announcer, type Told } from './announcer.ts';
import { until } from './until.ts';

const TICK_MS = 50;
const FIRST_PORT = 10_000;
/** Whoever asks is a peer too. */
const ASKER_PORT = 9999;
const FOUND_SECONDS_MAX = 20;
/** Who was short of bandwidth names a few peers only, for half a second after it was given more: all are named in so long. */
const NAMED_MS = 2000;
/** What only a dead node knew may be lost when it acknowledged that less than one failure detection before its death. */
const DETECTION_MS = 10_000;

/** An announce that a tracker acknowledged. */
export interface Acknowledged {
  readonly infoHash: string;
  readonly port: number;
  readonly by: string;
  /** In milliseconds of performance.now(). */
  readonly at: number;
}

export class AnnounceLoad {
  readonly infoHashes: readonly string[];
  readonly acknowledged: Acknowledged[] = [];
  /** How often each outcome came. */
  readonly outcomes: Record<Told['outcome'], number> = { acknowledged: 0, busy: 0, refused: 0, silent: 0 };
  /** Milliseconds of each acknowledged announce. */
  readonly delays: number[] = [];
  /** Acknowledged announces that were found lost, which only a node that died soon after had heard. */
  excused = 0;
  /** Those that are announced to, `ADDRESS:PORT`. */
  #contacts: readonly string[];
  readonly #perSecond: number;
  /** When nodes died. */
  readonly #deaths = new Map<string, number>();
  readonly #announcer: Announcer = new Announcer(16);
  readonly #under = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | undefined;
  #lastAt = performance.now();
  #owed = 0;
  #sent = 0;

  constructor(contacts: readonly string[], hashes: number, perSecond: number) {
    this.#contacts = contacts;
    this.#perSecond = perSecond;
    this.infoHashes = Array.from({ length: hashes }, (_, i) => createHash('sha1').update(`swarm ${i}`).digest('hex'));
  }

  /** Begins to announce, or goes on. */
  start(): void {
    this.#lastAt = performance.now();
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  /** Resolves when everything that was sent is answered. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#under);
  }

  async close(): Promise<void> {
    await this.stop();
    this.#announcer.close();
  }

  /** A node was killed just now. */
  noteDeath(contact: string): void {
    this.#deaths.set(contact, performance.now());
    this.#contacts = this.#contacts.filter((other) => other !== contact);
  }

  /** Asks for every hash at one of the supernodes or another; what was acknowledged and is not told is lost. */
  async lost(): Promise<Acknowledged[]> {
    const byHash = Map.groupBy(this.acknowledged, ({ infoHash }) => infoHash);
    const lost: Acknowledged[] = [];
    for (const [i, infoHash] of this.infoHashes.entries()) {
      lost.push(...(await this.#untold(byHash.get(infoHash) ?? [], infoHash, i)));
    }
    const unexcused = lost.filter((announce) => !this.#isExcused(announce));
    this.excused = lost.length - unexcused.length;
    return unexcused;
  }

  #isExcused({ by, at }: Acknowledged): boolean {
    return (this.#deaths.get(by) ?? Number.POSITIVE_INFINITY) - at < DETECTION_MS;
  }

  /** Those of a hash that no answer names. */
  async #untold(announces: readonly Acknowledged[], infoHash: string, turn: number): Promise<readonly Acknowledged[]> {
    const begunAt = performance.now();
    let untold = announces;
    do {
      const told = await this.#told(infoHash, turn);
      untold = untold.filter(({ port }) => !told.has(port));
    } while (untold.length > 0 && performance.now() - begunAt < NAMED_MS);
    return untold;
  }

  #told(infoHash: string, turn: number): Promise<ReadonlySet<number>> {
    let last: Told | undefined;
    return until(
      `the peers of ${infoHash}`,
      FOUND_SECONDS_MAX,
      async () => {
        last = await this.#announcer.announce(this.#contacts[turn++ % this.#contacts.length]!, infoHash, ASKER_PORT);
        return last.outcome === 'acknowledged'
          ? new Set(last.peers.map((peer) => Number(peer.split(':')[1])))
          : undefined;
      },
      () => JSON.stringify(last),
    );
  }

  #tick(): void {
    const now = performance.now();
    this.#owed = Math.min(this.#perSecond, this.#owed + ((now - this.#lastAt) / 1000) * this.#perSecond);
    this.#lastAt = now;
    for (; this.#owed >= 1; this.#owed--) {
      const announce = this.#announce(this.#sent++);
      this.#under.add(announce);
      void announce.finally(() => this.#under.delete(announce));
    }
  }

  async #announce(number: number): Promise<void> {
    const infoHash = this.infoHashes[number % this.infoHashes.length]!;
    const port = FIRST_PORT + Math.floor(number / this.infoHashes.length);
    const contact = this.#contacts[Math.floor(Math.random() * this.#contacts.length)]!;
    const { outcome, by, milliseconds } = await this.#announcer.announce(contact, infoHash, port);
    this.outcomes[outcome]++;
    if (outcome !== 'acknowledged') return;
    this.acknowledged.push({ infoHash, port, by, at: performance.now() });
    this.delays.push(milliseconds);
  }
}
