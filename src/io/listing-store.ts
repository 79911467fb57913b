/**
 * The listing as the rest of the node uses it: every call is answered by a worker thread, so that no query holds up
 * the event loop. Calls that change something are performed in order; one that only reads sees all that was answered
 * before it was made, and may overtake what was not. Time is the caller's argument.
 */
import type { Worker } from 'node:worker_threads';
import {
  assert,
  type InfoHash,
  MonsoonError,
  type MonsoonErrorCode,
  type NodeId,
  type WallSeconds,
} from '../base/index.ts';
import type { ListingAnswer, ListingQuery, ListingRow } from '../listing/index.ts';
import type { Arc } from '../ports/index.ts';
import type { ListingDatabase } from './listing-database.ts';
import type { HashCounts, ListingChanges, StoredItem } from './listing-rows.ts';
import { startWorker } from './worker.ts';

/** Calls that may wait for the worker; more are refused as `busy`. */
export const PENDING_CALLS_MAX = 10_000;
const INFO_BYTES_MAX_DEFAULT: number = 256 * 2 ** 20;

export interface ListingStoreOptions {
  /** Most entries kept, tombstones included; those worth least go first, pinned ones never. */
  readonly rowsMax: number;
  /** Most bytes of info dictionaries kept; 256 MiB when absent. */
  readonly infoBytesMax?: number;
  /** Told when a damaged file was set aside, and under which name. */
  readonly warn: (text: string) => void;
  /** Told when an empty listing took the place of a damaged one: what was in it is gone, the deny rules are not. */
  readonly renewed?: () => void;
}

/** Every method rejects with a MonsoonError: `disk` when the file fails, `busy` when too many calls wait. */
export interface ListingStore {
  /** Stores opened entries; resolves to how many changed what is stored, once they are on disk or its journal. */
  put(items: readonly StoredItem[]): Promise<number>;
  /** Notes what `source` counted at one time; older counts, and hashes of which nothing was counted, are ignored. */
  setCounts(counts: readonly HashCounts[], source: NodeId, at: WallSeconds): Promise<void>;
  get(infoHash: InfoHash, now: WallSeconds): Promise<ListingRow | undefined>;
  /** The sealed bytes of one publisher's entry, withdrawn or not: an edit needs its sequence. */
  getEntry(infoHash: InfoHash, publisher: NodeId): Promise<Uint8Array | undefined>;
  /** At most 20 rows whose hash starts with these 1–40 hex digits. */
  findByPrefix(prefix: string, now: WallSeconds): Promise<ListingRow[]>;
  /** At most 20 rows of exactly this name, letters in either case, newest first. */
  findByName(name: string, now: WallSeconds): Promise<ListingRow[]>;
  /** One row per torrent, and how many fit the question; limit and offset are bounded, not refused. */
  list(query: ListingQuery, now: WallSeconds): Promise<ListingAnswer>;
  /** How many torrents `list` shows, in one category or in all. */
  rowCount(category?: string): Promise<number>;
  /** Entries changed after a cursor, tombstones included, of some arcs or of all; '' starts from the beginning. */
  changesSince(cursor: string, limit: number, arcs?: readonly Arc[]): Promise<ListingChanges>;
  /** The newest and the best rows. */
  firstPage(limit: number): Promise<ListingChanges>;
  /** Lets entries of an arc count as changed: whoever asks by cursor hears of them again. */
  touch(arc: Arc): Promise<void>;
  /** Deny rules (deny-list.ts): what they name leaves the store and does not come back; our own stays. */
  deny(rules: string): Promise<void>;
  /** The sealed bytes of all pinned entries of a publisher. */
  ownEntries(publisher: NodeId): Promise<Uint8Array[]>;
  /** Keeps an info dictionary whose hash was checked; false when there is no room for it. */
  putInfo(infoHash: InfoHash, raw: Uint8Array): Promise<boolean>;
  /** Hashes of rows that `list` shows, of at most so many entries after a cursor of its own; '' begins, and comes at the end. */
  hashesAfter(cursor: string, limit: number): Promise<{ cursor: string; hashes: InfoHash[] }>;
  /** Hashes of some entries after a cursor of its own of which no info dictionary is kept; '' begins, and comes at the end. */
  infosMissing(cursor: string): Promise<{ cursor: string; hashes: InfoHash[] }>;
  /** The sealed bytes of all publishers' entries of a hash. */
  entriesOf(infoHash: InfoHash): Promise<Uint8Array[]>;
  /** Exact bytes of an info dictionary. */
  getInfo(infoHash: InfoHash): Promise<Uint8Array | undefined>;
  /** Answers what was asked before, then closes the file and ends the worker. */
  close(): Promise<void>;
}

