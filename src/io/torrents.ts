/**
 * The torrents of a node: what it shares and fetches, found by info hash, remembered between runs. Keeps the queue:
 * every change that may let another download run leads to one review.
 */
import { mkdirSync, readdirSync } from 'node:fs';
import { type Address, type InfoHash, isFault, later, MonsoonError, textOfError } from '../base/index.ts';
import { admittedDownloads, renumbered } from '../session/index.ts';
import { metainfoSteps, NO_ORDERS, type UserOrders } from '../torrent/index.ts';
import type { WireHandshake } from '../wire/index.ts';
import { now } from './alarm-clock.ts';
import { sha1 } from './hash.ts';
import { inTurns } from './in-turns.ts';
import { OrdersFile } from './orders-file.ts';
import { parseMagnet } from './parse-torrent.ts';
import type { PeerStream } from './peer-stream.ts';
import { type Remembered, ResumeFile, rememberedIn } from './resume-file.ts';
import { Torrent } from './torrent.ts';
import { TorrentIndex } from './torrent-index.ts';
import type { TorrentServices, TorrentSpec } from './torrent-spec.ts';

/** Torrents of one node. */
const TORRENTS_MAX = 10_000;
/** A download that has got nothing for this long gives its turn to the next one. */
const IDLE_MS = 5 * 60_000;
const REVIEW_MS = 30_000;

/** Where a torrent goes in the queue. */
export type QueueMove = 'first' | 'last' | 'up' | 'down';

/** A torrent that was added, or that was there. */
export interface AddedTorrent {
  readonly host: Torrent;
  /** Resolves when a restart would find it; rejects with a MonsoonError where it cannot be written down. */
  readonly kept: Promise<void>;
  /** Of its start: a check of existing files can take long. */
  readonly started: Promise<void>;
}

/** All torrents of one node. */
export class Torrents {
  readonly #services: TorrentServices;
  readonly #directory: string;
  readonly #torrents = new TorrentIndex<Torrent>();
  readonly #review = (): void => this.#reviewQueue();
  /** Being removed. */
  readonly #leaving = new Set<Torrent>();
  #isReviewDue = false;
  #isStopped = false;

