/**
 * What this node's user shares in place: made into torrents, seeded and listed, and made anew as it changes. Invariants: the
 * new torrent is seeded and listed before the old one is taken back; what was not listed is not listed by a change.
 */
import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type InfoHash, isFault, MonsoonError } from '../../src/base/index.ts';
import { type AlarmClock, wallNow } from '../../src/io/alarm-clock.ts';
import { writeFileAtomically } from '../../src/io/atomic-file.ts';
import { type MadeTorrent, makeTorrent } from '../../src/io/index.ts';
import { ShareFollower } from '../../src/io/share-follower.ts';
import { surveyShare } from '../../src/io/share-walk.ts';
import type { Torrent } from '../../src/io/torrent.ts';
import type { Torrents } from '../../src/io/torrents.ts';
import { type CheckedClaims, parseClaims } from '../../src/listing/index.ts';
import { encodeMetainfo, formatMagnet, NO_WISHES, type Survey } from '../../src/torrent/index.ts';
import type { Publisher } from '../listing/publisher.ts';
import type { Log } from '../log.ts';
import type { Claims, SharedTorrent } from '../running-node.ts';
import { requireApart } from './share-folder.ts';
import { type ShareRecord, ShareRecords } from './share-records.ts';

/** Of a share that no record tells of: it is looked at, and made anew if it is another. */
const UNKNOWN = 'unknown';

export interface SharesSettings {
  /** Where it is remembered what is shared. */
  readonly directory: string;
  /** Where torrent files are written for the user. */
  readonly torrentFiles: string;
  readonly downloadDir: () => string;
  readonly torrents: Torrents;
  readonly publisher: Publisher;
  readonly alarms: AlarmClock;
  readonly log: Log;
  /** Where a torrent is announced, by tiers. */
  readonly trackersFor: (infoHash: InfoHash) => string[][];
  /** Takes a torrent out of the node, its files left alone. */
  readonly remove: (torrent: Torrent) => Promise<void>;
}

export class Shares {
  readonly #settings: SharesSettings;
  readonly #records: ShareRecords;
  readonly #follower: ShareFollower;
  readonly #end = new AbortController();

  constructor(settings: SharesSettings) {
    const { alarms, log } = settings;
    this.#settings = settings;
    this.#records = new ShareRecords(settings.directory);
    this.#follower = new ShareFollower({ alarms, log: (text) => log.warn(text), renew: (path) => this.#renew(path) });
  }

  /** Goes on with what was shared: looks for what changed meanwhile, and ends what a stop interrupted. */
  async recall(): Promise<void> {
    const { torrents, publisher, log } = this.#settings;
    await this.#records.load((path) => log.warn('the record of a share was damaged', { setAside: path }));
    for (const torrent of torrents.all()) {
      const path = pathOf(torrent);
      if (path === undefined) continue;
      const { infoHash } = torrent.spec;
      const record = this.#records.get(path);
      if (!record) await this.#records.put({ path, infoHash, survey: UNKNOWN, lost: undefined });
      else if (record.infoHash !== infoHash) await this.#retire(infoHash);
    }
    for (const { path, infoHash, survey } of this.#records.all()) {
      if (!torrents.get(infoHash)) {
        await this.#records.delete(path);
        continue;
      }
      if (survey === undefined && (await publisher.claimsOf(infoHash))) await publisher.withdraw(infoHash);
      this.#follower.follow(path, survey);
    }
  }

