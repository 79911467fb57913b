/**
 * What a TXT record of a zone says about a network: its name and some of its supernodes' descriptors, which prove
 * themselves, so that DNS need not be believed. One text of printable ASCII and no word that a user wrote:
 *
 *   v=monsoon1 n=NETWORK d=DESCRIPTORS
 *
 * Words are parted by one space each and come in any order after the first; unknown ones are ignored. DESCRIPTORS is
 * base64url without padding (RFC 4648) of sealed descriptors, two bytes of length before each; absent where there are
 * none. A text of over 255 bytes is cut into the record's character strings, which readers join again (RFC 1035).
 */
import { NETWORK_NAME } from '../../config/index.ts';
import {
  base64url,
  bytesOfBase64url,
  concatBytes,
  type Fault,
  publicFault,
  RECORD_BYTES_MAX,
  readUint16,
} from '../base/index.ts';

/** The first word of a text of ours; names with other TXT records have texts that begin otherwise. */
const VERSION = 'v=monsoon1';
/** Descriptors in one text. */
export const ZONE_TEXT_RECORDS_MAX = 16;
/** Longest text that is read: that many descriptors, and some words that we do not know. */
export const ZONE_TEXT_LENGTH_MAX = 24_576;
const LENGTH_BYTES = 2;

/** A network, and sealed descriptors of some of its supernodes; nothing is proven before they are opened. */
export interface ZoneText {
  readonly network: string;
  readonly records: readonly Uint8Array[];
}

export type ZoneTextFault = Fault<'zone-text-foreign' | 'zone-text-malformed'>;

/** The text of one TXT record. */
export function encodeZoneText({ network, records }: ZoneText): string {
  const parts = records.flatMap((record) => [Uint8Array.of(record.length >>> 8, record.length), record]);
  const words = [VERSION, `n=${network}`, ...(parts.length > 0 ? [`d=${base64url(concatBytes(parts))}`] : [])];
  return words.join(' ');
}

/** How long the text of a network becomes with records of these sizes, in bytes. */
export function zoneTextLength(network: string, recordLengths: readonly number[]): number {
  const binary = recordLengths.reduce((sum, length) => sum + LENGTH_BYTES + length, 0);
  const frame = VERSION.length + ' n='.length + network.length;
  return binary === 0 ? frame : frame + ' d='.length + Math.ceil((binary * 4) / 3);
}

/**
 * Reads the text of one TXT record, its character strings joined. `zone-text-foreign` is no fault of anybody's: the
 * record is another service's.
 */
export function parseZoneText(text: string): ZoneText | ZoneTextFault {
  const [version, ...words] = text.length <= ZONE_TEXT_LENGTH_MAX ? text.split(' ') : [];
  if (version !== VERSION) return publicFault('zone-text-foreign', 'the TXT record is not about a monsoon network');
  const network = wordOf(words, 'n=');
  if (network === undefined || !NETWORK_NAME.test(network)) return malformed('names no network');
  const bytes = bytesOfBase64url(wordOf(words, 'd=') ?? '');
  const records = bytes && recordsIn(bytes);
  return records ? { network, records } : malformed('holds no whole descriptors');
}

function wordOf(words: readonly string[], key: string): string | undefined {
  return words.find((word) => word.startsWith(key))?.slice(key.length);
}

function recordsIn(bytes: Uint8Array): Uint8Array[] | undefined {
  const records: Uint8Array[] = [];
  let at = 0;
  while (at + LENGTH_BYTES <= bytes.length && records.length < ZONE_TEXT_RECORDS_MAX) {
    const end = at + LENGTH_BYTES + readUint16(bytes, at);
    const record = bytes.subarray(at + LENGTH_BYTES, end);
    if (end > bytes.length || record.length === 0 || record.length > RECORD_BYTES_MAX) return undefined;
    records.push(record);
    at = end;
  }
  return at === bytes.length ? records : undefined;
}

function malformed(what: string): ZoneTextFault {
  return publicFault('zone-text-malformed', `the TXT record ${what}`);
}
