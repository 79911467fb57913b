/** Port Control Protocol (RFC 6887): the MAP opcode, without options. */
import {
  concatBytes,
  equalBytes,
  fault,
  formatIp,
  parseIp,
  readUint16,
  readUint32,
  writeUint32,
} from '../base/index.ts';
import type { GatewayAnswer, GatewayCodec, GatewayFault, MappingWish, Transport } from './gateway-codec.ts';

export const PCP_NONCE_BYTES = 12;
const VERSION = 2;
const MAP = 1;
const ANNOUNCE = 0;
const RESPONSE = 0x80;
const HEADER_BYTES = 24;
const MAP_BYTES = 60;
const DATAGRAM_BYTES_MAX = 1100;
const NUMBERS: Readonly<Record<Transport, number>> = { tcp: 6, udp: 17 };
const RESULTS = [
  '',
  'it speaks another version',
  'it does not allow that',
  'it finds our request malformed',
  'it knows no mappings',
  'it wants another option',
  'it finds an option malformed',
  'it has no network itself',
  'it has no resources left',
  'it does not know the transport',
  'we have too many mappings',
  'it cannot give that external address',
  'it sees another address of ours: there is a NAT between',
  'too many peers',
];

/** The codec of one node. `nonce` proves to the gateway that mappings are ours, so it must outlive a restart. */
export function pcpCodec(nonce: Uint8Array): GatewayCodec {
  return {
    name: 'pcp',
    questions: ['tcp', 'udp'],
    encode: (_, wish) => encodeMap(wish, nonce),
    parse: (datagram, ours) => parse(datagram, nonce, ours),
  };
}

function encodeMap(wish: MappingWish, nonce: Uint8Array): Uint8Array {
  const head = new Uint8Array(8);
  head[0] = VERSION;
  head[1] = MAP;
  writeUint32(head, 4, wish.lifetimeSeconds);
  const isSix = wish.host.includes(':');
  const ports = Uint8Array.of(wish.port >>> 8, wish.port, wish.externalPort >>> 8, wish.externalPort);
  const protocol = Uint8Array.of(NUMBERS[wish.transport], 0, 0, 0);
  return concatBytes([head, wide(wish.host), nonce, protocol, ports, wide(isSix ? '::' : '0.0.0.0')]);
}

function parse(datagram: Uint8Array, nonce: Uint8Array, ours: number): GatewayAnswer | GatewayFault {
  const foreign = fault('foreign', 'not an answer to us');
  if (datagram.length < 4 || datagram.length > DATAGRAM_BYTES_MAX || (datagram[1]! & RESPONSE) === 0) return foreign;
  if (datagram[0] !== VERSION) return fault('other-version', 'it speaks no PCP');
  if (datagram.length < HEADER_BYTES || datagram.length % 4 !== 0) return foreign;
  const opcode = datagram[1]! & ~RESPONSE;
  const epochSeconds = readUint32(datagram, 8);
  const result = datagram[3]!;
  if (opcode === ANNOUNCE && result === 0) {
    return { to: 'notice', epochSeconds, host: undefined, externalPort: 0, lifetimeSeconds: 0 };
  }
  if (opcode !== MAP || datagram.length < MAP_BYTES) return foreign;
  const to = transportOf(datagram[36]!);
  if (!equalBytes(datagram.subarray(24, 36), nonce) || !to || readUint16(datagram, 40) !== ours) return foreign;
  if (result !== 0) return fault('refused', RESULTS[result] ?? `it answers with result ${result}`);
  return {
    to,
    epochSeconds,
    host: formatIp(datagram.subarray(44, 60)),
    externalPort: readUint16(datagram, 42),
    lifetimeSeconds: readUint32(datagram, 4),
  };
}

function transportOf(number: number): Transport | undefined {
  return number === NUMBERS.tcp ? 'tcp' : number === NUMBERS.udp ? 'udp' : undefined;
}

/** 16 bytes, IPv4 mapped. */
function wide(host: string): Uint8Array {
  const ip = parseIp(host) ?? new Uint8Array(16);
  if (ip.length === 16) return ip;
  return concatBytes([new Uint8Array(10), Uint8Array.of(0xff, 0xff), ip]);
}
