/**
 * What is remembered of a torrent between runs. A snapshot holds everything; a journal says what happened since, in
 * 8-byte records that check themselves: a torn one is passed over, wherever it stands, and never misread. Invariant: a
 * piece counts as ours only when its `claimed` record was written after its data; one that was only `touched` is
 * checked again.
 */
import {
  decodeBencode,
  encodeBencode,
  type Fault,
  fault,
  lossyTextOfUtf8,
  readUint32,
  textOfUtf8,
  writeUint32,
} from '../base/index.ts';
import { Bitfield } from './bitfield.ts';

/** Everything needed to go on with a torrent. */
export interface Snapshot {
  /** The .torrent file's bytes; undefined while only a magnet is known. */
  readonly metainfo: Uint8Array | undefined;
  /** Trackers and name for a torrent whose metadata is not known yet. */
  readonly magnet: string;
  /** Absolute folder that the torrent's files are in. */
  readonly directory: string;
  /** Absolute path per file where content is shared in place; empty when files lie under `directory`. */
  readonly sourcePaths: readonly string[];
  /** Pieces claimed; empty when the metadata is not known. */
  readonly have: Uint8Array;
  /** Modification time per file in ms when the snapshot was taken after a clean stop; empty otherwise. */
  readonly modifiedMs: readonly number[];
  readonly addedSeconds: number;
  readonly completedSeconds: number;
}

/** Kinds of journal records. */
export const JOURNAL = { touched: 1, claimed: 2 } as const;
/** Kind, piece index, and three bytes that follow from both. */
export const JOURNAL_RECORD_BYTES = 8;

/** Writes a snapshot. */
export function encodeSnapshot(snapshot: Snapshot): Uint8Array<ArrayBuffer> {
  return encodeBencode({
    added: snapshot.addedSeconds,
    completed: snapshot.completedSeconds,
    directory: snapshot.directory,
    have: snapshot.have,
    magnet: snapshot.magnet,
    metainfo: snapshot.metainfo,
    modified: snapshot.modifiedMs,
    sources: snapshot.sourcePaths,
  });
}

/** Reads a snapshot; a damaged one is a fault, never a guess. */
export function parseSnapshot(bytes: Uint8Array): Snapshot | Fault<'snapshot-damaged'> {
  const decoded = decodeBencode(bytes);
  if (!(decoded instanceof Map)) return fault('snapshot-damaged', 'the resume file is not bencoded');
  const text = (key: string): string | undefined => {
    const value = decoded.get(key);
    return value instanceof Uint8Array ? textOfUtf8(value) : undefined;
  };
  const number = (key: string): number => {
    const value = decoded.get(key);
    return typeof value === 'number' ? value : 0;
  };
  const metainfo = decoded.get('metainfo');
  const have = decoded.get('have');
  const sources = decoded.get('sources');
  const modified = decoded.get('modified');
  const directory = text('directory');
  if (directory === undefined || !(have instanceof Uint8Array) || !Array.isArray(sources) || !Array.isArray(modified)) {
    return fault('snapshot-damaged', 'the resume file lacks a member');
  }
  return {
    metainfo: metainfo instanceof Uint8Array ? metainfo : undefined,
    magnet: text('magnet') ?? '',
    directory,
    sourcePaths: sources.map((path) => (path instanceof Uint8Array ? lossyTextOfUtf8(path) : '')),
    have,
    modifiedMs: modified.map((ms) => (typeof ms === 'number' ? ms : 0)),
    addedSeconds: number('added'),
    completedSeconds: number('completed'),
  };
}

/** Writes one journal record. */
export function encodeJournalRecord(
  kind: (typeof JOURNAL)[keyof typeof JOURNAL],
  piece: number,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(JOURNAL_RECORD_BYTES);
  writeUint32(bytes, 4, checkOf(kind, piece));
  bytes[0] = kind;
  writeUint32(bytes, 1, piece);
  return bytes;
}

/**
 * 24 bits of a multiplicative hash. The last byte has its high bit set, which the first bytes of a record never have:
 * a torn record cannot be completed by the one behind it.
 */
function checkOf(kind: number, piece: number): number {
  return (Math.imul(piece ^ Math.imul(kind, 0x85ebca6b), 0x9e3779b1) >>> 8) | 0x80;
}

/** What a snapshot and the journal since it say: pieces that are ours, and pieces to hash again. */
export function replayJournal(
  pieceCount: number,
  have: Uint8Array,
  journal: Uint8Array,
): { stored: Bitfield; suspect: Set<number> } {
  const stored = Bitfield.parse(have, pieceCount) ?? new Bitfield(pieceCount);
  const suspect = new Set<number>();
  for (let at = 0; at + JOURNAL_RECORD_BYTES <= journal.length; ) {
    const kind = journal[at]!;
    const piece = readUint32(journal, at + 1);
    if (piece >= pieceCount || (readUint32(journal, at + 4) & 0xffffff) !== checkOf(kind, piece)) {
      at++;
      continue;
    }
    at += JOURNAL_RECORD_BYTES;
    if (kind === JOURNAL.touched) {
      stored.remove(piece);
      suspect.add(piece);
    } else if (kind === JOURNAL.claimed) {
      stored.add(piece);
      suspect.delete(piece);
    }
  }
  return { stored, suspect };
}
