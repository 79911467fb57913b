export {
  CONNECT_MAGIC,
  CONNECTION_MARK,
  CONNECTION_MARK_MASK,
  type DatagramKind,
  datagramKind,
} from './datagram.ts';
export {
  type ExtendedHandshake,
  METADATA_BYTES_MAX,
  OUR_EXTENSION_IDS,
  parseExtendedHandshake,
} from './extended.ts';
export { type CopyBytes, FrameReader, type FrameSink, MESSAGE_BYTES_MAX, type WireFault } from './frame-reader.ts';
export {
  encodeWireHandshake,
  HANDSHAKE_BYTES,
  PEER_ID_BYTES,
  PROTOCOL_HEADER,
  parseWireHandshake,
  type WireHandshake,
} from './handshake.ts';
export { checkKrpc, KRPC_BYTES_MAX, type KrpcFault, type KrpcKind } from './krpc-check.ts';
export {
  BLOCK_BYTES,
  BLOCK_BYTES_MAX,
  EXACT_LENGTH,
  encodeHaves,
  encodeRequestRun,
  MESSAGE,
  PIECE_HEADER_BYTES,
  writePieceHeader,
} from './messages.ts';
export {
  encodeMetadataMessage,
  METADATA_PIECE_BYTES,
  type MetadataMessage,
  metadataReply,
  parseMetadataMessage,
} from './metadata.ts';
export { encodePex, PEX_FLAG, PEX_PEERS_MAX, type PexMessage, type PexPeer, parsePex } from './pex.ts';
export {
  ANNOUNCE_REPLY_BYTES,
  ANNOUNCE_REQUEST_BYTES,
  CONNECT_BYTES,
  CONNECTION_ID_BYTES,
  encodeUdpAnnounce,
  encodeUdpConnect,
  parseUdpReply,
  parseUdpRequest,
  UDP_ACTION,
  UDP_EVENTS,
  type UdpAnnounce,
  type UdpEvent,
  type UdpReply,
  type UdpRequest,
} from './udp-tracker.ts';
