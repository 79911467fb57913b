/**
 * What this node says in the listing under its own key: entries are sealed here, kept pinned, edited and withdrawn by
 * a higher sequence, and handed to the sync that carries them to the owners of their hashes.
 */
import { type InfoHash, isFault, MonsoonError, type WallSeconds } from '../../src/base/index.ts';
import { wallNow } from '../../src/io/alarm-clock.ts';
import type { Identity } from '../../src/io/identity.ts';
import { verify } from '../../src/io/identity.ts';
import type { ListingStore } from '../../src/io/index.ts';
import {
  type CheckedClaims,
  type Entry,
  factsOf,
  type ListedInfo,
  openEntry,
  parseClaims,
  sealEntry,
} from '../../src/listing/index.ts';
import type { Claims } from '../running-node.ts';
import type { LanNews } from './lan-news.ts';
import type { ListingSync } from './listing-sync.ts';

/** Metadata that an entry follows from, with its exact bytes. */
export type PublishedInfo = ListedInfo & { readonly raw: Uint8Array };

export interface PublisherSettings {
  readonly identity: Identity;
  readonly store: ListingStore;
  readonly sync: Pick<ListingSync, 'add' | 'publish'>;
  readonly news: Pick<LanNews, 'add'>;
}

export class Publisher {
  readonly #settings: PublisherSettings;

  constructor(settings: PublisherSettings) {
    this.#settings = settings;
  }

  /** Offers what was published before once more: what is still here, and what was withdrawn. */
  async recall(isHere: (infoHash: InfoHash) => boolean): Promise<void> {
    const { store, identity, sync } = this.#settings;
    for (const bytes of await store.ownEntries(identity.nodeId)) {
      const entry = openEntry(bytes, verify, wallNow());
      if (isFault(entry) || !(entry.isWithdrawn || isHere(entry.infoHash))) continue;
      const info = entry.isWithdrawn ? undefined : await store.getInfo(entry.infoHash);
      sync.add({ infoHash: entry.infoHash, entry: bytes, ...(info && { info }) });
    }
  }

  /** What we say of a torrent; undefined where we say nothing, or nothing any more. */
  async claimsOf(infoHash: InfoHash): Promise<CheckedClaims | undefined> {
    const entry = await this.#ownEntry(infoHash);
    if (!entry || entry.isWithdrawn) return undefined;
    const { category, tags, description } = entry;
    return { category, tags, description };
  }

  /** Publishes an entry, or a new one in the place of ours. */
  async publish(info: PublishedInfo, claims: CheckedClaims): Promise<void> {
    const before = await this.#ownEntry(info.infoHash);
    await this.#settings.store.putInfo(info.infoHash, info.raw);
    await this.#seal({ ...factsOf(info), ...claims, isWithdrawn: false }, before, info.raw);
  }

  /** Changes what we say of a torrent; what the new claims leave out stays. */
  async edit(infoHash: InfoHash, claims: Claims): Promise<void> {
    const before = await this.#ownEntry(infoHash);
    if (!before || before.isWithdrawn) throw notOurs(infoHash, 'edit');
    const { category, tags, description } = before;
    const checked = parseClaims({ category, tags, description, ...claims });
    if (isFault(checked)) throw new MonsoonError('usage', `${checked.text}.`);
    const info = await this.#settings.store.getInfo(infoHash);
    await this.#seal({ ...before, ...checked }, before, info);
  }

  /** Takes our entry back: it goes from every list, and a tombstone remains. */
  async withdraw(infoHash: InfoHash): Promise<void> {
    const before = await this.#ownEntry(infoHash);
    if (!before || before.isWithdrawn) throw notOurs(infoHash, 'withdraw');
    const nothing = { name: '', size: 0, files: 0, tags: [], description: '' };
    await this.#seal({ ...before, ...nothing, isWithdrawn: true }, before, undefined);
  }

  async #ownEntry(infoHash: InfoHash): Promise<Entry | undefined> {
    const { store, identity } = this.#settings;
    const bytes = await store.getEntry(infoHash, identity.nodeId);
    const entry = bytes && openEntry(bytes, verify, FAR_FUTURE);
    return isFault(entry) ? undefined : entry;
  }

  async #seal(
    said: Omit<Entry, 'publisher' | 'sequence' | 'published'>,
    before: Entry | undefined,
    info: Uint8Array | undefined,
  ): Promise<void> {
    const { store, identity, sync, news } = this.#settings;
    const at = wallNow();
    const sequence = Math.max(at, (before?.sequence ?? 0) + 1);
    // An edit does not make old things new.
    const published = before && !before.isWithdrawn && before.published < at ? before.published : at;
    const bytes = sealEntry({ ...said, publisher: identity.nodeId, sequence, published }, identity.sign);
    const entry = openEntry(bytes, verify, at);
    if (isFault(entry)) throw new MonsoonError('refused', `The entry cannot be published: ${entry.text}.`);
    await store.put([{ entry, bytes, isVerified: !said.isWithdrawn, isPinned: true }]);
    news.add(bytes);
    await sync.publish({ infoHash: said.infoHash, entry: bytes, ...(info && { info }) });
  }
}

/** Our own entry may be from before the clock was set back. */
const FAR_FUTURE = Number.MAX_SAFE_INTEGER as WallSeconds;

function notOurs(infoHash: InfoHash, verb: string): MonsoonError {
  return new MonsoonError(
    'not-found',
    `This node lists nothing of its own as ${infoHash}, so there is nothing to ${verb}.`,
  );
}
