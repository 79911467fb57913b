/** A connection to a peer once both ends agreed how to hide what follows; the wire handshake comes next. */
import type { Socket } from 'node:net';
import type { LinkEncryption, Rc4 } from '../link/index.ts';

export interface PeerStream {
  /** A TLS socket where TLS hides the bytes. */
  readonly socket: Socket;
  readonly encryption: LinkEncryption;
  /** For the bytes of the socket; undefined when they need no more work. */
  readonly ciphers: { readonly send: Rc4; readonly receive: Rc4 } | undefined;
}
