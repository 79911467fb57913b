/**
 * Gets the metadata of hashes that this supernode keeps and has none of, from those that keep them with it: after a
 * range came to it, it serves what its former owner served. What comes has the hash, or is thrown away.
 */
import { type InfoHash, isFault, nodeOrigin } from '../../src/base/index.ts';
import { now, wallNow } from '../../src/io/alarm-clock.ts';
import type { HttpClient } from '../../src/io/http-client.ts';
import { verify } from '../../src/io/identity.ts';
import type { ListingStore, StoredItem } from '../../src/io/index.ts';
import { readInfo } from '../../src/io/read-info.ts';
import { INFO_BYTES_MAX, openEntry, verifiedBy } from '../../src/listing/index.ts';
import type { Membership } from '../overlay/membership.ts';

const TIMEOUT_MS = 10_000;
/** How long it rests where nothing was missing and nothing changed. */
const REST_MS = 60_000;
/** Hashes asked for in one round. */
const FETCHED_MAX = 20;

export interface MetadataFillSettings {
  readonly store: ListingStore;
  readonly membership: Membership;
  readonly http: HttpClient;
}

export class MetadataFill {
  readonly #settings: MetadataFillSettings;
  /** How far through the entries it has looked. */
  #cursor = '';
  /** It has been through all entries since, and nothing was missing that somebody else may have. */
  #isWhole = false;
  #restsUntil = 0;

  constructor(settings: MetadataFillSettings) {
    this.#settings = settings;
  }

  /** There are other entries than before, or other supernodes. */
  reconsider(): void {
    this.#isWhole = false;
    this.#restsUntil = 0;
  }

  /** Looks at some more entries, and asks for what is missing of those that are ours to keep. */
  async round(signal: AbortSignal): Promise<void> {
    const { store, membership } = this.#settings;
    if (membership.ownArcs().length === 0 || membership.isAlone || now() < this.#restsUntil) return;
    if (this.#cursor === '') this.#isWhole = true;
    const { cursor, hashes } = await store.infosMissing(this.#cursor);
    const ours = hashes.filter((infoHash) => membership.ownership.roleOf(infoHash) !== undefined);
    if (ours.length > 0) this.#isWhole = false;
    if (cursor === '' && this.#isWhole) this.#restsUntil = now() + REST_MS;
    // What is not asked for now is found again when the cursor has been through.
    this.#cursor = cursor;
    for (const infoHash of ours.slice(0, FETCHED_MAX)) {
      if (signal.aborted) return;
      await this.#fetch(infoHash, signal);
    }
  }

  async #fetch(infoHash: InfoHash, signal: AbortSignal): Promise<void> {
    const { store, membership, http } = this.#settings;
    for (const keeper of membership.ownersOf(infoHash)) {
      if (membership.isSelf(keeper.nodeId)) continue;
      const path = `/metadata/${infoHash}`;
      const limits = { timeoutMs: TIMEOUT_MS, bytesMax: INFO_BYTES_MAX, signal };
      const reply = await http.request({ origin: nodeOrigin(keeper), method: 'GET', path, ...limits });
      if (isFault(reply) || reply.status !== 200) continue;
      const info = await readInfo(reply.body);
      if (isFault(info) || info.infoHash !== infoHash) continue;
      await store.putInfo(infoHash, reply.body);
      const entries = (await store.entriesOf(infoHash)).flatMap((bytes): StoredItem[] => {
        const entry = openEntry(bytes, verify, wallNow());
        const isTrue = !isFault(entry) && !entry.isWithdrawn && verifiedBy(entry, info) === true;
        return isTrue ? [{ entry, bytes, isVerified: true, isPinned: false }] : [];
      });
      await store.put(entries);
      return;
    }
  }
}
