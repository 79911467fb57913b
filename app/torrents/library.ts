/**
 * What this node's user shares, fetches and sees listed: the verbs of RunningNode that are about torrents. Joins
 * torrents, listing and supernodes; each of them knows nothing of the others.
 */
import { mkdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import type { Config } from '../../config/index.ts';
import { formatAddress, type InfoHash, isFault, MonsoonError, type NodeId } from '../../src/base/index.ts';
import { type AlarmClock, wallNow } from '../../src/io/alarm-clock.ts';
import type { HttpClient } from '../../src/io/http-client.ts';
import type { Identity } from '../../src/io/identity.ts';
import type { ListingStore } from '../../src/io/index.ts';
import type { Torrent } from '../../src/io/torrent.ts';
import type { Torrents } from '../../src/io/torrents.ts';
import { type DenyFacts, parseClaims } from '../../src/listing/index.ts';
import type { Descriptor } from '../../src/overlay/index.ts';
import { encodeMetainfo } from '../../src/torrent/index.ts';
import type { Home } from '../home.ts';
import type { Filter } from '../listing/filter.ts';
import type { ListingSync } from '../listing/listing-sync.ts';
import { MetadataSource } from '../listing/metadata-source.ts';
import type { OwnCounts } from '../listing/own-counts.ts';
import type { Publisher } from '../listing/publisher.ts';
import type { Log } from '../log.ts';
import type { Membership } from '../overlay/membership.ts';
import type { WaysIn } from '../overlay/ways-in.ts';
import type {
  Choice,
  Claims,
  CountClass,
  FileRow,
  ListingAnswer,
  ListingQuery,
  Said,
  SharedTorrent,
  Statement,
  TorrentAction,
  TorrentDetail,
  TorrentRow,
  Wanted,
} from '../running-node.ts';
import type { OpenFile } from '../streamed-file.ts';
import { isSameFolder, requireWritable } from './download-folder.ts';
import { changedWishes, choiceOf, requireFiles, wishesOf } from './file-wishes.ts';
import { openFile } from './open-file.ts';
import { Shares } from './shares.ts';
import { heldTorrent, resolveTarget, type Target, targetOfBytes } from './target.ts';
import { countRows, fileRows, listedFileRows, type Standing, torrentDetail, torrentRow } from './torrent-rows.ts';

export interface LibrarySettings {
  readonly home: Home;
  readonly config: Config;
  readonly identity: Identity;
  readonly store: ListingStore;
  readonly torrents: Torrents;
  readonly membership: Membership;
  readonly waysIn: Pick<WaysIn, 'noteTrackers'>;
  readonly sync: ListingSync;
  readonly publisher: Publisher;
  readonly filter: Filter;
  readonly http: HttpClient;
  readonly counts: OwnCounts;
  readonly alarms: AlarmClock;
  readonly log: Log;
}

/** Shares, downloads and rows. */
export class Library {
  readonly #settings: LibrarySettings;
  readonly #metadata: MetadataSource;
  readonly #shares: Shares;
  #rowCount = 0;
  #isCounting = false;

  constructor(settings: LibrarySettings) {
    this.#settings = settings;
    this.#metadata = new MetadataSource({ ...settings, originOf: (infoHash) => this.#originOf(infoHash) });
    mkdirSync(this.#torrentFiles, { recursive: true, mode: 0o700 });
    this.#shares = new Shares({
      ...settings,
      directory: join(settings.home.dataDir, 'shares'),
      torrentFiles: this.#torrentFiles,
      downloadDir: () => this.#downloadDir,
      trackersFor: (infoHash) => this.#trackersFor(infoHash),
      discard: (torrent) => this.#discard(torrent, false),
    });
  }

  /** Torrents listed at the last look, which each question causes to be taken anew: entries come from others at any time. */
  get rowCount(): number {
    if (!this.#isCounting) void this.#recount();
    return this.#rowCount;
  }

  async #recount(): Promise<void> {
    this.#isCounting = true;
    try {
      this.#rowCount = await this.#settings.store.rowCount();
    } catch {
      // The store is closed, or behind with its work: the last count stands.
    } finally {
      this.#isCounting = false;
    }
  }

  /** Goes on with everything that was there, and publishes own entries again. */
  async recall(): Promise<void> {
    const { torrents, store } = this.#settings;
    await torrents.recall();
    this.attend();
    await this.#settings.publisher.recall((infoHash) => torrents.get(infoHash) !== undefined);
    await this.#shares.recall();
    this.#rowCount = await store.rowCount();
  }

  /** Follows no share any more; resolves when nothing is under way. */
  close(): Promise<void> {
    return this.#shares.close();
  }

  /**
   * The known supernodes changed: torrents that no tracker knows of get the owner of their hash as tracker, and those
   * that only supernodes know of, which may be gone, follow their owner.
   */
  attend(): void {
    const { torrents, sync, membership } = this.#settings;
    for (const torrent of torrents.all()) {
      const { trackers, spec } = torrent;
      if (spec.sourcePaths.length === 0 && !trackers.flat().every((url) => membership.isSupernodeUrl(url))) continue;
      const wanted = this.#trackersFor(spec.infoHash);
      if (wanted.length > 0 && wanted.flat().join() !== trackers.join()) torrent.useTrackers(wanted);
    }
    sync.nudge();
  }

  async share(given: string, claims: Claims): Promise<SharedTorrent> {
    const shared = await this.#shares.share(resolve(given), claims);
    this.#rowCount = await this.#settings.store.rowCount();
    return shared;
  }

  async get(what: string, directory: string | undefined, wanted?: Wanted): Promise<TorrentRow> {
    const { torrents, store } = this.#settings;
    if (directory !== undefined && !isAbsolute(directory)) {
      throw new MonsoonError('usage', `${directory} is not an absolute path.`);
    }
    return this.#fetch(await resolveTarget(what, torrents, store, true), directory, wanted);
  }

  /** Fetches what the bytes of a torrent file describe. */
  async getFile(bytes: Uint8Array): Promise<TorrentRow> {
    return this.#fetch(await targetOfBytes(bytes, 'The file'), undefined, undefined);
  }

  async #fetch(target: Target, directory: string | undefined, wanted: Wanted | undefined): Promise<TorrentRow> {
    const { torrents, filter, log, waysIn } = this.#settings;
    const { infoHash } = target;
    filter.requireAllowed({ infoHash, name: target.name });
    waysIn.noteTrackers(target.trackers.flat());
    const known = torrents.get(infoHash);
    const isHere = known !== undefined && known.phase !== 'failed';
    if (directory !== undefined && !isHere) await this.#shares.requireOutside(directory);
    if (directory !== undefined) await (isHere ? requireIn(known, directory) : requireWritable(directory));
    if (isHere && wanted) await this.#change(known, choiceOf(wanted));
    const added = torrents.add({
      ...target,
      wishes: wishesOf(wanted, target.selectedFiles),
      directory: directory ?? this.#downloadDir,
      sourcePaths: [],
      isWhole: false,
      addedSeconds: wallNow(),
      completedSeconds: 0,
    });
    if (!added) throw new MonsoonError('refused', 'There are too many torrents already.');
    const { host, kept } = added;
    if (host.trackers.length === 0) host.useTrackers(this.#trackersFor(infoHash));
    // Whoever asks for it wants it to go on.
    if (host.orders.isPaused) await host.resume();
    host.learn(target.peers, 'magnet', 'public');
    if (!host.info) {
      this.#fetchMetadata(host).catch((error) => log.warn('metadata could not be looked up', { because: error }));
    }
    // Not for its start: a check of files that are there already may take minutes; the row shows its progress.
    await kept;
    return this.#rowOf(host);
  }

  /** The files of a torrent that is here, or whose metadata can be had without peers. */
  async files(what: string): Promise<readonly FileRow[]> {
    const { torrents, store } = this.#settings;
    const { infoHash } = await resolveTarget(what, torrents, store);
    const host = torrents.get(infoHash);
    if (host?.info) return fileRows(host);
    const info = await this.#metadata.info(infoHash);
    return info ? listedFileRows(info) : [];
  }

  /** A file of a torrent that is here, whether it is fetched or not. */
  open(infoHash: InfoHash, file: number): OpenFile {
    return openFile(this.#held(infoHash), file);
  }

  #held(infoHash: InfoHash): Torrent {
    const torrent = this.#settings.torrents.get(infoHash);
    if (!torrent) throw new MonsoonError('not-found', `This node has no torrent ${infoHash}. Run "monsoon ps".`);
    return torrent;
  }

  async torrentFile(what: string): Promise<Uint8Array> {
    const { torrents, store } = this.#settings;
    const { infoHash } = await resolveTarget(what, torrents, store);
    const host = torrents.get(infoHash);
    const info = host?.info ?? (await this.#metadata.info(infoHash));
    if (!info) {
      throw new MonsoonError('not-found', `Nobody has told the metadata of ${infoHash} yet. Fetch it, then try again.`);
    }
    const own = host?.trackers.map((url) => [url]) ?? [];
    // What is private is announced where its maker said, and nowhere else (BEP 27).
    const trackers = own.length > 0 || info.isPrivate ? own : this.#trackersFor(infoHash);
    return encodeMetainfo({ info: info.raw, trackers, createdBy: 'monsoon' });
  }

  /** Changes what is wanted of one torrent. */
  async choose(what: string, choice: Choice): Promise<readonly FileRow[]> {
    const { torrents, store } = this.#settings;
    const { infoHash } = await resolveTarget(what, torrents, store);
    const host = this.#held(infoHash);
    await this.#change(host, choice);
    return fileRows(host);
  }

  /** What is denied by now is fetched no further; what is here whole stays as it is. */
  obeyFilter(): void {
    const { torrents, filter, log } = this.#settings;
    for (const torrent of torrents.all()) {
      const { infoHash } = torrent.spec;
      if (torrent.isComplete || torrent.orders.isPaused || !filter.denies(deniableFactsOf(torrent))) continue;
      log.info('a download is denied and stands still', { infoHash });
      torrent
        .pause()
        .catch((error: unknown) => log.warn('a denied download goes on', { infoHash, because: `${error}` }));
    }
  }

  rows(): readonly TorrentRow[] {
    const { torrents } = this.#settings;
    const places = torrents.queuePlaces();
    return torrents.all().map((torrent) => torrentRow(torrent, this.#standingOf(torrent, places)));
  }

  async act(what: string, action: TorrentAction): Promise<TorrentRow> {
    const { torrents, filter } = this.#settings;
    const torrent = heldTorrent(what, torrents);
    switch (action.type) {
      case 'pause':
        await torrent.pause();
        break;
      case 'resume':
        if (!torrent.isComplete) filter.requireAllowed(deniableFactsOf(torrent));
        await torrent.resume();
        break;
      case 'verify':
        await torrent.verify();
        break;
      case 'move':
        await this.#shares.requireOutside(resolve(action.directory));
        await torrent.move(resolve(action.directory));
        break;
      case 'limit':
        await torrent.limit(action.down, action.up);
        break;
      case 'queue':
        await torrents.requeue(torrent, action.to);
        break;
      case 'remove':
        await this.#remove(torrent, action.withData);
        break;
    }
    return this.#rowOf(torrent);
  }

  async list(query: ListingQuery): Promise<ListingAnswer> {
    const { store, counts } = this.#settings;
    const found = await store.list(query, wallNow());
    this.#rowCount = await store.rowCount();
    return { ...found, rows: counts.applied(found.rows) };
  }

  async info(what: string): Promise<TorrentDetail> {
    const { torrents, store, counts, sync } = this.#settings;
    const { infoHash } = await resolveTarget(what, torrents, store);
    const host = torrents.get(infoHash);
    const row = await store.get(infoHash, wallNow());
    if (!host && !row) {
      throw new MonsoonError(
        'not-found',
        `${infoHash} is neither listed nor here. "monsoon get ${infoHash}" looks for it.`,
      );
    }
    const classOf = (source: NodeId): CountClass => counts.classOf(infoHash, source);
    const observed = countRows(sync.observationsOf(infoHash), classOf, wallNow());
    return torrentDetail(
      infoHash,
      host,
      row && counts.applied([row])[0],
      observed,
      this.#standingOf(host, torrents.queuePlaces()),
    );
  }

  async say(what: string, statement: Statement): Promise<Said> {
    const { torrents, store, publisher } = this.#settings;
    const { infoHash, name: wasCalled } = await resolveTarget(what, torrents, store);
    switch (statement.type) {
      case 'publish': {
        const checked = parseClaims(statement.claims);
        if (isFault(checked)) throw new MonsoonError('usage', `${checked.text}.`);
        const info = torrents.get(infoHash)?.info;
        if (!info) {
          throw new MonsoonError(
            'not-found',
            `Only a torrent that is here can be published. Run "monsoon get ${infoHash}".`,
          );
        }
        await publisher.publish(info, checked);
        break;
      }
      case 'edit':
        await publisher.edit(infoHash, statement.claims);
        break;
      case 'withdraw':
        if (!(await this.#shares.unlist(infoHash))) await publisher.withdraw(infoHash);
        break;
    }
    this.#rowCount = await store.rowCount();
    const listing = (await store.get(infoHash, wallNow())) ?? null;
    return { infoHash, name: listing?.name ?? torrents.get(infoHash)?.info?.name ?? wasCalled, listing };
  }

  async #change(host: Torrent, choice: Choice): Promise<void> {
    requireFiles(await host.useWishes(changedWishes(host.wishes, choice, host.info?.files ?? [])));
  }

  get #torrentFiles(): string {
    return join(this.#settings.home.dataDir, 'torrents');
  }
  get #downloadDir(): string {
    const { config, home } = this.#settings;
    return config.downloadDir === '' ? home.downloadDir : resolve(config.downloadDir);
  }

  #rowOf(torrent: Torrent): TorrentRow {
    return torrentRow(torrent, this.#standingOf(torrent, this.#settings.torrents.queuePlaces()));
  }

  #standingOf(torrent: Torrent | undefined, places: ReadonlyMap<Torrent, number>): Standing {
    const queuePlace = (torrent && places.get(torrent)) ?? null;
    return { queuePlace, shareProblem: torrent && this.#shares.problemOf(torrent) };
  }

  /** What others may still seed stays listed; it is only published by us no more. */
  async #remove(torrent: Torrent, withData: boolean): Promise<void> {
    // First: a change would share it again.
    await this.#shares.forget(torrent.spec.infoHash);
    await this.#discard(torrent, withData);
  }

  async #discard(torrent: Torrent, withData: boolean): Promise<void> {
    const { torrents, sync } = this.#settings;
    const { infoHash } = torrent.spec;
    await torrents.remove(torrent, withData);
    sync.remove(infoHash);
    await rm(join(this.#torrentFiles, `${infoHash}.torrent`), { force: true });
  }

  /** The announce URL of the supernode that owns a hash, as one tier; none while nobody is known. */
  #trackersFor(infoHash: InfoHash): string[][] {
    const { membership } = this.#settings;
    const supernode = this.#ownerOf(infoHash);
    const address = supernode && membership.addressOf(supernode);
    // As stock clients need it; our own announces find out by the address that a supernode listens there.
    return address ? [[`http://${formatAddress(address)}/announce`]] : [];
  }

  #ownerOf(infoHash: InfoHash): Descriptor | undefined {
    const { membership, identity } = this.#settings;
    const owner = membership.ownership.ownerOf(infoHash);
    return owner && membership.get(owner === 'self' ? identity.nodeId : owner.nodeId);
  }

  /** The supernode that owns a hash keeps its metadata: faster than asking peers, and checked like theirs. */
  async #fetchMetadata(host: Torrent): Promise<void> {
    const raw = await this.#metadata.raw(host.spec.infoHash);
    if (raw) host.offerMetadata(raw);
  }

  #originOf(infoHash: InfoHash): string | undefined {
    const supernode = this.#ownerOf(infoHash);
    return supernode && this.#settings.membership.originOf(supernode.nodeId);
  }
}

/** Rejects with a MonsoonError (`refused`) when a torrent has its files in another folder than that. */
async function requireIn(torrent: Torrent, directory: string): Promise<void> {
  const { spec, info } = torrent;
  if (await isSameFolder(spec.directory, directory)) return;
  const name = info?.name ?? spec.name;
  const next =
    spec.sourcePaths.length > 0
      ? 'It is shared from where its owner keeps it'
      : `"monsoon move ${spec.infoHash} DIR" moves it`;
  throw new MonsoonError('refused', `${name} is here already, in ${spec.directory}. ${next}.`);
}

/** What a filter may know a torrent by. */
function deniableFactsOf({ spec, info }: Torrent): DenyFacts {
  return { infoHash: spec.infoHash, name: info?.name ?? spec.name };
}
