/** A connection to a peer once both ends agreed how to hide what follows; the wire handshake comes next. */
import type { Socket } from 'node:net';
import type { NodeId } from '../base/index.ts';
import type { LinkEncryption, MseOutcome, StreamCipher } from '../link/index.ts';

export interface PeerStream {
  /** A TLS socket where TLS hides the bytes. */
  readonly socket: Socket;
  readonly encryption: LinkEncryption;
  /** Whom TLS proved to be at the other end; undefined where it proved nobody. */
  readonly nodeId?: NodeId | undefined;
  /** Our wire handshake went ahead, inside the link handshake. */
  readonly hasOurHandshake: boolean;
  /** For the bytes of the socket; undefined when they need no more work. */
  readonly ciphers: { readonly send: StreamCipher; readonly receive: StreamCipher } | undefined;
}

/** A connection whose bytes are as the socket has them. */
export function bareStream(socket: Socket, encryption: LinkEncryption, nodeId?: NodeId): PeerStream {
  return { socket, encryption, nodeId, hasOurHandshake: false, ciphers: undefined };
}

/** What Message Stream Encryption made of a connection. */
export function mseStream(socket: Socket, { send, receive }: MseOutcome, hasOurHandshake: boolean): PeerStream {
  const ciphers = send && receive && { send, receive };
  return { socket, encryption: ciphers ? 'rc4' : 'header', hasOurHandshake, ciphers };
}
