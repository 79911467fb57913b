/**
 * One torrent at run time: hosts its machines (transfer, metadata, announces) and carries facts from links and disk to
 * them and their effects out, in one pump. Decisions are the machines'.
 */
import type { Socket } from 'node:net';
import {
  type Address,
  assert,
  earliest,
  type Fault,
  fault,
  infoHashOfBytes,
  isFault,
  MonsoonError,
  unreachable,
} from '../base/index.ts';
import {
  type AnnounceFacts,
  Bitfield,
  encodeMetainfo,
  formatMagnet,
  type PeerSource,
  Peers,
  parseInfo,
  type TorrentInfo,
  Transfer,
  type TransferEffect,
  type TransferInput,
} from '../torrent/index.ts';
import {
  type ExtendedHandshake,
  METADATA_BYTES_MAX,
  type MetadataMessage,
  metadataReply,
  type WireHandshake,
} from '../wire/index.ts';
import { now, wallNow } from './alarm-clock.ts';
import { Announcer } from './announcer.ts';
import { BlockIntake } from './block-intake.ts';
import type { Trust } from './dialler.ts';
import type { OurExtendedHandshake } from './fast-wire.ts';
import { sha1 } from './hash.ts';
import { LinkGroup } from './link-group.ts';
import { MetadataPhase } from './metadata-phase.ts';
import type { LinkOwner, PeerLink } from './peer-link.ts';
import { PieceFinisher } from './piece-finisher.ts';
import { SEGMENT_BYTES_MAX } from './piece-intake.ts';
import type { Remembered, ResumeFile } from './resume-file.ts';
import { type Memo, TorrentDisk } from './torrent-disk.ts';
import { figuresOf, type TorrentFigures, type TorrentPhase } from './torrent-figures.ts';
import { CLIENT_NAME } from './torrent-identity.ts';
import type { TorrentServices, TorrentSpec } from './torrent-spec.ts';
import { REQUESTS_MAX } from './upload-queue.ts';

/** Bytes of pieces in flight per torrent; with small pieces the count is what bounds. */
const INTAKE_BYTES_MAX = 33_554_432;
const OPEN_PIECES_MAX = 256;
const KEEP_ALIVE_MS = 100_000;
/** Failures to read that say nothing about the file: the process or the machine has too much open. */
const SHORTAGES: ReadonlySet<unknown> = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN']);

/** One torrent. */
export class TorrentHost implements LinkOwner {
  readonly spec: TorrentSpec;
  readonly #services: TorrentServices;
  readonly #resume: ResumeFile;
  readonly #peers: Peers = new Peers();
  readonly #links: LinkGroup;
  readonly #announcer: Announcer;
  readonly #wake = (): void => this.#tick();
  #phase: TorrentPhase = 'metadata';
  #info: TorrentInfo | undefined;
  #metadata: MetadataPhase | undefined;
  #disk: TorrentDisk | undefined;
  #transfer: Transfer | undefined;
  #blocks: BlockIntake | undefined;
  #checkedShare = 0;
  readonly #finisher: PieceFinisher;
  #failure: string | undefined;
  #isPumping = false;
  #keepAliveAt = now();
  #completedSeconds: number;
  readonly #startedAt = now();
  #secondsToComplete: number | undefined;
  /** The start, and the change from metadata to transfer: what an end waits for. */
  #work: Promise<void> = Promise.resolve();
  /** Set once the torrent was stopped or failed; resolves when it holds nothing any more. */
  #ended: Promise<void> | undefined;

