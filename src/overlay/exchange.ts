/**
 * The body of `GET /supernodes`, which every node answers, supernode or not: the supernodes it knows, and the
 * address it saw the asker come from. Descriptors are passed on sealed; the reader opens each for itself.
 *
 * Bytes: one bencoded dictionary; unknown keys are ignored.
 *   network     string  name of the network
 *   supernodes  list    0–200 sealed descriptors, at most 1,000 bytes each
 *   you         string  the asker's address as the answerer saw it, compact: 6 or 18 bytes
 */
import {
  type Address,
  assert,
  decodeBencode,
  encodeBencode,
  encodeCompactAddress,
  type Fault,
  isFault,
  parseCompactAddress,
  publicFault,
  RECORD_BYTES_MAX,
  textOfUtf8,
} from '../base/index.ts';

export const EXCHANGE_DESCRIPTORS_MAX = 200;
/** Largest body: 200 full descriptors and their frame. */
export const EXCHANGE_BYTES_MAX = 204_800;
/** Most bencoded values: the descriptors, and room for keys of later versions. */
const EXCHANGE_VALUES_MAX = 1000;

/** What one node tells another about supernodes. */
export interface Exchange {
  readonly network: string;
  /** Sealed descriptors, not yet opened. */
  readonly supernodes: readonly Uint8Array[];
  /** Where the answerer saw the asker; undefined when it did not say. */
  readonly you: Address | undefined;
}

export type ExchangeFault = Fault<'exchange-too-large' | 'exchange-malformed' | 'exchange-other-network'>;

export function encodeExchange(exchange: Exchange): Uint8Array<ArrayBuffer> {
  assert(exchange.supernodes.length <= EXCHANGE_DESCRIPTORS_MAX, 'an exchange carries a bounded sample');
  return encodeBencode({
    network: exchange.network,
    supernodes: exchange.supernodes,
    you: exchange.you && encodeCompactAddress(exchange.you),
  });
}

/** Parses an answer from outside; a body of another network is a fault, because nothing in it can be used. */
export function parseExchange(bytes: Uint8Array, network: string): Exchange | ExchangeFault {
  if (bytes.length > EXCHANGE_BYTES_MAX) {
    return publicFault('exchange-too-large', `an exchange has at most ${EXCHANGE_BYTES_MAX} bytes`);
  }
  const body = decodeBencode(bytes, { tokensMax: EXCHANGE_VALUES_MAX });
  if (isFault(body) || !(body instanceof Map)) return malformed('it is no bencoded dictionary');
  const name = body.get('network');
  if (!(name instanceof Uint8Array)) return malformed('it names no network');
  if (textOfUtf8(name) !== network) return publicFault('exchange-other-network', 'the node is in another network');
  const list = body.get('supernodes');
  if (!Array.isArray(list) || list.length > EXCHANGE_DESCRIPTORS_MAX) return malformed('it lists no or too many nodes');
  const supernodes: Uint8Array[] = [];
  for (const item of list) {
    if (!(item instanceof Uint8Array) || item.length > RECORD_BYTES_MAX) return malformed('a descriptor is no record');
    supernodes.push(item);
  }
  const you = body.get('you');
  return { network, supernodes, you: you instanceof Uint8Array ? parseCompactAddress(you) : undefined };
}

function malformed(what: string): ExchangeFault {
  return publicFault('exchange-malformed', `the exchange cannot be used: ${what}`);
}
