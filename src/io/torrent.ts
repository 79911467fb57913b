/**
 * One torrent that this node holds, whether it takes part at the moment or not: paused, waiting in the queue, being
 * moved. Makes a host for each time that it takes part and remembers it in between. Invariants: what the user ordered
 * is on disk before it is done; no two changes of one torrent overlap.
 */
import { type Address, type Fault, type Instant, isFault, MonsoonError } from '../base/index.ts';
import type { FoundPeer, PeerSource, TorrentInfo, UserOrders, Wishes } from '../torrent/index.ts';
import { now } from './alarm-clock.ts';
import { clearMoved, deleteContent, MoveCancelled, placeContent } from './content-files.ts';
import { ContentReaders, type ReadableContent } from './content-readers.ts';
import type { Trust } from './dialler.ts';
import { FileChoice } from './file-choice.ts';
import type { LinkRow } from './link-group.ts';
import { OrdersFile } from './orders-file.ts';
import type { PeerStream } from './peer-stream.ts';
import { RestingTorrent } from './resting-torrent.ts';
import { type Remembered, ResumeFile } from './resume-file.ts';
import type { HostedFile, TorrentFigures } from './torrent-figures.ts';
import { TorrentHost } from './torrent-host.ts';
import type { HeldPhase } from './torrent-phase.ts';
import type { TorrentMemory, TorrentServices, TorrentSpec } from './torrent-spec.ts';

/** Peers that only the user or a magnet named: nobody would name them again after a pause. */
const GIVEN_PEERS_MAX = 200;

/** One torrent of a node. */
export class Torrent {
  readonly readers: ContentReaders = new ContentReaders(this);
  #spec: TorrentSpec;
  #orders: UserOrders;
  readonly #services: TorrentServices;
  readonly #directory: string;
  /** The queue, and what can be read, may look different. */
  readonly #queueChanged: () => void;
  readonly #ordersFile: OrdersFile;
  #host: TorrentHost | undefined;
  /** As it was left, or as it was remembered. */
  #rest: RestingTorrent;
  /** 0-1 while its files are being moved. */
  #moved: number | undefined;
  /** 0-1 while it is checked without leaving the swarm. */
  #checked: number | undefined;
  /** When it last got something, as far as the queue looked. */
  #progress = { downloaded: 0, at: now() };
  #carried = { downloaded: 0, uploaded: 0 };
  #givenPeers: { readonly peers: readonly FoundPeer[]; readonly source: PeerSource; readonly trust: Trust }[] = [];
  #trackers: readonly (readonly string[])[];
  #isAdmitted = false;
  #isClosed = false;
  /** It was removed: changes that waited for their turn come too late. */
  #isForgotten = false;
  /** Why it waits although it is not paused. */
  #queueReason = '';
  /** Changes that are under way or wait their turn. */
  #turns = 0;
  #turn: Promise<unknown> = Promise.resolve();
  #started: Promise<void> = Promise.resolve();

