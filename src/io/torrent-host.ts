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
  type InfoHash,
  isFault,
  MonsoonError,
  type Random,
  unreachable,
} from '../base/index.ts';
import type { LinkBudget } from '../session/index.ts';
import {
  type AnnounceEffect,
  Announces,
  Bitfield,
  encodeMetainfo,
  formatMagnet,
  MetadataFetch,
  type PeerSource,
  Peers,
  parseInfo,
  stallReason,
  type TorrentInfo,
  Transfer,
  type TransferEffect,
  type TransferInput,
} from '../torrent/index.ts';
import { METADATA_BYTES_MAX, METADATA_PIECE_BYTES, type MetadataMessage, type WireHandshake } from '../wire/index.ts';
import { type AlarmClock, now, wallNow } from './alarm-clock.ts';
import type { Dialler, Trust } from './dialler.ts';
import { trustOf } from './dialler.ts';
import type { OurExtendedHandshake } from './fast-wire.ts';
import { sha1 } from './hash.ts';
import { LinkGroup } from './link-group.ts';
import type { LinkOwner, PeerLink } from './peer-link.ts';
import { SEGMENT_BYTES_MAX } from './piece-intake.ts';
import type { Remembered, ResumeFile } from './resume-file.ts';
import { type Memo, TorrentDisk } from './torrent-disk.ts';
import { CLIENT_NAME } from './torrent-identity.ts';
import type { TrackerClient } from './tracker-client.ts';
import { REQUESTS_MAX } from './upload-queue.ts';

/** Bytes of pieces in flight per torrent; with small pieces the count is what bounds. */
const INTAKE_BYTES_MAX = 33_554_432;
const OPEN_PIECES_MAX = 256;
/** Facts kept for a link while the metadata is not known; a peer that says more is cut off. */
const EARLY_FACTS_MAX = 4096;
const DISK_RETRY_MS = 1000;
const PEERS_WANTED = 80;
const KEEP_ALIVE_MS = 100_000;

/** What a torrent is made from. */
export interface TorrentSpec {
  readonly infoHash: InfoHash;
  /** Name to show until the metadata is known. */
  readonly name: string;
  readonly info: TorrentInfo | undefined;
  readonly trackers: readonly (readonly string[])[];
  /** Absolute folder for the torrent's files. */
  readonly directory: string;
  /** Absolute path per file where content is shared in place. */
  readonly sourcePaths: readonly string[];
  /** True when every piece was just hashed from the source. */
  readonly isWhole: boolean;
  readonly addedSeconds: number;
  readonly completedSeconds: number;
}

/** What all torrents of a node share. */
export interface TorrentServices {
  readonly dialler: Dialler;
  readonly alarms: AlarmClock;
  readonly trackers: TrackerClient;
  readonly budget: LinkBudget;
  readonly random: Random;
  readonly peerId: Uint8Array;
  /** The port that peers reach us on. */
  readonly port: number;
  readonly linksPerTorrentMax: number;
  readonly uploadSlots: number;
  readonly log: (text: string) => void;
}

export type TorrentPhase = 'metadata' | 'checking' | 'running' | 'stopped' | 'failed';

/** One torrent. */
export class TorrentHost implements LinkOwner {
  readonly spec: TorrentSpec;
  readonly #services: TorrentServices;
  readonly #resume: ResumeFile;
  readonly #peers: Peers = new Peers();
  readonly #links: LinkGroup;
  readonly #announces: Announces;
  readonly #wake = (): void => this.#tick();
  #phase: TorrentPhase = 'metadata';
  #info: TorrentInfo | undefined;
  #metadata: MetadataFetch | undefined;
  #disk: TorrentDisk | undefined;
  #transfer: Transfer | undefined;
  /** What links said before the metadata was known. */
  readonly #earlyFacts = new Map<number, TransferInput[]>();
  readonly #scratch = new Map<string, Uint8Array>();
  #checkedShare = 0;
  #diskProblem: string | undefined;
  #failure: string | undefined;
  #isPumping = false;
  #keepAliveAt = now();
  #completedSeconds: number;
  readonly #startedAt = now();
  #secondsToComplete: number | undefined;
  #work: Promise<void> = Promise.resolve();
  readonly #firstAnnounce = Promise.withResolvers<void>();