  constructor(spec: TorrentSpec, services: TorrentServices, resume: ResumeFile) {
    this.spec = spec;
    this.#services = services;
    this.#resume = resume;
    this.#info = spec.info;
    this.#completedSeconds = spec.completedSeconds;
    this.#announcer = new Announcer(
      {
        facts: () => this.#announceFacts(),
        peersFound: (peers, trust) => this.#links.learn(peers, 'tracker', trust),
        log: (text) => this.#log(text),
        changed: () => this.#setAlarm(),
      },
      services.trackers,
      spec.trackers,
      services.random,
    );
    this.#finisher = new PieceFinisher({
      fact: (fact) => this.#transfer?.input(fact, now()),
      settled: () => this.#pump(),
    });
    this.#links = new LinkGroup(
      {
        greeting: { infoHash: spec.infoHash, peerId: services.peerId },
        linksMax: services.linksPerTorrentMax,
        budget: services.budget,
        dialler: services.dialler,
        changed: () => this.#setAlarm(),
        ours: () => this.#ourHandshake(),
      },
      this.#peers,
      this,
    );
  }

  get info(): TorrentInfo | undefined {
    return this.#info;
  }
  get phase(): TorrentPhase {
    return this.#phase;
  }
  get isComplete(): boolean {
    return this.#transfer?.isComplete ?? false;
  }
  get trackers(): readonly string[] {
    return this.#announcer.trackers;
  }

  /** Resolves when the first announce was answered or failed; at once when there is no tracker. */
  get announced(): Promise<void> {
    return this.#announcer.firstOutcome;
  }

  /** Begins or goes on; resolves when the torrent takes part (after a check, if one is needed) or has failed. */
  start(remembered: Remembered | undefined): Promise<void> {
    this.#work = this.#begin(remembered).catch((error) => this.#fail(textOf(error)));
    return this.#work;
  }

  /** Leaves the swarm and writes everything down; resolves when nothing is left open. */
  async stop(): Promise<void> {
    this.#phase = 'stopped';
    this.#ended ??= this.#end('the torrent was stopped');
    await this.#ended;
  }

  /** Adds peers to try. */
  learn(addresses: readonly Address[], source: PeerSource, trust: Trust): void {
    this.#links.learn(addresses, source, trust);
  }

  /** Takes an incoming connection whose first bytes hold this torrent's handshake. */
  accept(socket: Socket, address: Address, firstBytes: Uint8Array): void {
    if (this.#phase === 'stopped' || this.#phase === 'failed' || this.#phase === 'checking') socket.destroy();
    else this.#links.accept(socket, address, firstBytes);
  }

  /** Gives a torrent without trackers some, or replaces them. */
  useTrackers(tiers: readonly (readonly string[])[]): void {
    this.#announcer.note({ type: 'trackers', tiers });
    this.#setAlarm();
  }

  /** Gives metadata that came from elsewhere than peers (a supernode); bytes that do not match the hash are ignored. */
  offerMetadata(raw: Uint8Array): void {
    if (raw.length > METADATA_BYTES_MAX || infoHashOfBytes(sha1(raw)) !== this.spec.infoHash) return;
    this.#useMetadata(raw);
  }

  /** Figures for a screen. */
  figures(): TorrentFigures {
    return figuresOf({
      phase: this.#phase,
      info: this.#info,
      transfer: this.#transfer,
      links: [...this.#links.greeted()].length,
      knownPeers: this.#peers.size,
      announcer: this.#announcer,
      checkedShare: this.#checkedShare,
      secondsToComplete: this.#secondsToComplete,
      diskProblem: this.#finisher.problem,
      failure: this.#failure,
    });
  }

  // What links report.

  opened(link: PeerLink, theirs: WireHandshake): void {
    const fact: TransferInput = { type: 'linkOpened', link: link.id, address: link.address, hasFast: theirs.hasFast };
    if (this.#transfer) link.sendStored(this.#transfer.stored);
    else link.sendNothingStored();
    this.fact(link, fact);
  }

  extended(link: PeerLink, { requestQueue, metadataId, metadataSize }: ExtendedHandshake): void {
    if (requestQueue !== undefined) this.fact(link, { type: 'queueMax', link: link.id, requests: requestQueue });
    if (metadataId === undefined || metadataSize === undefined) return;
    this.#metadata?.note({ type: 'offered', link: link.id, size: metadataSize });
  }

  metadata(link: PeerLink, message: MetadataMessage): void {
    if (message.type === 'request') link.sendMetadata(metadataReply(this.#info?.raw, message.piece));
    else this.#metadata?.note({ type: 'message', link: link.id, message });
  }

  fact(link: PeerLink, fact: TransferInput): void {
    if (this.#transfer) this.#transfer.input(fact, now());
    else this.#metadata?.keep(link.id, fact);
  }

  mayServe(link: PeerLink, piece: number, offset: number, length: number): boolean {
    return this.#transfer?.mayServe(link.id, piece, offset, length) ?? false;
  }

  async read(piece: number, offset: number, views: readonly Uint8Array[], length: number): Promise<void> {
    assert(this.#disk, 'what may be served has a disk');
    await this.#disk.read(piece, offset, views, length);
  }

  readFailed(error: unknown): void {
    if (SHORTAGES.has((error as { cause?: NodeJS.ErrnoException }).cause?.code)) return this.#log(textOf(error));
    this.#fail(textOf(error));
  }

  blockPlace(link: PeerLink, piece: number, offset: number, length: number): Uint8Array | undefined {
    return this.#blocks?.place(link.id, piece, offset, length);
  }

  blockArrived(link: PeerLink, piece: number, offset: number, length: number): void {
    if (!this.#blocks?.arrived(link.id, piece, offset, length)) return;
    this.#transfer?.input({ type: 'blockArrived', link: link.id, piece, offset }, now());
  }

  settled(): void {
    this.#pump();
  }

  closed(link: PeerLink, why: Fault): void {
    this.#log(`link closed: ${why}`);
    this.#blocks?.linkClosed(link.id);
    this.#metadata?.linkClosed(link.id);
    this.#transfer?.input({ type: 'linkClosed', link: link.id }, now());
    this.#pump();
  }

  // Machines and disk.

  #awaitMetadata(): MetadataPhase {
    return new MetadataPhase(this.spec.infoHash, {
      request: (link, piece) => this.#links.get(link)?.sendMetadata({ type: 'request', piece }),
      close: (link, why) => this.#links.get(link)?.close(fault('metadata-wrong', why)),
      complete: (raw) => this.#useMetadata(raw),
    });
  }

  async #begin(remembered: Remembered | undefined): Promise<void> {
    if (this.#info) {
      await this.#prepare(this.#info, remembered);
    } else {
      this.#metadata = this.#awaitMetadata();
      const { directory } = this.spec;
      await this.#resume.save({ ...this.#memo(), directory, sourcePaths: [], have: new Uint8Array(0), modifiedMs: [] });
    }
    if (this.#ended) return;
    this.#links.open();
    this.#announcer.note({ type: 'begin' });
    this.#pump();
  }

  async #prepare(info: TorrentInfo, remembered: Remembered | undefined): Promise<void> {
    if (this.#ended) return;
    this.#phase = 'checking';
    const { directory, sourcePaths } = this.spec;
    const content = { info, directory, sourcePaths };
    const disk = new TorrentDisk(content, this.#resume, (error) => this.#finisher.refused(error));
    this.#disk = disk;
    this.#finisher.use(disk);
    const stored = this.spec.isWhole
      ? Bitfield.full(info.pieceCount)
      : await disk.recall(remembered, (done, of) => {
          this.#checkedShare = done / of;
        });
    if (this.#hasEnded()) return;
    if (disk.isReadOnly && !stored.isFull) {
      return this.#fail(`${this.spec.name} changed since it was shared; share it again`);
    }
    if (stored.isFull) {
      await disk.createEmptyFiles();
      this.#completedSeconds ||= wallNow();
    }
    await disk.save(this.#memo(), stored, stored.isFull);
    if (!this.#hasEnded()) this.#run(info, disk, stored);
  }

  // A method, because the compiler takes a field for unchanged across an await.
  #hasEnded(): boolean {
    return this.#ended !== undefined;
  }

  #run(info: TorrentInfo, disk: TorrentDisk, stored: Bitfield): void {
    const { uploadSlots, random } = this.#services;
    const pieceBytes = Math.min(info.pieceLength, SEGMENT_BYTES_MAX);
    const openPiecesMax = Math.min(OPEN_PIECES_MAX, Math.max(4, Math.floor(INTAKE_BYTES_MAX / pieceBytes)));
    this.#transfer = new Transfer(disk.layout, stored, { uploadSlots, openPiecesMax }, random, now());
    this.#blocks = new BlockIntake(this.#transfer, disk.intake);
    this.#phase = 'running';
    if (stored.isFull) this.#secondsToComplete = 0;
  }

  #useMetadata(raw: Uint8Array): void {
    // A supernode and a peer may both have answered.
    if (this.#info) return;
    if (this.#info || this.#ended) return;
    const info = parseInfo(raw, sha1);
    if (isFault(info)) return this.#fail(`the torrent cannot be used: ${info.text}`);
    this.#info = info;
    const work = async (): Promise<void> => {
      await this.#prepare(info, undefined);
      const facts = this.#metadata?.facts() ?? [];
      this.#metadata = undefined;
      if (!this.#transfer) return;
      const { stored } = this.#transfer;
      for (const link of this.#links.greeted()) link.learnedTorrent(stored);
      for (const fact of facts) this.#transfer.input(fact, now());
      if (this.#transfer.isComplete) this.#completed();
      this.#pump();
    };
    this.#work = this.#work.then(work).catch((error) => this.#fail(textOf(error)));
  }

  #pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    for (let effects = this.#takeEffects(); effects.length > 0; effects = this.#takeEffects()) {
      for (const effect of effects) this.#perform(effect);
    }
    this.#isPumping = false;
    this.#setAlarm();
  }

  #takeEffects(): TransferEffect[] {
    return this.#transfer?.effects() ?? [];
  }

  #setAlarm(): void {
    if (this.#ended) return;
    let at = earliest(this.#transfer?.deadline?.at, this.#metadata?.deadline?.at);
    at = earliest(at, this.#announcer.deadline?.at);
    // With links there is a tick every second, which dials too.
    if (!this.#transfer?.deadline) at = earliest(at, this.#links.dialAt);
    this.#services.alarms.set(this.#wake, at);
  }

  #tick(): void {
    const time = now();
    this.#transfer?.input({ type: 'tick' }, time);
    this.#metadata?.note({ type: 'tick' });
    const isHungry = !this.isComplete && !this.#peers.hasUntried && [...this.#links.greeted()].length === 0;
    this.#announcer.note({ type: 'hungry', isHungry });
    this.#announcer.note({ type: 'tick' });
    if (time - this.#keepAliveAt > KEEP_ALIVE_MS) {
      this.#keepAliveAt = time;
      for (const link of this.#links.greeted()) link.keepAlive();
    }
    this.#links.dialMore();
    this.#pump();
  }

  #perform(effect: TransferEffect): void {
    switch (effect.type) {
      case 'request':
        return this.#links.get(effect.link)?.request(effect.piece, effect.block, effect.count, effect.lastLength);
      case 'cancel':
        return this.#links.get(effect.link)?.cancel(effect.piece, effect.offset, effect.length);
      case 'interest':
        return this.#links.get(effect.link)?.setInterest(effect.isInterested);
      case 'choke':
        return this.#links.get(effect.link)?.setChoke(effect.isChoked);
      case 'announceHave':
        for (const link of this.#links.greeted()) {
          if (!this.#transfer?.links.get(link.id)?.has.has(effect.piece)) link.announceHave(effect.piece);
        }
        return;
      case 'check':
        return this.#finisher.check(effect.piece);
      case 'store':
        return this.#finisher.store(effect.piece);
      case 'drop':
        return this.#disk?.intake.drop(effect.piece);
      case 'close': {
        const link = this.#links.get(effect.link);
        if (effect.isBanned && link) this.#peers.ban(link.address);
        return link?.close(effect.why);
      }
      case 'complete':
        return this.#completed();
      default:
        unreachable(effect);
    }
  }

  #completed(): void {
    this.#secondsToComplete = (now() - this.#startedAt) / 1000;
    this.#completedSeconds = wallNow();
    this.#announcer.note({ type: 'complete' });
    const { stored } = this.#transfer!;
    this.#finisher.run(async () => {
      await this.#disk!.createEmptyFiles();
      await this.#disk!.save(this.#memo(), stored, true);
    });
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
  }

  /** Leaves the swarm, finishes what the disk is doing, and lets go of everything. */
  async #end(why: string): Promise<void> {
    this.#services.alarms.set(this.#wake, undefined);
    this.#disk?.cancel();
    this.#links.close(fault('ended', why));
    const goodbye = this.#announcer.end();
    await this.#work;
    await this.#finisher.close();
    try {
      // What failed may be wrong about what it has: it is checked again when it is added again.
      if (this.#disk && this.#transfer && this.#failure === undefined)
        await this.#disk.save(this.#memo(), this.#transfer.stored, true);
    } catch (error) {
      this.#log(textOf(error));
    }
    await this.#disk?.close();
    this.#resume.close();
    await goodbye;
  }

  #announceFacts(): Omit<AnnounceFacts, 'event' | 'wanted'> {
    const { infoHash } = this.spec;
    const { peerId, port } = this.#services;
    const transfer = this.#transfer;
    return {
      infoHash,
      peerId,
      port,
      uploaded: transfer?.up.total ?? 0,
      downloaded: transfer?.down.total ?? 0,
      left: this.#info ? this.#info.length - (transfer?.storedBytes ?? 0) : 1,
    };
  }

  #ourHandshake(): OurExtendedHandshake {
    const { port } = this.#services;
    return {
      client: CLIENT_NAME,
      listenPort: port,
      requestQueue: REQUESTS_MAX,
      metadataSize: this.#info?.raw.length ?? 0,
    };
  }

  #memo(): Memo {
    const { infoHash, name, trackers, addedSeconds } = this.spec;
    return {
      metainfo: this.#info && encodeMetainfo({ info: this.#info.raw, trackers }),
      magnet: formatMagnet({ infoHash, name, trackers: trackers.flat(), peers: [] }),
      addedSeconds,
      completedSeconds: this.#completedSeconds as Memo['completedSeconds'],
    };
  }
}

function textOf(error: unknown): string {
  return error instanceof MonsoonError ? error.message : `${error}`;
}