type Method = keyof ListingDatabase;
/** What goes to the worker. */
export interface StoreCall {
  readonly id: number;
  readonly method: Method | 'open';
  readonly args: readonly unknown[];
}
/** What comes back: a warning that the listing begins anew, or the answer to the call with this id. */
export interface StoreReply {
  readonly id?: number;
  readonly value?: unknown;
  readonly failure?: { readonly code: MonsoonErrorCode | 'bug'; readonly message: string };
  readonly warning?: string;
}

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** The promise side of one worker. */
class WorkerCalls {
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  readonly #ended: Promise<void>;
  #calls = 0;
  /** Why no more calls are taken. */
  #closed: Error | undefined;

  constructor(workerData: unknown, { warn, renewed }: Pick<ListingStoreOptions, 'warn' | 'renewed'>) {
    this.#worker = startWorker('listing-worker', workerData);
    this.#worker.on('message', (reply: StoreReply) => {
      if (reply.warning === undefined) return this.#settle(reply);
      warn(reply.warning);
      renewed?.();
    });
    this.#worker.on('error', (error) => this.#fail(new MonsoonError('disk', 'the listing stopped: restart', error)));
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#ended = promise;
    this.#worker.on('exit', () => {
      this.#fail(new MonsoonError('disk', 'the listing is closed'));
      resolve();
    });
  }

  call<Result>(method: StoreCall['method'], ...args: readonly unknown[]): Promise<Result> {
    if (this.#closed) return Promise.reject(this.#closed);
    if (this.#pending.size >= PENDING_CALLS_MAX) {
      return Promise.reject(new MonsoonError('busy', 'the listing is behind with its work: try again later'));
    }
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    const id = ++this.#calls;
    this.#pending.set(id, { resolve: resolve as Pending['resolve'], reject });
    this.#worker.postMessage({ id, method, args } satisfies StoreCall);
    return promise;
  }

  async close(): Promise<void> {
    if (!this.#closed) {
      const answered = this.call<void>('close');
      this.#closed = new MonsoonError('disk', 'the listing is closed');
      await answered;
    }
    await this.#ended;
  }

  #settle({ id, value, failure }: StoreReply): void {
    const pending = this.#pending.get(id ?? -1);
    assert(pending, 'the listing worker answers each call once');
    this.#pending.delete(id!);
    if (!failure) pending.resolve(value);
    else if (failure.code === 'bug') pending.reject(new Error(failure.message));
    else pending.reject(new MonsoonError(failure.code, failure.message));
  }

  #fail(error: Error): void {
    this.#closed ??= error;
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }
}

/**
 * Opens the listing at a path, or in memory as `:memory:`, creating it when there is none. A damaged file is set
 * aside under a new name, which `warn` is told. Rejects with MonsoonError: `disk`, `busy` (another process has it
 * open) or `config` (written by a newer monsoon).
 */
export async function openListingStore(file: string, options: ListingStoreOptions): Promise<ListingStore> {
  const limits = { rowsMax: options.rowsMax, infoBytesMax: options.infoBytesMax ?? INFO_BYTES_MAX_DEFAULT };
  const calls = new WorkerCalls({ file, limits }, options);
  try {
    await calls.call('open');
  } catch (error) {
    await calls.close();
    throw error;
  }
  return {
    put: (items) => calls.call('put', items),
    setCounts: (counts, source, at) => calls.call('setCounts', counts, source, at),
    get: (infoHash, now) => calls.call('get', infoHash, now),
    getEntry: (infoHash, publisher) => calls.call('getEntry', infoHash, publisher),
    findByPrefix: (prefix, now) => calls.call('findByPrefix', prefix, now),
    findByName: (name, now) => calls.call('findByName', name, now),
    list: (query, now) => calls.call('list', query, now),
    rowCount: (category) => calls.call('rowCount', category),
    changesSince: (cursor, limit, arcs) => calls.call('changesSince', cursor, limit, arcs),
    firstPage: (limit) => calls.call('firstPage', limit),
    touch: (arc) => calls.call('touch', arc),
    deny: (rules) => calls.call('deny', rules),
    ownEntries: (publisher) => calls.call('ownEntries', publisher),
    putInfo: (infoHash, raw) => calls.call('putInfo', infoHash, raw),
    hashesAfter: (cursor, limit) => calls.call('hashesAfter', cursor, limit),
    infosMissing: (cursor) => calls.call('infosMissing', cursor),
    entriesOf: (infoHash) => calls.call('entriesOf', infoHash),
    getInfo: (infoHash) => calls.call('getInfo', infoHash),
    close: () => calls.close(),
  };
}