  /** @param directory where its resume and orders files are */
  constructor(
    spec: TorrentSpec,
    { orders, remembered }: TorrentMemory,
    services: TorrentServices,
    directory: string,
    queueChanged: () => void,
  ) {
    this.#spec = orders.directory === '' ? spec : { ...spec, directory: orders.directory };
    this.#orders = orders;
    this.#services = services;
    this.#directory = directory;
    this.#queueChanged = () => {
      this.readers.look();
      queueChanged();
    };
    this.#ordersFile = new OrdersFile(directory, spec.infoHash);
    this.#trackers = spec.trackers;
    this.#rest = new RestingTorrent(spec.info, remembered, spec.wishes, spec.isWhole);
    this.#useLimits();
    if (orders.movingTo !== '' || orders.clearing !== '') this.#goOnMoving();
  }

  get spec(): TorrentSpec {
    return this.#spec;
  }
  get orders(): UserOrders {
    return this.#orders;
  }
  /** Where it stands among downloads: the smallest goes first. */
  get place(): number {
    return this.#orders.place ?? this.#spec.addedSeconds;
  }
  get info(): TorrentInfo | undefined {
    return this.#host?.info ?? this.#spec.info;
  }
  /** Known with the metadata (BEP 27). */
  get isPrivate(): boolean {
    return this.info?.isPrivate ?? false;
  }
  get phase(): HeldPhase {
    if (this.#isClosed) return 'stopped';
    if (this.#moved !== undefined) return 'moving';
    if (this.#checked !== undefined) return 'checking';
    if (this.#host && this.#host.phase !== 'stopped') return this.#host.phase;
    return this.#orders.isPaused ? 'paused' : 'queued';
  }
  get isComplete(): boolean {
    return this.#host?.isComplete ?? this.#rest.isComplete;
  }
  /** Complete, and every file is on disk as it should be. */
  get isSettled(): boolean {
    return this.#host?.isSettled ?? this.isComplete;
  }
  get trackers(): readonly string[] {
    return this.#host?.trackers ?? (this.isPrivate ? this.#spec.trackers : this.#trackers).flat();
  }
  /** Takes part, or is about to. */
  get isRunning(): boolean {
    return this.#host !== undefined && this.#host.phase !== 'failed' && this.#host.phase !== 'stopped';
  }

  /** It has something to fetch and may: part of the queue. */
  get isDownload(): boolean {
    if (this.#orders.isPaused || this.#isClosed || this.#host?.phase === 'failed') return false;
    return !(this.#host?.phase === 'running' ? this.#host.isSettled : this.#rest.isComplete);
  }
  /** Running, and has got nothing since `since`. */
  isIdleSince(since: Instant): boolean {
    const downloaded = this.#host?.downloaded ?? 0;
    if (downloaded !== this.#progress.downloaded) this.#progress = { downloaded, at: now() };
    return this.#host !== undefined && this.#progress.at < since;
  }

  /** Resolves when it takes part (after a check, if one is needed), failed, or waits for the user or the queue. */
  get started(): Promise<void> {
    return this.#started;
  }
  /**
   * Resolves when a restart would find it, or it failed before that. Rejects where it waits for its turn and cannot be
   * written down.
   */
  async keep(): Promise<void> {
    if (this.#host) return this.#host.kept;
    await this.#inTurn(async () => {
      if (this.#rest.remembered) return;
      await this.#rest.save(this.#resumeFile(), this.#spec);
      this.#recall(await this.#load());
    });
  }
  /** Resolves when the first announce was answered or failed; at once when there is none. */
  get announced(): Promise<void> {
    return this.#host?.announced ?? Promise.resolve();
  }

  /** Lets it take part, or not: the queue's word. */
  admit(isAdmitted: boolean, reason = ''): void {
    this.#isAdmitted = isAdmitted;
    this.#queueReason = reason;
    this.#settle();
  }

  get wishes(): Wishes {
    return this.#host?.wishes ?? this.#spec.wishes;
  }
  /** Each file as it is wanted, and its verified bytes; empty until the metadata is known. */
  get files(): HostedFile[] {
    return this.#host?.files ?? this.#rest.files;
  }

  /**
   * Fetches other files than before, or in another order; a fault when a rule names no file. Resolves when that is
   * remembered, or the disk's refusal shows; rejects where what does not take part cannot be remembered.
   */
  async useWishes(wishes: Wishes): Promise<Fault<'no-such-file'> | undefined> {
    const wrong = this.#host ? undefined : new FileChoice(wishes).use(wishes, this.info);
    const used = wrong ?? this.#host?.useWishes(wishes) ?? this.#inTurn(() => this.#saveWishes(wishes));
    if (isFault(used)) return used;
    await used;
    this.#queueChanged();
    return undefined;
  }

  get content(): ReadableContent | undefined {
    return this.#host?.content;
  }

  /** Asks trackers anew: our own network was gone, and is back. */
  announceAgain(): void {
    this.#host?.announceAgain();
  }

  learn(peers: readonly FoundPeer[], source: PeerSource, trust: Trust): void {
    if ((source === 'magnet' || source === 'user') && peers.length > 0) {
      this.#givenPeers = [...this.#givenPeers, { peers, source, trust }].slice(-GIVEN_PEERS_MAX);
    }
    this.#host?.learn(peers, source, trust);
  }

  /** Takes an incoming connection whose first bytes hold this torrent's handshake. */
  accept(stream: PeerStream, address: Address, firstBytes: Uint8Array): void {
    if (this.#host) this.#host.accept(stream, address, firstBytes);
    else stream.socket.destroy();
  }

  /** Gives a torrent without trackers some, or replaces them. */
  useTrackers(tiers: readonly (readonly string[])[]): void {
    this.#trackers = tiers;
    this.#host?.useTrackers(tiers);
  }

  /** Gives metadata that came from elsewhere than peers; bytes that do not match the hash are ignored. */
  offerMetadata(raw: Uint8Array): void {
    this.#host?.offerMetadata(raw);
  }

  /** Its links past the wire handshake; none while it does not take part. */
  links(): LinkRow[] {
    return this.#host?.links() ?? [];
  }

  figures(): TorrentFigures {
    const { downloaded, uploaded } = this.#carried;
    const figures = this.#host?.figures();
    if (figures && this.#host?.phase !== 'stopped') {
      return {
        ...figures,
        progress: this.#moved ?? this.#checked ?? figures.progress,
        downloaded: downloaded + figures.downloaded,
        uploaded: uploaded + figures.uploaded,
      };
    }
    const waiting = this.#orders.isPaused ? 'paused; "monsoon resume" goes on with it' : this.#queueReason;
    const stalledBecause = this.#moved === undefined ? waiting : null;
    const resting = this.#rest.figures;
    return { ...resting, progress: this.#moved ?? resting.progress, downloaded, uploaded, stalledBecause };
  }

  /** Leaves the swarm until `resume`, and over restarts. */
  pause(): Promise<void> {
    return this.#order({ isPaused: true });
  }

  /** Takes part again as soon as the queue lets it; what failed begins again with a check. */
  async resume(): Promise<void> {
    if (this.#host?.phase === 'failed') await this.#inTurn(() => this.#forgetFailure());
    await this.#order({ isPaused: false });
  }

  /** Limits its rates; null lifts a limit, undefined leaves it. */
  async limit(downMax: number | null | undefined, upMax: number | null | undefined): Promise<void> {
    await this.#order({ ...(downMax !== undefined && { downMax }), ...(upMax !== undefined && { upMax }) });
    this.#useLimits();
  }

  /** Remembers a new place in the queue. */
  usePlace(place: number): Promise<void> {
    return this.#order({ place });
  }

  /** Replaces what failed by what it is made from now. */
  async restart(spec: TorrentSpec): Promise<void> {
    await this.#inTurn(async () => {
      await this.#forgetFailure();
      this.#spec = spec;
    });
    await this.started;
  }

  /**
   * Hashes everything on disk; resolves when that is done. What is whole and good keeps its links; otherwise it takes
   * part again afterwards, with the pieces that are good.
   */
  async verify(): Promise<void> {
    if (!this.info) throw new MonsoonError('refused', `${this.#spec.name} has no metadata yet: nothing to check.`);
    await this.#inTurn(async () => {
      if (await this.#isIntact()) return;
      await this.#leave();
      this.#recall(undefined);
      const mayRun = this.#isAdmitted && !this.#orders.isPaused;
      this.#enter(mayRun);
      await this.#started;
      if (!mayRun && this.#host?.phase !== 'failed') await this.#leave();
    });
  }

  /**
   * Moves its files to another folder; resolves when they are there and it goes on with them. What is whole is seeded
   * meanwhile. A failure leaves everything where it was.
   * @param directory absolute
   */
  async move(directory: string): Promise<void> {
    this.#requireOwnCopy('Share it again from its new place.');
    await this.#inTurn(async () => {
      if (directory === this.#spec.directory) return;
      await this.#save({ movingTo: directory });
      await this.#relocate(false);
    });
  }

  /**
   * Leaves the swarm and forgets everything. What cannot be deleted stays, paused.
   * @param withContent deletes its files too; refused for what is shared in place
   */
  async remove(withContent: boolean): Promise<void> {
    if (withContent) this.#requireOwnCopy('Remove it without its data, and delete that yourself.');
    await this.#inTurn(async () => {
      await this.#leave();
      const { info } = this;
      if (withContent && info) {
        // Whatever stops us now: what is deleted is not fetched again.
        await this.#save({ isPaused: true });
        await deleteContent(info, this.#spec.directory);
      }
      await this.#resumeFile().remove();
      await this.#ordersFile.remove();
      this.#isClosed = this.#isForgotten = true;
      this.readers.look();
      this.#services.rates.down.forget(this.#spec.infoHash);
      this.#services.rates.up.forget(this.#spec.infoHash);
    });
  }

  /** The node ends: writes everything down; the orders stand. */
  async stop(): Promise<void> {
    // A check that is under way would be waited for.
    const leaving = this.#host?.stop();
    this.#isClosed = true;
    await this.#inTurn(() => this.#leave());
    this.readers.look();
    await leaving;
  }

  #requireOwnCopy(advice: string): void {
    if (this.#spec.sourcePaths.length === 0) return;
    throw new MonsoonError('refused', `${this.#spec.name} is shared from where its owner keeps it. ${advice}`);
  }

  #useLimits(): void {
    const { down, up } = this.#services.rates;
    down.limitTorrent(this.#spec.infoHash, this.#orders.downMax);
    up.limitTorrent(this.#spec.infoHash, this.#orders.upMax);
  }

  async #isIntact(): Promise<boolean> {
    if (!this.#host) return false;
    this.#checked = 0;
    try {
      return await this.#host.isIntact((done, of) => {
        this.#checked = done / of;
      });
    } finally {
      this.#checked = undefined;
    }
  }

  async #order(change: Partial<UserOrders>): Promise<void> {
    await this.#inTurn(async () => {
      await this.#save(change);
      if (this.#orders.isPaused) await this.#leave();
    });
    this.#queueChanged();
  }

  async #save(change: Partial<UserOrders>): Promise<void> {
    const orders = { ...this.#orders, ...change };
    await this.#ordersFile.save(orders);
    this.#orders = orders;
  }

  async #saveWishes(wishes: Wishes): Promise<void> {
    await this.#rest.save(this.#resumeFile(), { ...this.#spec, wishes });
    this.#spec = { ...this.#spec, wishes };
    this.#recall(await this.#load());
  }

  /** Ends what a crash or a stop interrupted. */
  #goOnMoving(): void {
    this.#inTurn(async () => {
      if (this.#orders.movingTo !== '') await this.#relocate(true);
      else await this.#clear();
    }).catch((error) => this.#log(error));
  }

  /** Places the files, makes the new folder the one that counts, and only then deletes the old files. */
  async #relocate(isResumed: boolean): Promise<void> {
    const { movingTo } = this.#orders;
    this.#moved = 0;
    try {
      // What is whole is only read, and can be while it is copied.
      if (!this.#isWhole) await this.#leave();
      const { directory } = this.#spec;
      if (this.info) {
        const progress = (share: number): void => {
          this.#moved = share;
        };
        await placeContent(this.info, directory, movingTo, { isResumed, progress, isCancelled: () => this.#isClosed });
      }
      if (!this.#isWhole) await this.#leave();
      await this.#save({ directory: movingTo, movingTo: '', clearing: directory });
      this.#spec = { ...this.#spec, directory: movingTo };
      await this.#host?.moveTo(movingTo);
      await this.#clear();
    } catch (error) {
      if (error instanceof MoveCancelled)
        throw new MonsoonError('refused', 'The node stops; it goes on with the move when it starts.');
      if (this.#orders.movingTo !== '') await this.#save({ movingTo: '' });
      throw error;
    } finally {
      this.#moved = undefined;
    }
  }

  /** Takes part, and has every byte: it only reads. */
  get #isWhole(): boolean {
    return this.#host?.phase === 'running' && this.#host.figures().storedBytes === this.info?.length;
  }

  async #clear(): Promise<void> {
    const { info } = this;
    const { clearing } = this.#orders;
    if (info) await clearMoved(info, clearing, this.#spec.directory);
    await this.#save({ clearing: '' });
  }

  /** Does one change after those that were asked for before it, and then what follows for the host. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    this.#turns++;
    const done = this.#turn
      .then(() => (this.#isForgotten ? undefined : work()))
      .finally(() => {
        this.#turns--;
        this.#settle();
      });
    this.#turn = done.catch(() => undefined);
    return done;
  }

  /** Begins or ends to take part, when nothing else is under way. */
  #settle(): void {
    if (this.#turns > 0 || this.#isClosed) return;
    const mayRun = this.#isAdmitted && !this.#orders.isPaused;
    if (mayRun && !this.#host) this.#enter(true);
    else if (!mayRun && this.#host && this.#host.phase !== 'failed') void this.#inTurn(() => this.#leave());
  }

  #enter(joins: boolean): void {
    const host = new TorrentHost(this.#spec, this.#services, this.#resumeFile(), {
      changed: () => this.#queueChanged(),
      stored: () => this.readers.look(),
    });
    this.#host = host;
    this.#progress = { downloaded: 0, at: now() };
    if (this.#trackers !== this.#spec.trackers) host.useTrackers(this.#trackers);
    this.#started = host.start(this.#rest.remembered, joins);
    for (const { peers, source, trust } of this.#givenPeers) host.learn(peers, source, trust);
  }

  async #leave(): Promise<void> {
    const host = this.#host;
    if (!host) return;
    await host.stop();
    const { info, completedSeconds, wishes } = host;
    const { downloaded, uploaded } = host.figures();
    this.#carried = { downloaded: this.#carried.downloaded + downloaded, uploaded: this.#carried.uploaded + uploaded };
    // What was whole when it was added is remembered like everything else from now on.
    this.#spec = { ...this.#spec, info, completedSeconds, wishes, isWhole: false };
    this.#host = undefined;
    if (!this.#isClosed) this.#recall(await this.#load());
  }

  async #forgetFailure(): Promise<void> {
    if (this.#host?.phase !== 'failed') return;
    await this.#leave();
    this.#recall(undefined);
  }

  async #load(): Promise<Remembered | undefined> {
    try {
      return await this.#resumeFile().load((problem) => this.#log(problem));
    } catch (error) {
      // Nothing is known of it any more, so all of it is checked.
      this.#log(error);
      return undefined;
    }
  }

  #recall(remembered: Remembered | undefined): void {
    this.#rest = new RestingTorrent(this.#spec.info, remembered, this.#spec.wishes, false);
  }

  #resumeFile(): ResumeFile {
    return new ResumeFile(this.#directory, this.#spec.infoHash);
  }

  #log(error: unknown): void {
    this.#services.log(`${this.#spec.name}: ${error instanceof Error ? error.message : error}`);
  }
}
