/** NAT Port Mapping Protocol (RFC 6886). */
import { fault, formatIp, readUint16, readUint32, writeUint32 } from '../base/index.ts';
import type { GatewayAnswer, GatewayCodec, GatewayFault, MappingWish, Question } from './gateway-codec.ts';

const VERSION = 0;
const RESPONSE = 0x80;
const OPCODES: Readonly<Record<Question, number>> = { address: 0, udp: 1, tcp: 2 };
const ADDRESS_BYTES = 12;
const MAP_BYTES = 16;
const RESULTS = [
  '',
  'it speaks another version',
  'it does not allow that',
  'it has no network itself',
  'it has no resources left',
  'it does not know the transport',
];

/** The codec. */
export const natPmpCodec: GatewayCodec = { name: 'nat-pmp', questions: ['address', 'tcp', 'udp'], encode, parse };

function encode(question: Question, wish: MappingWish): Uint8Array {
  if (question === 'address') return Uint8Array.of(VERSION, OPCODES.address);
  const bytes = new Uint8Array(12);
  bytes[1] = OPCODES[question];
  bytes.set([wish.port >>> 8, wish.port & 255, wish.externalPort >>> 8, wish.externalPort & 255], 4);
  writeUint32(bytes, 8, wish.lifetimeSeconds);
  return bytes;
}

function parse(datagram: Uint8Array, ours: number): GatewayAnswer | GatewayFault {
  const foreign = fault('foreign', 'not an answer to us');
  if (datagram.length < 8 || datagram.length > MAP_BYTES || (datagram[1]! & RESPONSE) === 0) return foreign;
  if (datagram[0] !== VERSION) return fault('other-version', 'it speaks no NAT-PMP');
  const opcode = datagram[1]! & ~RESPONSE;
  const to = (['address', 'udp', 'tcp'] as const)[opcode];
  if (to === undefined) return foreign;
  const result = readUint16(datagram, 2);
  const isMap = to !== 'address';
  if (isMap && datagram.length === MAP_BYTES && readUint16(datagram, 8) !== ours) return foreign;
  if (result !== 0) return fault('refused', RESULTS[result] ?? `it answers with result ${result}`);
  if (datagram.length !== (isMap ? MAP_BYTES : ADDRESS_BYTES)) return foreign;
  return {
    to,
    epochSeconds: readUint32(datagram, 4),
    host: isMap ? undefined : formatIp(datagram.subarray(8, 12)),
    externalPort: isMap ? readUint16(datagram, 10) : 0,
    lifetimeSeconds: isMap ? readUint32(datagram, 12) : 0,
  };
}
