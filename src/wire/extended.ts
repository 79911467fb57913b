/**
 * The extension protocol (BEP 10): what a peer's extension handshake tells us, typed. Peers in the wild send
 * unsorted keys and odd values, so everything that is not as expected is left out instead of refused.
 */
import { type BencodeValue, cleanText, decodeBencode, lossyTextOfUtf8 } from '../base/index.ts';

/** Our own ids for extension messages; peers send to us with these. */
export const OUR_EXTENSION_IDS = { ut_metadata: 1, ut_pex: 2, upload_only: 3 } as const;

const EXTENSION_HANDSHAKE_BYTES_MAX = 16_384;
const CLIENT_NAME_LENGTH_MAX = 60;
/** Largest metadata accepted (SAFETY, limits). */
export const METADATA_BYTES_MAX = 16_777_216;

/** What a peer said about itself. */
export interface ExtendedHandshake {
  /** The id to send metadata messages with (BEP 9); undefined when the peer does not speak it. */
  readonly metadataId: number | undefined;
  /** The id to send peer exchange with (BEP 11); undefined when the peer does not speak it. */
  readonly pexId: number | undefined;
  /** Bytes of the info dictionary, when the peer has it. */
  readonly metadataSize: number | undefined;
  /** Requests the peer queues at most. */
  readonly requestQueue: number | undefined;
  /** It wants nothing (BEP 21), or wants something again; undefined when it does not say. */
  readonly isUploadOnly: boolean | undefined;
  readonly client: string;
  /** The port the peer listens on. */
  readonly listenPort: number | undefined;
}

/** Reads an extension handshake; undefined when it is no bencoded dictionary. */
export function parseExtendedHandshake(payload: Uint8Array): ExtendedHandshake | undefined {
  if (payload.length > EXTENSION_HANDSHAKE_BYTES_MAX) return undefined;
  const decoded = decodeBencode(payload, { anyKeyOrder: true, trailingBytes: true });
  if (!(decoded instanceof Map)) return undefined;
  const ids = decoded.get('m');
  const client = decoded.get('v');
  const uploadOnly = numberWithin(decoded.get('upload_only'), 0, 255);
  return {
    metadataId: ids instanceof Map ? numberWithin(ids.get('ut_metadata'), 1, 255) : undefined,
    pexId: ids instanceof Map ? numberWithin(ids.get('ut_pex'), 1, 255) : undefined,
    metadataSize: numberWithin(decoded.get('metadata_size'), 1, METADATA_BYTES_MAX),
    requestQueue: numberWithin(decoded.get('reqq'), 1, 1_000_000),
    isUploadOnly: uploadOnly === undefined ? undefined : uploadOnly > 0,
    client: client instanceof Uint8Array ? cleanText(lossyTextOfUtf8(client), CLIENT_NAME_LENGTH_MAX) : '',
    listenPort: numberWithin(decoded.get('p'), 1, 65_535),
  };
}

function numberWithin(value: BencodeValue | undefined, min: number, max: number): number | undefined {
  return typeof value === 'number' && value >= min && value <= max ? value : undefined;
}
