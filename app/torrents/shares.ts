/**
 * What this node's user shares in place: made into torrents, seeded and listed, and made anew as it changes. Invariants: the
 * new torrent is seeded and listed before the old one is taken back; what its user took off the list is put on it by no
 * change; nothing is taken back that was not shared from that path. One offer at a time: what it builds on stays.
 */
import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type InfoHash, isFault, MonsoonError } from '../../src/base/index.ts';
import { type AlarmClock, wallNow } from '../../src/io/alarm-clock.ts';
import { writeFileAtomically } from '../../src/io/atomic-file.ts';
import { type MadeTorrent, makeTorrent } from '../../src/io/index.ts';
import { ShareFollower } from '../../src/io/share-follower.ts';
import type { Torrent } from '../../src/io/torrent.ts';
import type { TorrentSpec } from '../../src/io/torrent-spec.ts';
import type { Torrents } from '../../src/io/torrents.ts';
import { type CheckedClaims, parseClaims } from '../../src/listing/index.ts';
import {
  encodeMetainfo,
  formatMagnet,
  NO_ORDERS,
  NO_WISHES,
  type Survey,
  type UserOrders,
} from '../../src/torrent/index.ts';
import type { Publisher } from '../listing/publisher.ts';
import type { Log } from '../log.ts';
import type { Claims, SharedTorrent } from '../running-node.ts';
import { holds, realPathOf, requireApart } from './share-folder.ts';
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
  readonly discard: (torrent: Torrent) => Promise<void>;
}

/** What takes the place of what was shared from a path before, if anything was. */
interface Offer {
  readonly path: string;
  readonly realPath: string;
  readonly made: MadeTorrent;
  /** Undefined is listed nowhere. */
  readonly claims: CheckedClaims | undefined;
  readonly orders: UserOrders;
  readonly before: ShareRecord | undefined;
  /** Nobody asked for it: what was paused stays so. */
  readonly isKept: boolean;
}

export class Shares {
  readonly #settings: SharesSettings;
  readonly #records: ShareRecords;
  readonly #follower: ShareFollower;
  readonly #end = new AbortController();
  #turn: Promise<unknown> = Promise.resolve();