  constructor(spec: TorrentSpec, services: TorrentServices, resume: ResumeFile) {
    this.spec = spec;
    this.#services = services;
    this.#resume = resume;
    this.#info = spec.info;
    this.#completedSeconds = spec.completedSeconds;
    this.#announces = new Announces(spec.trackers, services.random);
    this.#links = new LinkGroup(
      {
        greeting: { infoHash: spec.infoHash, peerId: services.peerId },
        linksMax: services.linksPerTorrentMax,
        budget: services.budget,
        dialler: services.dialler,
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
    return this.#announces.trackers;
  }

  /** Resolves when the first announce was answered or failed; at once when there is no tracker. */
  get announced(): Promise<void> {
    return this.#announces.hasTrackers ? this.#firstAnnounce.promise : Promise.resolve();
  }

  /** Begins or goes on; resolves when the torrent takes part (after a check, if one is needed). */
  async start(remembered: Remembered | undefined): Promise<void> {
    if (this.#info) {
      await this.#prepare(this.#info, remembered);
    } else {
      this.#metadata = new MetadataFetch(this.spec.infoHash, sha1);
      await this.#resume.save({
        ...this.#memo(),
        directory: this.spec.directory,
        sourcePaths: [],
        have: new Uint8Array(0),
        modifiedMs: [],
      });
    }
    if (this.#phase === 'failed' || this.#phase === 'stopped') return;
    this.#announces.input({ type: 'begin' }, now());
    this.#pump();
  }

