/** Hosts the announce schedule of one torrent: sends what it asks for and tells it how that went. */
import { type Deadline, isFault, type Random } from '../base/index.ts';
import {
  type AnnounceEffect,
  type AnnounceFacts,
  type AnnounceInput,
  Announces,
  type FoundPeer,
  retryMinutesOf,
} from '../torrent/index.ts';
import { now } from './alarm-clock.ts';
import { type Trust, trustOf } from './dialler.ts';
import { isSilence, type TrackerClient } from './tracker-client.ts';

const PEERS_WANTED = 80;
/** The next tracker is asked after so long, which is when a datagram to a UDP tracker is repeated (BEP 15). */
const SLOW_MS = 15_000;

/** What the announcer needs of its torrent. */
export interface AnnouncedTorrent {
  /** The state of the torrent now. */
  facts(): Omit<AnnounceFacts, 'event' | 'wanted'>;
  peersFound(peers: readonly FoundPeer[], trust: Trust): void;
  log(text: string): void;
  /** The schedule may want to be woken at another time now. */
  changed(): void;
}

/** One torrent's announces. */
export class Announcer {
  readonly #torrent: AnnouncedTorrent;
  readonly #client: TrackerClient;
  readonly #schedule: Announces;
  readonly #firstOutcome = Promise.withResolvers<void>();
  #isOver = false;

  constructor(torrent: AnnouncedTorrent, client: TrackerClient, tiers: readonly (readonly string[])[], random: Random) {
    this.#torrent = torrent;
    this.#client = client;
    const isHurried = (): boolean => {
      const { left, isPartialSeed } = torrent.facts();
      return left > 0 && !isPartialSeed;
    };
    this.#schedule = new Announces(tiers, random, client.turns.for(isHurried));
  }

  get deadline(): Deadline | undefined {
    return this.#schedule.deadline;
  }
  get trackers(): readonly string[] {
    return this.#schedule.trackers;
  }
  get failure(): string | undefined {
    return this.#schedule.failure;
  }
  get hasAnswered(): boolean {
    return this.#schedule.hasAnswered;
  }
  /** Resolves when the first announce was answered or failed, or is not sent to a silent tracker; at once while there is none. */
  get firstOutcome(): Promise<void> {
    return this.#schedule.hasTrackers ? this.#firstOutcome.promise : Promise.resolve();
  }

  /** Passes a fact on and sends what follows from it. */
  note(fact: AnnounceInput): void {
    this.#schedule.input(fact, now());
    if (this.failure !== undefined) this.#firstOutcome.resolve();
    for (const effect of this.#schedule.effects()) void this.#send(effect);
  }

  /** Tells the tracker that we leave; resolves when it knows or did not answer. */
  async end(): Promise<void> {
    this.#isOver = true;
    this.#schedule.input({ type: 'end' }, now());
    await Promise.all(this.#schedule.effects().map((effect) => this.#send(effect)));
  }

  async #send({ tracker, event }: AnnounceEffect): Promise<void> {
    const wanted = event === 'stopped' ? 0 : PEERS_WANTED;
    const timer = setTimeout(() => {
      this.note({ type: 'slow', tracker });
      this.#torrent.changed();
    }, SLOW_MS).unref();
    const reply = await this.#client.announce(tracker, { ...this.#torrent.facts(), event, wanted });
    clearTimeout(timer);
    this.#firstOutcome.resolve();
    if (this.#isOver) return;
    if (isFault(reply)) {
      this.#torrent.log(`${tracker}: ${reply.text}`);
      const { text } = reply;
      this.note({ type: 'failed', tracker, text, retryMinutes: retryMinutesOf(reply), isSilent: isSilence(reply) });
    } else {
      this.note({ type: 'answered', tracker, ...reply });
      // One that was replaced meanwhile has no say: the torrent may have turned out to be private (BEP 27).
      if (this.trackers.includes(tracker)) this.#torrent.peersFound(reply.peers, trustOf(reply.trackerHost));
    }
    this.#torrent.changed();
  }
}
