/**
 * Which entries are kept, which are believed and which one is shown. Entries are keyed by info hash and publisher,
 * so nobody can edit or withdraw what another node published.
 */
import { cleanText, type Fault, type InfoHash, type NodeId, publicFault, type WallSeconds } from '../base/index.ts';
import { type Entry, NAME_LENGTH_MAX } from './entry.ts';

/** What an entry is checked against: a parsed info dictionary (`TorrentInfo` fits). */
export interface ListedInfo {
  readonly infoHash: InfoHash;
  readonly name: string;
  readonly files: readonly { readonly length: number; readonly isPadding: boolean }[];
}

/** The part of an entry that follows from the info dictionary; publishers and verifiers both take it from here. */
export function factsOf(info: ListedInfo): Pick<Entry, 'infoHash' | 'name' | 'size' | 'files'> {
  let size = 0;
  let files = 0;
  for (const file of info.files) {
    if (file.isPadding) continue;
    size += file.length;
    files++;
  }
  return { infoHash: info.infoHash, name: cleanText(info.name, NAME_LENGTH_MAX) || '_', size, files };
}

/** True when the entry says what the metadata of its hash says; a fault means that the publisher lies: refuse it. */
export function verifiedBy(entry: Entry, info: ListedInfo): true | Fault<'entry-untrue'> {
  const facts = factsOf(info);
  for (const fact of ['infoHash', 'name', 'size', 'files'] as const) {
    if (entry[fact] !== facts[fact]) return publicFault('entry-untrue', `the entry's ${fact} is not the metadata's`);
  }
  return true;
}

/**
 * Whether an entry takes the place of the stored one with the same info hash and publisher: only a higher sequence
 * does. A withdrawn entry is replaced like any other and stays as a tombstone until then.
 */
export function isSuccessor(incoming: Pick<Entry, 'sequence'>, stored: Pick<Entry, 'sequence'> | undefined): boolean {
  return stored === undefined || incoming.sequence > stored.sequence;
}

/** What decides which of several publishers' entries for one hash is shown. */
export interface Candidate {
  readonly isVerified: boolean;
  readonly published: WallSeconds;
  readonly publisher: NodeId;
}

/** Sorts the entry to show to the front: verified before not, then oldest published, then by publisher. */
export function compareCandidates(a: Candidate, b: Candidate): number {
  if (a.isVerified !== b.isVerified) return a.isVerified ? -1 : 1;
  if (a.published !== b.published) return a.published - b.published;
  return a.publisher < b.publisher ? -1 : a.publisher > b.publisher ? 1 : 0;
}