  /** @param directory where resume and orders files are kept; made when missing */
  constructor(services: TorrentServices, directory: string) {
    this.#services = services;
    this.#directory = directory;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  }

  get(infoHash: InfoHash): Torrent | undefined {
    return this.#torrents.get(infoHash);
  }

  all(): Torrent[] {
    return [...this.#torrents.values()];
  }

  /**
   * Adds a torrent, or finds the one that is there: adding twice changes nothing. Throws a MonsoonError while it is
   * being removed.
   * @param orders of a new one, kept before it is done
   */
  add(spec: TorrentSpec, orders: UserOrders = NO_ORDERS): AddedTorrent | undefined {
    const known = this.#torrents.get(spec.infoHash);
    if (known) {
      if (this.#leaving.has(known)) {
        throw new MonsoonError('busy', `${spec.name} is being removed. Try again in a moment.`);
      }
      const kept = this.#keep(known);
      return { host: known, kept, started: known.phase === 'failed' ? known.restart(spec) : Promise.resolve() };
    }
    if (this.#torrents.size >= TORRENTS_MAX) return undefined;
    const torrent = this.#hold(
      new Torrent(spec, { orders, remembered: undefined }, this.#services, this.#directory, () => this.#noteChange()),
    );
    this.#reviewQueue();
    const kept = this.#keep(torrent);
    // The first order writes all of them down.
    const isOrdered = orders === NO_ORDERS ? Promise.resolve() : torrent.limit(orders.downMax, orders.upMax);
    return { host: torrent, kept, started: isOrdered.then(() => torrent.started) };
  }

  /** Starts everything that was there at the last stop, however that came about. */
  async recall(): Promise<void> {
    for (const infoHash of rememberedIn(readdirSync(this.#directory))) {
      if (this.#torrents.has(infoHash)) continue;
      const log = (text: string): void => this.#services.log(`${infoHash}: ${text}`);
      try {
        const remembered = await new ResumeFile(this.#directory, infoHash).load(log);
        const spec = remembered && (await specOf(infoHash, remembered));
        if (!spec) continue;
        const orders = await new OrdersFile(this.#directory, infoHash).load(log);
        this.#hold(
          new Torrent(spec, { orders, remembered }, this.#services, this.#directory, () => this.#noteChange()),
        );
      } catch (error) {
        log(textOfError(error));
      }
    }
    this.#reviewQueue();
  }

  /** The torrent that a dialling end names in Message Stream Encryption. */
  named(req2Hash: Uint8Array): InfoHash | undefined {
    return this.#torrents.named(req2Hash);
  }

  /** Routes an incoming connection to the torrent that its handshake names. */
  accept(stream: PeerStream, address: Address, handshake: WireHandshake, firstBytes: Uint8Array): void {
    const torrent = this.#torrents.get(handshake.infoHash);
    if (torrent) torrent.accept(stream, address, firstBytes);
    else stream.socket.destroy();
  }

  /** Gives a download another place in the queue; what is not in the queue has none. */
  async requeue(torrent: Torrent, move: QueueMove): Promise<void> {
    const queue = this.#queue();
    const at = queue.indexOf(torrent);
    if (at < 0) return;
    queue.splice(at, 1);
    const target = { first: 0, up: Math.max(0, at - 1), down: at + 1, last: queue.length }[move];
    queue.splice(target, 0, torrent);
    const numbers = renumbered(
      queue.map((key) => ({ key, place: key.place })),
      torrent,
    );
    // One review at the end: half of a new order must not stop anybody.
    this.#isReviewDue = true;
    try {
      await Promise.all([...numbers].map(([each, place]) => each.usePlace(place)));
    } finally {
      this.#reviewQueue();
    }
  }

  /** The downloads in their order, from 1; what has nothing to fetch, or may not, is missing. */
  queuePlaces(): Map<Torrent, number> {
    return new Map(this.#queue().map((torrent, i) => [torrent, i + 1]));
  }

  /** Forgets a torrent, and deletes its files when told to. */
  async remove(torrent: Torrent, withContent: boolean): Promise<void> {
    this.#leaving.add(torrent);
    try {
      await torrent.remove(withContent);
      this.#torrents.delete(torrent.spec.infoHash);
    } finally {
      this.#leaving.delete(torrent);
      this.#reviewQueue();
    }
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#services.alarms.set(this.#review, undefined);
    await Promise.allSettled(this.all().map((torrent) => torrent.stop()));
  }

  /** Who waits for the start alone need not look at this. */
  #keep(torrent: Torrent): Promise<void> {
    const kept = torrent.keep();
    kept.catch((error) => this.#services.log(`${torrent.spec.name}: ${textOfError(error)}`));
    return kept;
  }

  #hold(torrent: Torrent): Torrent {
    this.#torrents.set(torrent.spec.infoHash, torrent);
    return torrent;
  }

  #queue(): Torrent[] {
    return this.all()
      .filter((torrent) => torrent.isDownload)
      .toSorted((a, b) => a.place - b.place);
  }

  /** Many changes at once, as at a start, are one review. */
  #noteChange(): void {
    if (this.#isReviewDue) return;
    this.#isReviewDue = true;
    queueMicrotask(this.#review);
  }

  #reviewQueue(): void {
    this.#isReviewDue = false;
    if (this.#isStopped) return;
    const { downloadsMax, alarms } = this.#services;
    const idleSince = later(now(), -IDLE_MS);
    const queue = this.#queue().map((torrent) => ({
      key: torrent,
      place: torrent.place,
      isRunning: torrent.isRunning,
      isIdle: torrent.isIdleSince(idleSince),
    }));
    const admitted = admittedDownloads(queue, downloadsMax);
    const reason = `waits in the queue: ${downloadsMax === 1 ? 'one download runs' : `${downloadsMax} downloads run`} at a time (option downloadsMax)`;
    for (const torrent of this.#torrents.values()) {
      torrent.admit(!torrent.isDownload || admitted.has(torrent), reason);
    }
    const isFull = queue.length > admitted.size;
    alarms.set(this.#review, isFull ? later(now(), REVIEW_MS) : undefined);
  }
}

/** What a remembered torrent is made from; undefined when nothing usable was remembered. */
async function specOf(infoHash: InfoHash, { snapshot }: Remembered): Promise<TorrentSpec | undefined> {
  const shared = {
    infoHash,
    directory: snapshot.directory,
    sourcePaths: snapshot.sourcePaths,
    wishes: snapshot.wishes,
    isWhole: false,
    addedSeconds: snapshot.addedSeconds,
    completedSeconds: snapshot.completedSeconds,
  };
  if (snapshot.metainfo) {
    const metainfo = await inTurns(metainfoSteps(snapshot.metainfo, sha1));
    if (isFault(metainfo) || metainfo.info.infoHash !== infoHash) return undefined;
    return {
      ...shared,
      name: metainfo.info.name,
      info: metainfo.info,
      trackers: metainfo.trackers,
      webSeeds: metainfo.webSeeds,
    };
  }
  const magnet = await parseMagnet(snapshot.magnet);
  if (isFault(magnet)) return undefined;
  const { name = infoHash, trackers, webSeeds } = magnet;
  return { ...shared, name, info: undefined, trackers: trackers.map((tracker) => [tracker]), webSeeds };
}
