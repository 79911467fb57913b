/**
 * What is remembered of a torrent between runs. A snapshot holds everything; a journal says what happened since, in
 * 8-byte records that check themselves: a torn one is passed over, wherever it stands, and never misread. Invariants:
 * a piece counts as ours only when a snapshot or a `claimed` record after it says so; one that was only `touched`, or
 * claimed in a journal that does not name the snapshot, is checked again.
 */
import {
  type BencodeValue,
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
import { FILE_RULES_MAX, type FileRule, type Wishes } from './file-rules.ts';

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
  /** What its user wants of it. */
  readonly wishes: Wishes;
  /** Pieces claimed; empty while nobody looked: the metadata is not known, or the first check of the files is to come. */
  readonly have: Uint8Array;
  /** Modification time per file in ms when the snapshot was taken after a clean stop; empty otherwise. */
  readonly modifiedMs: readonly number[];
  readonly addedSeconds: number;
  readonly completedSeconds: number;
}

/** Kinds of journal records: two name a piece, `follows` the mark of the snapshot that the next records belong to. */
export const JOURNAL = { touched: 1, claimed: 2, follows: 3 } as const;
/** Kind, number, and three bytes that follow from both. */
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
    rules: snapshot.wishes.rules.map(({ files, priority }) => [priority, files]),
    sequential: snapshot.wishes.isSequential ? 1 : 0,
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
    wishes: { rules: rulesOf(decoded.get('rules')), isSequential: decoded.get('sequential') === 1 },
    have,
    modifiedMs: modified.map((ms) => (typeof ms === 'number' ? ms : 0)),
    addedSeconds: number('added'),
    completedSeconds: number('completed'),
  };
}

/** A snapshot without rules wants everything; a rule that cannot be read is left out. */
function rulesOf(value: BencodeValue | undefined): FileRule[] {
  const rules: FileRule[] = [];
  for (const item of Array.isArray(value) ? value.slice(0, FILE_RULES_MAX) : []) {
    const [priority, files] = Array.isArray(item) ? item : [];
    const isKnown = priority === 0 || priority === 1 || priority === 2 || priority === 3;
    if (isKnown && files instanceof Uint8Array) rules.push({ files: lossyTextOfUtf8(files), priority });
  }
  return rules;
}

/** Writes one journal record; `number` is a piece, or a snapshot's mark. */
export function encodeJournalRecord(
  kind: (typeof JOURNAL)[keyof typeof JOURNAL],
  number: number,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(JOURNAL_RECORD_BYTES);
  writeUint32(bytes, 4, checkOf(kind, number));
  bytes[0] = kind;
  writeUint32(bytes, 1, number);
  return bytes;
}

/**
 * 24 bits of a multiplicative hash. The last byte has its high bit set, which the first bytes of a record never have:
 * a torn record cannot be completed by the one behind it.
 */
function checkOf(kind: number, number: number): number {
  return (Math.imul(number ^ Math.imul(kind, 0x85ebca6b), 0x9e3779b1) >>> 8) | 0x80;
}

/**
 * What a snapshot and the journal say: pieces that are ours, and pieces to hash again. A journal that names another
 * snapshot is older (the stop came between writing the two), so that it tells where to look but not what is there.
 * @param mark names the snapshot
 */
export function replayJournal(
  pieceCount: number,
  have: Uint8Array,
  journal: Uint8Array,
  mark: number,
): { stored: Bitfield; suspect: Set<number> } {
  const stored = Bitfield.parse(have, pieceCount) ?? new Bitfield(pieceCount);
  const suspect = new Set<number>();
  let isOurs = false;
  for (const { kind, number } of journalRecords(journal)) {
    if (kind === JOURNAL.follows) {
      isOurs = number === mark;
    } else if (number >= pieceCount) {
    } else if (!isOurs) {
      if (!stored.has(number)) suspect.add(number);
    } else if (kind === JOURNAL.claimed) {
      stored.add(number);
      suspect.delete(number);
    } else {
      stored.remove(number);
      suspect.add(number);
    }
  }
  return { stored, suspect };
}

/** True when a journal follows the snapshot that `mark` names. */
export function isJournalOf(journal: Uint8Array, mark: number): boolean {
  for (const { kind, number } of journalRecords(journal)) if (kind === JOURNAL.follows && number === mark) return true;
  return false;
}

/** The whole records of a journal, wherever they stand. */
function* journalRecords(journal: Uint8Array): Iterable<{ kind: number; number: number }> {
  for (let at = 0; at + JOURNAL_RECORD_BYTES <= journal.length; ) {
    const kind = journal[at]!;
    const number = readUint32(journal, at + 1);
    const isWhole = kind >= JOURNAL.touched && kind <= JOURNAL.follows;
    if (isWhole && (readUint32(journal, at + 4) & 0xffffff) === checkOf(kind, number)) {
      yield { kind, number };
      at += JOURNAL_RECORD_BYTES;
    } else {
      at++;
    }
  }
}
