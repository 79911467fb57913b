/**
 * A hash that is asked for more than one supernode should bear cannot be cut like a range: its owner has it answered by
 * the 2^level members that follow its place, each of which serves whoever comes. It counts while its signer owns the
 * hash, and a short time only.
 *
 * Sealed by the owner under `widening-1`: `h` the hash (20 bytes), `k` the owner, `l` level 1–8, `n` the network's name,
 * `q` sequence, `x` expires, seconds since 1970.
 */
import {
  bytesOfHex,
  type Fault,
  type InfoHash,
  infoHashOfBytes,
  isFault,
  type NodeId,
  openRecord,
  publicFault,
  type RecordFault,
  type Sign,
  sealRecord,
  textOfUtf8,
  type Verify,
  type WallSeconds,
  wallSeconds,
} from '../base/index.ts';
import { SEQUENCE_MAX } from './descriptor.ts';

const WIDENING_CONTEXT = 'widening-1';
/** How long one counts; it is renewed while the hash is hot. */
export const WIDENING_SECONDS = 600;
/** 256 members. */
export const LEVEL_MAX = 8;

export interface WideningTerms {
  readonly network: string;
  readonly infoHash: InfoHash;
  readonly owner: NodeId;
  readonly level: number;
  readonly sequence: number;
  readonly expires: WallSeconds;
}

export interface Widening extends WideningTerms {
  readonly record: Uint8Array;
}

export type WideningFault = RecordFault | Fault<'widening-malformed' | 'widening-other-network' | 'widening-expired'>;

export function sealWidening(terms: WideningTerms, sign: Sign): Widening {
  const { network, infoHash, owner, level, sequence, expires } = terms;
  const body = { h: bytesOfHex(infoHash), l: level, n: network, q: sequence, x: expires };
  return { ...terms, record: sealRecord(WIDENING_CONTEXT, body, owner, sign) };
}

/** Opens a widening from outside; whether its signer owns the hash is the ring's to say. */
export function openWidening(
  record: Uint8Array,
  { network, verify }: { readonly network: string; readonly verify: Verify },
  wallNow: WallSeconds,
): Widening | WideningFault {
  const opened = openRecord(WIDENING_CONTEXT, record, verify);
  if (isFault(opened)) return opened;
  const { body, signer: owner } = opened;
  const [hash, level, name, sequence, expires] = ['h', 'l', 'n', 'q', 'x'].map((key) => body.get(key));
  const infoHash = hash instanceof Uint8Array ? infoHashOfBytes(hash) : undefined;
  if (!(name instanceof Uint8Array) || !infoHash) return malformed();
  if (textOfUtf8(name) !== network) return publicFault('widening-other-network', 'the widening is of another network');
  if (typeof level !== 'number' || level < 1 || level > LEVEL_MAX) return malformed();
  if (typeof sequence !== 'number' || sequence < 1 || sequence > SEQUENCE_MAX || typeof expires !== 'number')
    return malformed();
  if (expires <= wallNow || expires > wallNow + 2 * WIDENING_SECONDS) {
    return publicFault('widening-expired', 'the widening has expired, or lasts too long');
  }
  return { network, infoHash, owner, level, sequence, expires: wallSeconds(expires), record: record.slice() };
}

function malformed(): Fault<'widening-malformed'> {
  return publicFault('widening-malformed', 'the widening lacks something, or it is out of bounds');
}