  constructor(settings: SharesSettings) {
    const { alarms, log } = settings;
    this.#settings = settings;
    this.#records = new ShareRecords(settings.directory);
    this.#follower = new ShareFollower({
      alarms,
      log: (text) => log.warn(text),
      renew: (...found) => this.#renew(...found),
    });
  }

  /** Goes on with what was shared: looks for what changed meanwhile, and ends what a stop interrupted. */
  async recall(): Promise<void> {
    const { torrents, log } = this.#settings;
    await this.#records.load((path) => log.warn('the record of a share was damaged', { setAside: path }));
    for (const torrent of torrents.all().toSorted((a, b) => b.spec.addedSeconds - a.spec.addedSeconds)) {
      const path = pathOf(torrent);
      if (path === undefined || this.#records.get(path)) continue;
      const { infoHash } = torrent.spec;
      const realPath = await realPathOf(path);
      await this.#contained(path, this.#records.put({ ...NEW_RECORD, path, realPath, infoHash, survey: UNKNOWN }));
    }
    for (const record of this.#records.all()) await this.#contained(record.path, this.#recallOne(record));
  }

  /** Shares a file or folder, or what it is now in the place of what it was; what is not claimed anew stays as it was. */
  async share(path: string, claims: Claims): Promise<SharedTorrent> {
    // Before anything is read.
    requireClaims(claims);
    const { made, realPath } = await this.#make(path, this.#end.signal);
    const torrent = await this.#inTurn(async () => {
      const before = this.#records.get(path);
      const said = before && (await this.#claimsOf(before));
      const orders = limitsOf(before && this.#torrentOf(before));
      const checked = requireClaims({ ...said, ...claims });
      const offered = await this.#offer({ path, realPath, made, claims: checked, orders, before, isKept: false });
      if (this.#records.get(path)?.survey === made.survey) this.#follower.follow(path, made.survey);
      return offered;
    });
    if (!torrent) throw new MonsoonError('refused', `${path} was removed while it was shared.`);
    await torrent.announced;
    const { name, length: size, infoHash } = made.info;
    const trackers = this.#settings.trackersFor(infoHash).flat();
    const { leftOut, renamed } = made;
    const magnet = formatMagnet({ infoHash, name, trackers });
    return { infoHash, name, size, magnet, torrentFile: this.#torrentFileOf(infoHash), leftOut, renamed };
  }

  /** It is removed by its user: what happens at its path is nobody's business any more. Begins at once. */
  async forget(infoHash: InfoHash): Promise<void> {
    const forgotten = this.#records.all().filter((record) => record.infoHash === infoHash);
    await Promise.all(forgotten.map(({ path }) => this.#forgetPath(path)));
  }

  /** It is not to be listed again when it is back; returns whether it was gone. */
  async unlist(infoHash: InfoHash): Promise<boolean> {
    const lost = (): ShareRecord[] => this.#records.all().filter((each) => each.infoHash === infoHash && each.lost);
    if (lost().length === 0) return false;
    return this.#inTurn(async () => {
      const records = lost();
      for (const record of records) await this.#records.put({ ...record, lost: undefined });
      return records.length > 0;
    });
  }

  /** Why what is at its path now is not shared, for the user; undefined where it is, or nothing was shared. */
  problemOf(torrent: Torrent): string | undefined {
    const path = pathOf(torrent);
    const record = path === undefined ? undefined : this.#records.get(path);
    if (!record || record.infoHash !== torrent.spec.infoHash) return undefined;
    const problem = this.#follower.problemOf(record.path);
    if (problem !== undefined) return `what is there now is not shared yet: ${problem}`;
    return record.survey === undefined ? `there is nothing to share at ${path} any more` : undefined;
  }

  /** Rejects with a MonsoonError (`refused`) where what is put into a folder would be shared as it comes. */
  async requireOutside(directory: string): Promise<void> {
    const real = await realPathOf(directory);
    const outer = this.#records.all().find(({ realPath }) => holds(realPath, real));
    if (!outer) return;
    const text = `${directory} lies in ${outer.path}, which is shared as it changes. Choose another folder.`;
    throw new MonsoonError('refused', text);
  }

  /** Ends what is under way; resolves when nothing is. */
  async close(): Promise<void> {
    this.#end.abort(new MonsoonError('busy', 'the node stops'));
    await this.#follower.close();
  }

  async #recallOne(record: ShareRecord): Promise<void> {
    const { publisher } = this.#settings;
    const { path, infoHash, survey, replaces } = record;
    for (const old of replaces) await this.#retire(path, old);
    if (replaces.length > 0) await this.#records.put({ ...record, replaces: [] });
    if (!this.#torrentOf(record)) return this.#forgetPath(path);
    if (survey === undefined && (await publisher.claimsOf(infoHash))) await publisher.withdraw(infoHash);
    this.#follower.follow(path, survey);
  }

  async #renew(path: string, survey: Survey, signal: AbortSignal): Promise<{ readonly survey: Survey } | 'left'> {
    const record = this.#records.get(path);
    const torrent = record && this.#torrentOf(record);
    if (!torrent) {
      await this.#forgetPath(path);
      return 'left';
    }
    if (survey === undefined) return this.#inTurn(() => this.#lose(record));
    const way = await realPathOf(path);
    if (way !== record.realPath) {
      // What was shared is not there any more; what is may be somebody else's choice.
      if (record.survey !== undefined) await this.#inTurn(() => this.#lose(record));
      throw new MonsoonError('refused', `it leads to ${way} now; share it again if that is meant`);
    }
    const { made, realPath } = await this.#make(path, signal);
    if (realPath !== way || made.survey !== survey) throw new MonsoonError('busy', 'it changed while it was read');
    return this.#inTurn(async () => {
      // Its user may have removed it meanwhile, or shared it again.
      if (this.#records.get(path) !== record) return this.#records.get(path) ?? 'left';
      const claims = await this.#claimsOf(record);
      const offer = { path, realPath, made, claims, orders: limitsOf(torrent), before: record, isKept: true };
      if (!(await this.#offer(offer))) return 'left';
      this.#settings.log.info('what is shared has changed', { path, infoHash: made.info.infoHash });
      return made;
    });
  }

  /** Reads what lies at a path, and where that is; rejects with a MonsoonError where it may not be shared. */
  async #make(path: string, signal: AbortSignal): Promise<{ readonly made: MadeTorrent; readonly realPath: string }> {
    const found = await stat(path).catch((cause) => {
      throw new MonsoonError('not-found', `There is no ${path}.`, cause);
    });
    if (found.isDirectory()) await requireApart(path, this.#settings.downloadDir());
    const realPath = await realPathOf(path);
    const made = await makeTorrent(path, { signal });
    if ((await realPathOf(path)) !== realPath) throw new MonsoonError('busy', `${path} changed while it was read`);
    return { made, realPath };
  }

  /** Nothing is there any more: it is listed no more, and again once it is back. */
  async #lose(record: ShareRecord): Promise<{ readonly survey: Survey } | 'left'> {
    const { publisher, log } = this.#settings;
    const { path, infoHash } = record;
    if (this.#records.get(path) !== record) return this.#records.get(path) ?? 'left';
    const published = await publisher.claimsOf(infoHash);
    await this.#records.put({ ...record, survey: undefined, lost: record.lost ?? published });
    if (published) await publisher.withdraw(infoHash);
    log.info('what was shared is gone', { path, infoHash });
    const torrent = this.#torrentOf(record);
    // Finds nothing, and says so to whoever looks at it; its turn may be far off.
    if (torrent && !torrent.orders.isPaused && torrent.phase !== 'failed') {
      torrent.verify().catch((error) => log.warn('what is gone could not be checked', { path, because: `${error}` }));
    }
    return { survey: undefined };
  }

  /**
   * Seeds and lists what was made, remembers it, and takes back what was shared from the same path before; undefined when
   * its user removed that meanwhile, and none of it is kept.
   */
  async #offer({ path, realPath, made, claims, orders, before, isKept }: Offer): Promise<Torrent | undefined> {
    const { publisher, trackersFor } = this.#settings;
    const { infoHash, raw } = made.info;
    const trackers = trackersFor(infoHash);
    const torrent = await this.#seed(path, made, trackers, orders);
    if (isKept && before && this.#torrentOf(before)?.orders.isPaused) await torrent.pause();
    const file = encodeMetainfo({ info: raw, trackers, createdBy: 'monsoon' });
    await writeFileAtomically(this.#torrentFileOf(infoHash), file);
    if (claims) await publisher.publish(made.info, claims);
    if (this.#records.get(path) !== before) {
      await this.#retire(path, infoHash);
      return undefined;
    }
    const replaces = [...(before?.replaces ?? []), ...(before ? [before.infoHash] : [])];
    const old = replaces.filter((each) => each !== infoHash);
    // What is here for another reason, such as a download, follows nobody's changes.
    const record = { path, realPath, infoHash, survey: made.survey, lost: undefined, replaces: old };
    if (pathOf(torrent) === path) await this.#records.put(record);
    else if (before) await this.#forgetPath(path);
    if (isKept && before && claims) await this.#followOrders(before, infoHash);
    for (const each of old) await this.#retire(path, each);
    if (old.length > 0 && this.#records.get(path) === record) await this.#records.put({ ...record, replaces: [] });
    return torrent;
  }

  /** What its user said of the old one while the new one was made. */
  async #followOrders({ infoHash: old, lost }: ShareRecord, infoHash: InfoHash): Promise<void> {
    const { publisher, torrents } = this.#settings;
    if (old === infoHash) return;
    if (!lost && !(await publisher.claimsOf(old))) await publisher.withdraw(infoHash);
    const torrent = torrents.get(infoHash);
    if (torrents.get(old)?.orders.isPaused && torrent && !torrent.orders.isPaused) await torrent.pause();
  }

  async #seed(path: string, made: MadeTorrent, trackers: string[][], orders: UserOrders): Promise<Torrent> {
    this.#end.signal.throwIfAborted();
    const { info, sourcePaths } = made;
    const spec = {
      infoHash: info.infoHash,
      name: info.name,
      info,
      trackers,
      webSeeds: [],
      directory: sourcePaths[0] === path ? dirname(path) : path,
      sourcePaths,
      wishes: NO_WISHES,
      isWhole: true,
      addedSeconds: wallNow(),
      completedSeconds: wallNow(),
    };
    // The second time for one that was held already and fails at what was there before: it begins anew then.
    let torrent = await this.#started(spec, orders);
    if (torrent.phase === 'failed') torrent = await this.#started(spec, orders);
    if (torrent.phase !== 'failed') return torrent;
    throw new MonsoonError('disk', torrent.figures().stalledBecause ?? `${info.name} cannot be shared.`);
  }

  async #started(spec: TorrentSpec, orders: UserOrders): Promise<Torrent> {
    const added = this.#settings.torrents.add(spec, orders);
    if (!added) throw new MonsoonError('refused', 'There are too many torrents already.');
    await added.started;
    return added.host;
  }

  /** Takes back what was shared from a path, if it still is. */
  async #retire(path: string, infoHash: InfoHash): Promise<void> {
    const { torrents, publisher, discard } = this.#settings;
    if (this.#records.all().some((record) => record.infoHash === infoHash)) return;
    const torrent = torrents.get(infoHash);
    if (torrent && pathOf(torrent) !== path) return;
    if (torrent) await discard(torrent);
    // Last, because what is removed is offered to nobody any more, and this is to be.
    if (await publisher.claimsOf(infoHash)) await publisher.withdraw(infoHash);
  }

  async #forgetPath(path: string): Promise<void> {
    this.#follower.leave(path);
    await this.#records.delete(path);
  }

  /** The torrent of a record, where it is that and no download of the same hash. */
  #torrentOf({ path, infoHash }: ShareRecord): Torrent | undefined {
    const torrent = this.#settings.torrents.get(infoHash);
    return torrent && pathOf(torrent) === path ? torrent : undefined;
  }

  /** What is said of a share in the listing, or was when it was lost. */
  async #claimsOf({ infoHash, lost }: ShareRecord): Promise<CheckedClaims | undefined> {
    return lost ?? (await this.#settings.publisher.claimsOf(infoHash));
  }

  /** What fails for one share leaves the others and the node alone. */
  async #contained(path: string, work: Promise<void>): Promise<void> {
    await work.catch((error) => this.#settings.log.warn('a share is not followed', { path, because: `${error}` }));
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const done = this.#turn.then(work, work);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  #torrentFileOf(infoHash: InfoHash): string {
    return join(this.#settings.torrentFiles, `${infoHash}.torrent`);
  }
}

const NEW_RECORD = { lost: undefined, replaces: [] } as const;

/** What its user ordered that holds for what takes its place. */
function limitsOf(torrent: Torrent | undefined): UserOrders {
  const { downMax, upMax } = torrent?.orders ?? NO_ORDERS;
  return downMax === null && upMax === null ? NO_ORDERS : { ...NO_ORDERS, downMax, upMax };
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
