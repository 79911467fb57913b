/**
 * The life of one torrent: makes its parts as they become possible, wakes its machines and pumps their effects out,
 * and takes everything down again. Decisions are the machines'; links report to LinkReports, orders go through
 * TransferOrders.
 */
import { type Address, type Fault, fault, infoHashOfBytes, isFault, textOfError } from '../base/index.ts';
import type { FoundPeer, PeerSource, TorrentInfo, Transfer, Wishes } from '../torrent/index.ts';
import { Peers } from '../torrent/index.ts';
import { METADATA_BYTES_MAX } from '../wire/index.ts';
import { now } from './alarm-clock.ts';
import { Announcer } from './announcer.ts';
import { BlockIntake } from './block-intake.ts';
import { ContentOpening } from './content-opening.ts';
import type { ReadableContent } from './content-readers.ts';
import type { Trust } from './dialler.ts';
import { FileChoice } from './file-choice.ts';
import { sha1 } from './hash.ts';
import { HostClock } from './host-clock.ts';
import { HostMemory } from './host-memory.ts';
import { HostedContent } from './hosted-content.ts';
import { LinkGroup, type LinkRow } from './link-group.ts';
import { LinkReports } from './link-reports.ts';
import { MetadataPhase } from './metadata-phase.ts';
import type { PeerStream } from './peer-stream.ts';
import { PexHost } from './pex-host.ts';
import { PieceFinisher } from './piece-finisher.ts';
import { Allowance } from './rate-gate.ts';
import { readInfo } from './read-info.ts';
import type { Remembered, ResumeFile } from './resume-file.ts';
import { announceFactsOf, ourHandshake } from './self-description.ts';
import type { TorrentDisk } from './torrent-disk.ts';
import { figuresOf, type HostedFile, hostedFiles, type TorrentFigures } from './torrent-figures.ts';
import { partsKnowing, type TorrentParts } from './torrent-parts.ts';
import type { TorrentPhase } from './torrent-phase.ts';
import type { TorrentServices, TorrentSpec } from './torrent-spec.ts';
import { TransferOrders } from './transfer-orders.ts';
import { WebSeedLinks } from './web-seed-links.ts';

/** Whom a host tells about its life. */
export interface HostOwner {
  /** It began to fetch or to seed, became complete, or failed. */
  changed(): void;
  /** There is more to read. */
  stored(): void;
}

/** One torrent while it takes part. */
export class TorrentHost {
  readonly spec: TorrentSpec;
  readonly #owner: HostOwner;
  readonly #services: TorrentServices;
  readonly #resume: ResumeFile;
  readonly #parts: TorrentParts;
  readonly #peers: Peers = new Peers();
  readonly #links: LinkGroup;
  readonly #pex: PexHost;
  readonly #announcer: Announcer;
  readonly #clock: HostClock;
  readonly #wake = (): void => this.#tick();
  readonly #choice: FileChoice;
  readonly #memory: HostMemory;
  #phase: TorrentPhase = 'metadata';
  readonly #opening: ContentOpening;
  readonly #finisher: PieceFinisher;
  readonly #orders: TransferOrders;
  #failure: string | undefined;
  #isPumping = false;
  readonly #startedAt = now();
  #secondsToComplete: number | undefined;
  /** The start, and the change from metadata to transfer: what an end waits for. */
  #work: Promise<void> = Promise.resolve();
  /** What was known at the start is written down, for which nobody but `start` waits: peers are asked meanwhile. */
  #written: Promise<void> = Promise.resolve();
  /** It came whole, and may still be read. */
  #hasMetadata = false;
  /** Set once the torrent was stopped or failed; resolves when it holds nothing any more. */
  #ended: Promise<void> | undefined;