  /** Leaves the swarm and writes everything down. */
  async stop(): Promise<void> {
    if (this.#phase === 'stopped') return;
    this.#phase = 'stopped';
    this.#services.alarms.set(this.#wake, undefined);
    this.#links.close(fault('stopped', 'the torrent was stopped'));
    this.#announces.input({ type: 'end' }, now());
    const goodbyes = this.#announces.effects().map((effect) => this.#announce(effect));
    await this.#work;
    if (this.#disk && this.#transfer) await this.#disk.save(this.#memo(), this.#transfer.stored);
    await this.#disk?.close();
    this.#resume.close();
    await Promise.allSettled(goodbyes);
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
    this.#announces.input({ type: 'trackers', tiers }, now());
    this.#pump();
  }

  /** Gives metadata that came from elsewhere than peers (a supernode); wrong bytes are ignored. */
  offerMetadata(raw: Uint8Array): void {
    if (this.#metadata && raw.length <= METADATA_BYTES_MAX) this.#useMetadata(raw);
  }

  /** Figures for a screen; rates are bytes/s. */
  figures(): {
    readonly progress: number;
    readonly down: number;
    readonly up: number;
    readonly links: number;
    readonly downloaded: number;
    readonly uploaded: number;
    readonly storedBytes: number;
    readonly secondsToComplete: number | null;
    readonly stalledBecause: string | null;
  } {
    const transfer = this.#transfer;
    const states = [...(transfer?.links.values() ?? [])];
    const time = now();
    const down = transfer?.down.at(time) ?? 0;
    const links = [...this.#links.greeted()].length;
    const stalled =
      this.#failure ??
      stallReason({
        hasMetadata: this.#info !== undefined,
        isComplete: this.isComplete || this.#phase === 'checking',
        downBytesPerSecond: down,
        links,
        unchokedLinks: states.filter((link) => link.weAreInterested && !link.theyChoke).length,
        usefulLinks: states.filter((link) => link.weAreInterested).length,
        knownPeers: this.#peers.size,
        hasTrackers: this.#announces.hasTrackers,
        trackerHasAnswered: this.#announces.hasAnswered,
        trackerFailure: this.#announces.failure,
        diskProblem: this.#diskProblem,
      });
    const length = this.#info?.length ?? 0;
    return {
      progress:
        this.#phase === 'checking'
          ? this.#checkedShare
          : length > 0
            ? (transfer?.storedBytes ?? 0) / length
            : this.isComplete
              ? 1
              : 0,
      down,
      up: transfer?.up.at(time) ?? 0,
      links,
      downloaded: transfer?.down.total ?? 0,
      uploaded: transfer?.up.total ?? 0,
      storedBytes: transfer?.storedBytes ?? 0,
      secondsToComplete: this.#secondsToComplete ?? null,
      stalledBecause: stalled,
    };
  }

  // What links report.

  opened(link: PeerLink, theirs: WireHandshake): void {
    const fact: TransferInput = { type: 'linkOpened', link: link.id, address: link.address, hasFast: theirs.hasFast };
    if (this.#transfer) link.sendStored(this.#transfer.stored);
    else link.sendNothingStored();
    this.#fact(link.id, fact);
  }

  extended(
    link: PeerLink,
    handshake: {
      readonly metadataId: number | undefined;
      readonly metadataSize: number | undefined;
      readonly requestQueue: number | undefined;
    },
  ): void {
    if (handshake.requestQueue !== undefined) {
      this.#fact(link.id, { type: 'queueMax', link: link.id, requests: handshake.requestQueue });
    }
    if (this.#metadata && handshake.metadataId !== undefined && handshake.metadataSize !== undefined) {
      this.#metadata.input({ type: 'offered', link: link.id, size: handshake.metadataSize }, now());
    }
  }

  metadata(link: PeerLink, message: MetadataMessage): void {
    if (message.type === 'request') this.#sendMetadata(link, message.piece);
    else this.#metadata?.input({ type: 'message', link: link.id, message }, now());
  }

  control(link: PeerLink, type: 'choked' | 'unchoked' | 'interested' | 'uninterested' | 'haveAll' | 'haveNone'): void {
    this.#fact(link.id, { type, link: link.id });
  }
  bitfield(link: PeerLink, bytes: Uint8Array): void {
    this.#fact(link.id, { type: 'bitfield', link: link.id, bytes });
  }
  have(link: PeerLink, piece: number): void {
    this.#fact(link.id, { type: 'have', link: link.id, piece });
  }
  rejected(link: PeerLink, piece: number, offset: number): void {
    this.#fact(link.id, { type: 'rejected', link: link.id, piece, offset });
  }
  served(link: PeerLink, bytes: number): void {
    this.#fact(link.id, { type: 'served', link: link.id, bytes });
  }

  mayServe(link: PeerLink, piece: number, offset: number, length: number): boolean {
    return this.#transfer?.mayServe(link.id, piece, offset, length) ?? false;
  }

  async read(piece: number, offset: number, views: readonly Uint8Array[], length: number): Promise<void> {
    assert(this.#disk, 'what may be served has a disk');
    await this.#disk.read(piece, offset, views, length);
  }

  readFailed(error: unknown): void {
    this.#fail(error instanceof MonsoonError ? error.message : `reading failed: ${error}`);
  }

  blockPlace(link: PeerLink, piece: number, offset: number, length: number): Uint8Array | undefined {
    const place = this.#transfer?.expects(link.id, piece, offset, length);
    if (place === 'piece') return this.#disk!.intake.place(piece, offset, length);
    if (place !== 'scratch') return undefined;
    const bytes = new Uint8Array(length);
    this.#scratch.set(scratchKey(link.id, piece, offset), bytes);
    return bytes;
  }

  blockArrived(link: PeerLink, piece: number, offset: number, length: number): void {
    const scratch = this.#scratch.get(scratchKey(link.id, piece, offset));
    if (scratch) this.#scratch.delete(scratchKey(link.id, piece, offset));
    if (this.#transfer?.expects(link.id, piece, offset, length) === undefined) return;
    const intake = this.#disk!.intake;
    if (scratch) intake.place(piece, offset, length).set(scratch);
    intake.arrived(piece, offset, length);
    this.#transfer.input({ type: 'blockArrived', link: link.id, piece, offset }, now());
  }

  settled(): void {
    this.#pump();
  }

  closed(link: PeerLink, why: Fault): void {
    this.#services.log(`${this.spec.name}: link closed: ${why}`);
    this.#earlyFacts.delete(link.id);
    for (const key of this.#scratch.keys()) if (key.startsWith(`${link.id}:`)) this.#scratch.delete(key);
    this.#metadata?.input({ type: 'linkClosed', link: link.id }, now());
    this.#transfer?.input({ type: 'linkClosed', link: link.id }, now());
    this.#pump();
  }

  // Machines and disk.

  #fact(link: number, fact: TransferInput): void {
    if (this.#transfer) return this.#transfer.input(fact, now());
    const facts = this.#earlyFacts.get(link) ?? [];
    this.#earlyFacts.set(link, facts);
    facts.push(fact);
    if (facts.length > EARLY_FACTS_MAX) this.#links.get(link)?.close(fault('too-talkative', 'too many messages'));
  }

  async #prepare(info: TorrentInfo, remembered: Remembered | undefined): Promise<void> {
    this.#phase = 'checking';
    const { directory, sourcePaths } = this.spec;
    const disk = new TorrentDisk({ info, directory, sourcePaths }, this.#resume, (error) => this.#diskFailed(error));
    this.#disk = disk;
    try {
      const stored = this.spec.isWhole
        ? wholeOf(info.pieceCount)
        : await disk.recall(remembered, (done, of) => {
            this.#checkedShare = done / of;
          });
      if (this.#hasStopped()) return;
      if (disk.isReadOnly && !stored.isFull) {
        return this.#fail(`${this.spec.name} changed since it was shared; share it again`);
      }
      if (stored.isFull) {
        await disk.createEmptyFiles();
        this.#completedSeconds ||= wallNow();
      }
      await disk.save(this.#memo(), stored);
      this.#run(info, disk, stored);
    } catch (error) {
      this.#fail(error instanceof MonsoonError ? error.message : `${error}`);
    }
  }

  #hasStopped(): boolean {
    return this.#phase === 'stopped';
  }

  #run(info: TorrentInfo, disk: TorrentDisk, stored: Bitfield): void {
    const { uploadSlots, random } = this.#services;
    const pieceBytes = Math.min(info.pieceLength, SEGMENT_BYTES_MAX);
    const openPiecesMax = Math.min(OPEN_PIECES_MAX, Math.max(4, Math.floor(INTAKE_BYTES_MAX / pieceBytes)));
    this.#transfer = new Transfer(disk.layout, stored, { uploadSlots, openPiecesMax }, random, now());
    this.#phase = 'running';
    if (stored.isFull) this.#secondsToComplete = 0;
  }

  #useMetadata(raw: Uint8Array): void {
    const info = parseInfo(raw, sha1);
    if (isFault(info)) return this.#fail(`the torrent cannot be used: ${info.text}`);
    if (info.infoHash !== this.spec.infoHash) return;
    this.#info = info;
    this.#metadata = undefined;
    const work = async (): Promise<void> => {
      await this.#prepare(info, undefined);
      if (!this.#transfer) return;
      const { stored } = this.#transfer;
      for (const link of this.#links.greeted()) link.learnedTorrent(stored);
      for (const fact of [...this.#earlyFacts.values()].flat()) this.#transfer.input(fact, now());
      this.#earlyFacts.clear();
      if (this.#transfer.isComplete) this.#completed();
      this.#pump();
    };
    this.#work = this.#work.then(work);
  }

  #pump(): void {
    if (this.#isPumping || this.#hasStopped()) return;
    this.#isPumping = true;
    for (let isBusy = true; isBusy; ) {
      const effects = this.#transfer?.effects() ?? [];
      const metadata = this.#metadata?.effects() ?? [];
      const announces = this.#announces.effects();
      for (const effect of effects) this.#perform(effect);
      for (const effect of metadata) {
        if (effect.type === 'complete') this.#useMetadata(effect.raw);
        else if (effect.type === 'request') this.#links.get(effect.link)?.sendMetadata(effect);
        else this.#links.get(effect.link)?.close(fault('metadata-wrong', 'its metadata does not match the hash'));
      }
      for (const effect of announces) void this.#announce(effect);
      isBusy = effects.length + metadata.length + announces.length > 0;
    }
    this.#isPumping = false;
    this.#setAlarm();
  }

  #setAlarm(): void {
    let at = earliest(this.#transfer?.deadline?.at, this.#metadata?.deadline?.at);
    at = earliest(at, this.#announces.deadline?.at);
    if (!this.isComplete) at = earliest(at, this.#peers.nextRetry);
    this.#services.alarms.set(this.#wake, at);
  }

  #tick(): void {
    const time = now();
    this.#transfer?.input({ type: 'tick' }, time);
    this.#metadata?.input({ type: 'tick' }, time);
    const isHungry = !this.isComplete && !this.#peers.hasUntried && [...this.#links.greeted()].length === 0;
    this.#announces.input({ type: 'hungry', isHungry }, time);
    this.#announces.input({ type: 'tick' }, time);
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
        return this.#check(effect.piece);
      case 'store':
        return this.#store(effect.piece);
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

  #check(piece: number): void {
    const transfer = this.#transfer!;
    const intake = this.#disk!.intake;
    const isGood = intake.checkNow(piece);
    if (isGood !== undefined) return transfer.input({ type: 'pieceChecked', piece, isGood }, now());
    this.#background(async () => {
      const isMatch = await intake.check(piece).catch((error) => {
        this.#diskFailed(error);
        return false;
      });
      transfer.input({ type: 'pieceChecked', piece, isGood: isMatch }, now());
    });
  }

  #store(piece: number): void {
    const transfer = this.#transfer!;
    this.#background(async () => {
      try {
        await this.#disk!.storePiece(piece);
        this.#diskProblem = undefined;
        transfer.input({ type: 'pieceStored', piece }, now());
      } catch (error) {
        transfer.input({ type: 'storeFailed', piece }, now());
        this.#diskFailed(error);
      }
    });
  }

  /** Runs disk work that `stop` waits for, then pumps. */
  #background(work: () => Promise<void>): void {
    const done = work().then(() => this.#pump());
    this.#work = Promise.all([this.#work, done]).then(() => {});
  }

  /** Nothing more is asked for until the disk has had time; a write that works again clears the problem. */
  #diskFailed(error: unknown): void {
    this.#diskProblem = error instanceof MonsoonError ? error.message : `the disk failed: ${error}`;
    this.#transfer?.input({ type: 'paused', isPaused: true }, now());
    setTimeout(() => {
      this.#transfer?.input({ type: 'paused', isPaused: false }, now());
      this.#pump();
    }, DISK_RETRY_MS).unref();
  }

  #completed(): void {
    this.#secondsToComplete = (now() - this.#startedAt) / 1000;
    this.#completedSeconds = wallNow();
    this.#announces.input({ type: 'complete' }, now());
    const { stored } = this.#transfer!;
    this.#background(async () => {
      await this.#disk!.createEmptyFiles().catch((error) => this.#diskFailed(error));
      await this.#disk!.save(this.#memo(), stored).catch((error) => this.#diskFailed(error));
    });
  }

  #fail(text: string): void {
    this.#failure = text;
    this.#phase = 'failed';
    this.#services.log(`${this.spec.name}: ${text}`);
    this.#links.close(fault('failed', text));
  }

  async #announce(effect: AnnounceEffect): Promise<void> {
    const { infoHash } = this.spec;
    const { peerId, port } = this.#services;
    const figures = this.#transfer;
    const reply = await this.#services.trackers.announce(effect.tracker, {
      infoHash,
      peerId,
      port,
      uploaded: figures?.up.total ?? 0,
      downloaded: figures?.down.total ?? 0,
      left: this.#info ? this.#info.length - (figures?.storedBytes ?? 0) : 1,
      event: effect.event,
      wanted: effect.event === 'stopped' ? 0 : PEERS_WANTED,
    });
    this.#firstAnnounce.resolve();
    if (this.#hasStopped()) return;
    if (isFault(reply)) {
      this.#services.log(`${this.spec.name}: ${effect.tracker}: ${reply.text}`);
      this.#announces.input({ type: 'failed', text: reply.text }, now());
    } else {
      this.#announces.input({ type: 'answered', ...reply }, now());
      this.#links.learn(reply.peers, 'tracker', trustOf(reply.trackerHost));
    }
    this.#pump();
  }

  #sendMetadata(link: PeerLink, piece: number): void {
    const raw = this.#info?.raw;
    const at = piece * METADATA_PIECE_BYTES;
    if (!raw || at >= raw.length) return link.sendMetadata({ type: 'reject', piece });
    const bytes = raw.subarray(at, at + METADATA_PIECE_BYTES);
    link.sendMetadata({ type: 'data', piece, totalSize: raw.length, bytes });
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

function wholeOf(pieceCount: number): Bitfield {
  const whole = new Bitfield(pieceCount);
  whole.addAll();
  return whole;
}

function scratchKey(link: number, piece: number, offset: number): string {
  return `${link}:${piece}:${offset}`;
}
