/**
 * TLS on accepted connections: takes a socket whose first bytes are a TLS record, and gives the stream inside. Who
 * connects may show a certificate or none: browsers have none, nodes prove theirs. It sets no time limit of its own,
 * because its caller counts the handshake among what it waits for.
 */
import type { Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { type NodeTls, WEB_PROTOCOLS } from './tls-context.ts';

/** The TLS end of one port. */
export class TlsDoor {
  readonly #server: Server;
  /** Handshakes under way, by the two ends of their connection; as many as the caller lets be undecided. */
  readonly #waiting = new Map<string, (inside: TLSSocket) => void>();

  constructor(tls: NodeTls) {
    // It never listens: handing it connections is what its 'connection' event is documented for.
    this.#server = createServer({
      ...tls.server,
      requestCert: true,
      rejectUnauthorized: false,
      ALPNProtocols: [...WEB_PROTOCOLS],
    });
    this.#server.on('secureConnection', (inside) => this.#secured(inside));
    this.#server.on('tlsClientError', (_error, inside) => inside.destroy());
  }

  /**
   * Takes a paused socket with what was read from it; `secured` hears of the stream inside, paused. A handshake that
   * fails destroys the socket, and one that does not end is the caller's to destroy.
   */
  accept(socket: Socket, firstBytes: Buffer, secured: (inside: TLSSocket) => void): void {
    const ends = endsOf(socket);
    if (ends === undefined) {
      socket.destroy();
      return;
    }
    this.#waiting.set(ends, secured);
    socket.on('close', () => this.#waiting.delete(ends));
    socket.unshift(firstBytes);
    this.#server.emit('connection', socket);
  }

  #secured(inside: TLSSocket): void {
    const ends = endsOf(inside);
    const secured = ends === undefined ? undefined : this.#waiting.get(ends);
    if (ends === undefined || !secured) {
      inside.destroy();
      return;
    }
    this.#waiting.delete(ends);
    inside.on('error', () => inside.destroy());
    secured(inside);
  }
}

/** Both ends of a connection, which no other open one shares; undefined when it is gone already. */
function endsOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string | undefined {
  return remotePort === undefined ? undefined : `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}