  constructor(spec: TorrentSpec, services: TorrentServices, resume: ResumeFile, owner: HostOwner) {
    this.spec = spec;
    this.#owner = owner;
    this.#services = services;
    this.#resume = resume;
    this.#parts = partsKnowing(spec.info);
    this.#choice = new FileChoice(spec.wishes);
    this.#memory = new HostMemory(spec, this.#parts, this.#choice, resume);
    this.#announcer = new Announcer(
      {
        facts: () => announceFactsOf(spec, services, this.#parts),
        peersFound: (peers, trust) => this.#links.learn(peers, 'tracker', trust),
        log: (text) => this.#log(text),
        changed: () => this.#setAlarm(),
      },
      services.trackers,
      spec.trackers,
      services.random,
    );
    this.#finisher = new PieceFinisher({
      fact: (fact) => this.#parts.transfer?.input(fact, now()),
      settled: () => this.#pump(),
    });
    this.#opening = new ContentOpening({
      spec,
      services,
      resume,
      choice: this.#choice,
      disk: {
        refused: (error) => this.#finisher.refused(error),
        lost: (error) => this.#fail(error.message),
      },
      checkDue: () => {
        this.#written = this.#memory.writeUnlessKept().catch((error) => this.#fail(textOfError(error)));
      },
      mayAsk: (fact) => {
        this.#parts.transfer?.input(fact, now());
        this.#pump();
      },
    });
    this.#pex = new PexHost(
      () => this.#links,
      (link) => this.#parts.transfer?.links.get(link)?.has.isFull ?? false,
    );
    if (spec.info?.isPrivate) this.#pex.note({ type: 'private' });
    this.#links = new LinkGroup(
      {
        greeting: { infoHash: spec.infoHash, peerId: services.peerId },
        linksMax: services.linksPerTorrentMax,
        budget: services.budget,
        dialler: services.dialler,
        opener: services.opener,
        changed: () => this.#setAlarm(),
        ours: () => ourHandshake(services, this.#parts),
      },
      this.#peers,
      new LinkReports(this.#parts, {
        pex: this.#pex,
        pump: () => this.#pump(),
        alone: () => this.#restWhenAlone(),
        listens: (link, port) => this.#links.listens(link, port),
        uploadAllowance: (link) => new Allowance(services.rates.up, spec.infoHash, () => link.pumpUploads()),
        fail: (text) => this.#fail(text),
        log: (text) => this.#log(text),
      }),
    );
    this.#clock = new HostClock({
      parts: this.#parts,
      announcer: this.#announcer,
      pex: this.#pex,
      links: this.#links,
      peers: this.#peers,
    });
    this.#orders = new TransferOrders(this.#parts, {
      links: this.#links,
      peers: this.#peers,
      finisher: this.#finisher,
      standingChanged: () => {
        for (const link of this.#links.greeted()) link.describe(ourHandshake(services, this.#parts));
      },
      completed: () => this.#completed(),
    });
  }

  get info(): TorrentInfo | undefined {
    return this.#parts.info;
  }
  get phase(): TorrentPhase {
    return this.#phase;
  }
  get isComplete(): boolean {
    return this.#parts.transfer?.isComplete ?? false;
  }
  /** Complete, and every file is on disk as it should be. */
  get isSettled(): boolean {
    return this.isComplete && this.#memory.isSettled;
  }
  /** Payload bytes that arrived in this host's time. */
  get downloaded(): number {
    return this.#parts.transfer?.down.total ?? 0;
  }
  get completedSeconds(): number {
    return this.#memory.completedSeconds;
  }
  get wishes(): Wishes {
    return this.#choice.wishes;
  }
  /** Each file as it is wanted, and its verified bytes; empty until the metadata is known. */
  get files(): HostedFile[] {
    return hostedFiles(this.#parts, this.#choice.priorities);
  }
  get trackers(): readonly string[] {
    return this.#announcer.trackers;
  }

  /** Resolves when the first announce was answered or failed; at once when there is no tracker. */
  get announced(): Promise<void> {
    return this.#announcer.firstOutcome;
  }

  /** Resolves when a restart would find it, or it failed before that. */
  get kept(): Promise<void> {
    return Promise.race([this.#memory.kept, this.#work]);
  }

  /**
   * Begins or goes on; resolves when the torrent takes part (after a check, if one is needed) or has failed.
   * @param joins false to check what is on disk and no more
   */
  start(remembered: Remembered | undefined, joins = true): Promise<void> {
    this.#work = this.#begin(remembered, joins).catch((error) => this.#fail(textOfError(error)));
    return this.#work;
  }

  /** Leaves the swarm and writes everything down; resolves when nothing is left open. */
  async stop(): Promise<void> {
    this.#phase = 'stopped';
    this.#ended ??= this.#end('the torrent was stopped');
    await this.#ended;
  }

  /** Adds peers to try; a private torrent takes none, for its trackers alone may name them (BEP 27). */
  learn(peers: readonly FoundPeer[], source: PeerSource, trust: Trust): void {
    if (this.#parts.info?.isPrivate) return;
    this.#links.learn(peers, source, trust);
  }

  /** Takes an incoming connection whose first bytes hold this torrent's handshake. */
  accept(stream: PeerStream, address: Address, firstBytes: Uint8Array): void {
    if (this.#phase === 'stopped' || this.#phase === 'failed' || this.#phase === 'checking') stream.socket.destroy();
    else this.#links.accept(stream, address, firstBytes);
  }

  /** Gives a torrent without trackers some, or replaces them; a private one keeps its own. */
  useTrackers(tiers: readonly (readonly string[])[]): void {
    if (this.#parts.info?.isPrivate) return;
    this.#announcer.note({ type: 'trackers', tiers });
    this.#setAlarm();
  }

  /** Asks trackers anew: our own network was gone, and is back. */
  announceAgain(): void {
    this.#announcer.note({ type: 'again' });
    this.#setAlarm();
  }

  /** Gives metadata that came from elsewhere than peers (a supernode); bytes that do not match the hash are ignored. */
  offerMetadata(raw: Uint8Array): void {
    if (raw.length > METADATA_BYTES_MAX || infoHashOfBytes(sha1(raw)) !== this.spec.infoHash) return;
    this.#useMetadata(raw);
  }

  /**
   * Hashes what is whole while it goes on to seed; false when it is not whole, or not as it should be on disk.
   * @param progress pieces hashed and to be hashed
   */
  async isIntact(progress: (done: number, of: number) => void): Promise<boolean> {
    const { disk, transfer } = this.#parts;
    if (this.#phase !== 'running' || !disk || !transfer?.isWhole) return false;
    if (!(await this.#services.checks.pass(() => disk.isIntact(progress)))) return false;
    // The files may have been touched since: with their times as they are now they are believed at the next start.
    if (!this.#hasEnded()) await this.#memory.write();
    return true;
  }

  /** Goes on with the same content in another folder; resolves when it is remembered as it lies there. */
  async moveTo(directory: string): Promise<void> {
    this.#parts.disk?.moveTo(directory);
    if (!this.#hasEnded()) await this.#memory.write();
  }

  /** Its links past the wire handshake, and how each is hidden. */
  links(): LinkRow[] {
    return this.#links.rows();
  }

  /** Fetches other files than before, or in another order, and tells when that is remembered or the disk refused. */
  useWishes(wishes: Wishes): Fault<'no-such-file'> | Promise<void> {
    const { info, disk, transfer } = this.#parts;
    const wrong = this.#choice.use(wishes, info);
    if (wrong) return wrong;
    if (!info || !disk || !transfer) {
      const work = Promise.all([this.#work, this.#memory.write()]);
      this.#work = work.then(() => undefined).catch((error) => this.#fail(textOfError(error)));
      return this.#memory.written;
    }
    for (const fact of this.#choice.facts(disk.layout, info)) transfer.input(fact, now());
    if (!transfer.isComplete) this.#secondsToComplete = undefined;
    this.#memory.noteChange();
    this.#owner.changed();
    this.#finisher.run(async () => {
      await this.#memory.write();
      this.#owner.changed();
    });
    this.#peers.reconsider();
    this.#turnToMore();
    return this.#memory.written;
  }

  /** What can be read of it; undefined until its pieces are known, and once it has ended. */
  get content(): ReadableContent | undefined {
    return this.#phase === 'running' ? this.#parts.content : undefined;
  }

  /** Figures for a screen. */
  figures(): TorrentFigures {
    return figuresOf({
      phase: this.#phase,
      info: this.#parts.info,
      transfer: this.#parts.transfer,
      links: [...this.#links.greeted()].length,
      knownPeers: this.#peers.size,
      refusingPeers: this.#peers.refusingEncryption,
      announcer: this.#announcer,
      checkedShare: this.#opening.checkedShare,
      secondsToComplete: this.#secondsToComplete,
      diskProblem: this.#finisher.problem,
      isDownClosed: this.#services.rates.down.isClosed(this.spec.infoHash),
      isUpClosed: this.#services.rates.up.isClosed(this.spec.infoHash),
      failure: this.#failure,
    });
  }

  #awaitMetadata(): MetadataPhase {
    return new MetadataPhase(this.spec.infoHash, {
      request: (link, piece) => this.#links.get(link)?.sendMetadata({ type: 'request', piece }),
      close: (link, why) => this.#links.get(link)?.close(fault('metadata-wrong', why)),
      complete: (raw) => this.#useMetadata(raw),
    });
  }

  async #begin(remembered: Remembered | undefined, joins: boolean): Promise<void> {
    const { info } = this.#parts;
    this.#memory.recall(remembered);
    if (info) {
      await this.#prepare(info, remembered);
    } else {
      this.#parts.metadata = this.#awaitMetadata();
      this.#written = this.#memory.write();
    }
    if (joins && !this.#hasEnded()) {
      this.#links.open();
      this.#announcer.note({ type: 'begin' });
      this.#pump();
    }
    await this.#written;
    this.#restWhenAlone();
  }

  async #prepare(info: TorrentInfo, remembered: Remembered | undefined): Promise<void> {
    if (this.#ended) return;
    const wrong = this.#choice.use(this.#choice.wishes, info);
    if (wrong) return this.#fail(`${wrong.text}; "monsoon info ${info.infoHash}" shows what there is`);
    this.#phase = 'checking';
    const disk = this.#opening.diskOf(info);
    this.#parts.disk = disk;
    this.#finisher.use(disk);
    const stored = await this.#opening.piecesOf(info, disk, remembered);
    await this.#written;
    if (this.#hasEnded()) return;
    if (disk.isReadOnly && !stored.isFull) {
      return this.#fail(`${this.spec.name} changed since it was shared; it is shared anew once it is at rest`);
    }
    const transfer = this.#opening.transferOf(info, disk, stored);
    this.#written = this.#memory.begin(transfer, this.#opening.checkedShare !== undefined);
    this.#run(info, disk, transfer);
  }

  // A method, because the compiler takes a field for unchanged across an await.
  #hasEnded(): boolean {
    return this.#ended !== undefined;
  }

  #run(info: TorrentInfo, disk: TorrentDisk, transfer: Transfer): void {
    // In which order, beside the priorities that it has.
    for (const fact of this.#choice.facts(disk.layout, info)) transfer.input(fact, now());
    this.#parts.transfer = transfer;
    this.#parts.blocks = new BlockIntake(transfer, disk.intake);
    this.#parts.content = new HostedContent(disk, transfer, {
      dueChanged: () => this.#turnToMore(),
      stored: () => this.#owner.stored(),
      unread: () => this.#restWhenAlone(),
    });
    this.#phase = 'running';
    if (transfer.isComplete) this.#secondsToComplete = 0;
    const seeded = { info, layout: disk.layout, transfer, blocks: this.#parts.blocks };
    this.#parts.webSeeds = WebSeedLinks.open(this.spec.webSeeds, seeded, this.#services.http, {
      settled: () => this.#pump(),
      log: (text) => this.#log(text),
    });
    this.#restWhenAlone();
    this.#owner.changed();
  }

  #useMetadata(raw: Uint8Array): void {
    // A supernode and a peer may both have answered.
    if (this.#hasMetadata || this.#parts.info || this.#ended) return;
    this.#hasMetadata = true;
    const work = async (): Promise<void> => {
      const info = await readInfo(raw);
      if (this.#hasEnded()) return;
      if (isFault(info)) return this.#fail(`the torrent cannot be used: ${info.text}`);
      const refusal = this.#services.refusal?.(info.infoHash, info.name);
      if (refusal !== undefined) return this.#fail(refusal);
      this.#parts.info = info;
      if (info.isPrivate) this.#goPrivate();
      this.#memory.recall(undefined);
      await this.#prepare(info, undefined);
      const facts = this.#parts.metadata?.facts() ?? [];
      this.#parts.metadata = undefined;
      if (!this.#parts.transfer) return;
      for (const fact of facts) this.#parts.transfer.input(fact, now());
      this.#links.learnedTorrent(this.#parts.transfer.stored);
      if (this.#parts.transfer.isComplete) this.#completed();
      this.#pump();
      await this.#written;
    };
    this.#work = this.#work.then(work).catch((error) => this.#fail(textOfError(error)));
  }

  /** It turns out that the torrent is private: what other sources than its own trackers brought is left. */
  #goPrivate(): void {
    this.#pex.note({ type: 'private' });
    const hasOwnTrackers = this.spec.trackers.length > 0;
    if (!hasOwnTrackers) this.#announcer.note({ type: 'trackers', tiers: [] });
    this.#links.keepOnly(hasOwnTrackers ? 'tracker' : undefined);
  }

  #pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    this.#orders.carryOut();
    this.#isPumping = false;
    this.#setAlarm();
  }

  #setAlarm(): void {
    if (this.#ended) return;
    this.#services.alarms.set(this.#wake, this.#clock.at);
  }

  #tick(): void {
    this.#clock.tick(now());
    this.#turnToMore();
  }

  /** Turns to whoever else may have what is wanted. */
  #turnToMore(): void {
    this.#links.dialMore();
    this.#parts.webSeeds?.openMore();
    this.#pump();
  }

  #completed(): void {
    this.#secondsToComplete = (now() - this.#startedAt) / 1000;
    this.#memory.noteCompleted();
    if (this.#parts.transfer!.isWhole) this.#announcer.note({ type: 'complete' });
    this.#finisher.run(async () => {
      await this.#memory.write();
      this.#restWhenAlone();
      this.#owner.changed();
    });
  }

  /** A thousand torrents that nobody asks for hold no file open. */
  #restWhenAlone(): void {
    if (this.#links.size === 0) this.#parts.disk?.rest();
  }

  #log(text: string): void {
    this.#services.log(`${this.spec.name}: ${text}`);
  }

  #fail(text: string): void {
    if (this.#ended) return;
    this.#failure = text;
    this.#phase = 'failed';
    this.#log(text);
    this.#ended = this.#end(text);
    this.#owner.changed();
  }

  /** Leaves the swarm, finishes what the disk is doing, and lets go of everything. */
  async #end(why: string): Promise<void> {
    this.#services.alarms.set(this.#wake, undefined);
    this.#parts.disk?.cancel();
    this.#links.close(fault('ended', why));
    this.#parts.webSeeds?.end();
    const goodbye = this.#announcer.end();
    await this.#work;
    await this.#finisher.close();
    // What failed may be wrong about what it has: it is checked again when it is added again.
    if (this.#failure === undefined) await this.#memory.end().catch((error) => this.#log(textOfError(error)));
    await this.#parts.disk?.close();
    this.#resume.close();
    await goodbye;
  }
}