  /** Shares a file or folder, or what it is now in the place of what it was; what is not claimed anew stays as it was. */
  async share(path: string, claims: Claims): Promise<SharedTorrent> {
    // Before anything is read.
    requireClaims(claims);
    const found = await stat(path).catch((cause) => {
      throw new MonsoonError('not-found', `There is no ${path}.`, cause);
    });
    if (found.isDirectory()) await requireApart(path, this.#settings.downloadDir());
    const made = await makeTorrent(path, { signal: this.#end.signal });
    const before = this.#records.get(path);
    const said = before && (await this.#claimsOf(before));
    const torrent = await this.#offer(path, made, requireClaims({ ...said, ...claims }));
    this.#follower.follow(path, made.survey);
    await torrent.announced;
    const { name, length: size, infoHash } = made.info;
    const trackers = this.#settings.trackersFor(infoHash).flat();
    const { leftOut, renamed } = made;
    const magnet = formatMagnet({ infoHash, name, trackers });
    return { infoHash, name, size, magnet, torrentFile: this.#torrentFileOf(infoHash), leftOut, renamed };
  }

  /** It is removed: its owner's changes are nobody's business any more. */
  async forget(infoHash: InfoHash): Promise<void> {
    for (const record of this.#records.all()) {
      if (record.infoHash !== infoHash) continue;
      this.#follower.leave(record.path);
      await this.#records.delete(record.path);
    }
  }

  async close(): Promise<void> {
    this.#end.abort(new MonsoonError('busy', 'the node stops'));
    await this.#follower.close();
  }

  async #renew(path: string): Promise<{ readonly survey: Survey } | 'left'> {
    const { torrents, log } = this.#settings;
    const record = this.#records.get(path);
    const torrent = record && torrents.get(record.infoHash);
    if (!torrent) return 'left';
    if ((await surveyShare(path)).survey === undefined) return this.#lose(record, torrent);
    const made = await makeTorrent(path, { signal: this.#end.signal });
    // Its user may have removed it meanwhile, or shared it again.
    if (this.#records.get(path) !== record) return this.#records.get(path) ?? 'left';
    const { isPaused, downMax, upMax } = torrent.orders;
    const renewed = await this.#offer(path, made, await this.#claimsOf(record));
    if (renewed !== torrent) await renewed.limit(downMax, upMax);
    if (isPaused) await renewed.pause();
    log.info('what is shared has changed', { path, infoHash: made.info.infoHash });
    return made;
  }

  /** Nothing is there any more: it is listed no more, and again once it is back. */
  async #lose(record: ShareRecord, torrent: Torrent): Promise<{ readonly survey: Survey }> {
    const { publisher, log } = this.#settings;
    const { path, infoHash } = record;
    const published = await publisher.claimsOf(infoHash);
    await this.#records.put({ ...record, survey: undefined, lost: record.lost ?? published });
    if (published) await publisher.withdraw(infoHash);
    log.info('what was shared is gone', { path, infoHash });
    // Finds nothing, and says so to whoever looks at it.
    if (!torrent.orders.isPaused && torrent.phase !== 'failed') await torrent.verify();
    return { survey: undefined };
  }

  /** Seeds and lists what was made, remembers it, and takes back what was shared from the same path before. */
  async #offer(path: string, made: MadeTorrent, claims: CheckedClaims | undefined): Promise<Torrent> {
    const { publisher, trackersFor } = this.#settings;
    const { info, sourcePaths, survey } = made;
    const { infoHash } = info;
    const trackers = trackersFor(infoHash);
    const directory = sourcePaths[0] === path ? dirname(path) : path;
    const torrent = await this.#seed(made, directory, trackers);
    const file = encodeMetainfo({ info: info.raw, trackers, createdBy: 'monsoon' });
    await writeFileAtomically(this.#torrentFileOf(infoHash), file);
    if (claims) await publisher.publish(info, claims);
    const before = this.#records.get(path);
    await this.#records.put({ path, infoHash, survey, lost: undefined });
    if (before && before.infoHash !== infoHash) await this.#retire(before.infoHash);
    return torrent;
  }

  async #seed({ info, sourcePaths }: MadeTorrent, directory: string, trackers: string[][]): Promise<Torrent> {
    const added = this.#settings.torrents.add({
      infoHash: info.infoHash,
      name: info.name,
      info,
      trackers,
      webSeeds: [],
      directory,
      sourcePaths,
      wishes: NO_WISHES,
      isWhole: true,
      addedSeconds: wallNow(),
      completedSeconds: wallNow(),
    });
    if (!added) throw new MonsoonError('refused', 'There are too many torrents already.');
    await added.started;
    if (added.host.phase === 'failed') {
      throw new MonsoonError('disk', added.host.figures().stalledBecause ?? `${info.name} cannot be shared.`);
    }
    return added.host;
  }

  /** Takes back what is shared from nowhere any more. */
  async #retire(infoHash: InfoHash): Promise<void> {
    const { torrents, publisher, remove } = this.#settings;
    if (this.#records.all().some((record) => record.infoHash === infoHash)) return;
    const torrent = torrents.get(infoHash);
    if (torrent) await remove(torrent);
    // Last, because what is removed is offered to nobody any more, and this is to be.
    if (await publisher.claimsOf(infoHash)) await publisher.withdraw(infoHash);
  }

  /** What is said of a share in the listing, or was when it was lost. */
  async #claimsOf({ infoHash, lost }: ShareRecord): Promise<CheckedClaims | undefined> {
    return lost ?? (await this.#settings.publisher.claimsOf(infoHash));
  }

  #torrentFileOf(infoHash: InfoHash): string {
    return join(this.#settings.torrentFiles, `${infoHash}.torrent`);
  }
}

function requireClaims(claims: Claims): CheckedClaims {
  const checked = parseClaims(claims);
  if (isFault(checked)) throw new MonsoonError('usage', `${checked.text}.`);
  return checked;
}

/** What was shared, by what the torrent says; undefined for what was fetched. */
function pathOf({ spec, info }: Torrent): string | undefined {
  const [first] = spec.sourcePaths;
  // A single file has its own name alone, one of a folder the folder's before it.
  return first !== undefined && info?.files[0]?.path.length !== 1 ? spec.directory : first;
}
