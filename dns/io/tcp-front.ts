/**
 * DNS over TCP (RFC 7766): splits a connection into queries of two length bytes and a message, and bounds what one
 * connection, one source (an address, of IPv6 a /64) and all of them together may hold. What a query means is the caller's.
 */
import type { Server, Socket } from 'node:net';
import { sourceOfIp } from '../../src/base/index.ts';
import { QUERY_BYTES_MAX } from '../index.ts';
import { sourceIp } from './source-ip.ts';

export const CONNECTIONS_MAX = 100;
export const CONNECTIONS_PER_SOURCE_MAX = 10;
/** From one whole query to the next, so that single bytes do not keep a connection. */
const IDLE_MS = 10_000;
const LENGTH_BYTES = 2;

/** Answers one query from an address (4 or 16 bytes) with messages; none ends the connection without a word. */
export type AnswerBytes = (query: Uint8Array, ip: Uint8Array) => readonly Uint8Array[];

/** The connections of a responder, whichever of its servers took them. */
export class TcpFront {
  readonly #answer: AnswerBytes;
  /** Open ones, and the source of each. */
  readonly #open = new Map<Socket, string>();

  constructor(answer: AnswerBytes) {
    this.#answer = answer;
  }

  /** Serves every connection that comes to a server. */
  serve(server: Server): void {
    server.on('connection', (socket) => this.#take(socket));
  }

  /** Ends all connections; resolves when they are gone. */
  async closeAll(): Promise<void> {
    const closed = [...this.#open.keys()].map((socket) => new Promise((resolve) => socket.once('close', resolve)));
    for (const socket of this.#open.keys()) socket.destroy();
    await Promise.all(closed);
  }

  #take(socket: Socket): void {
    const ip = sourceIp(socket.remoteAddress ?? '');
    const source = ip ? sourceOfIp(ip) : '';
    const ofSource = [...this.#open.values()].filter((other) => other === source).length;
    // One that is gone already has no address.
    if (!ip || this.#open.size >= CONNECTIONS_MAX || ofSource >= CONNECTIONS_PER_SOURCE_MAX) {
      socket.destroy();
      return;
    }
    this.#open.set(socket, source);
    socket.once('close', () => this.#open.delete(socket));
    serveConnection(socket, (query) => this.#answer(query, ip));
  }
}

function serveConnection(socket: Socket, answer: (query: Uint8Array) => readonly Uint8Array[]): void {
  let unread: Buffer = Buffer.alloc(0);
  const deadline = setTimeout(() => socket.destroy(), IDLE_MS);
  const serve = (): void => {
    // An asker that does not read its answers is not served on, so that they do not pile up here.
    while (!socket.writableNeedDrain && unread.length >= LENGTH_BYTES) {
      const end = LENGTH_BYTES + unread.readUInt16BE(0);
      const isTooLong = end > LENGTH_BYTES + QUERY_BYTES_MAX;
      if (!isTooLong && unread.length < end) break;
      const messages = isTooLong ? [] : answer(unread.subarray(LENGTH_BYTES, end));
      if (messages.length === 0) {
        socket.destroy();
        return;
      }
      unread = unread.subarray(end);
      deadline.refresh();
      socket.write(Buffer.concat(messages.map(framed)));
    }
    if (socket.writableNeedDrain) socket.pause();
    else socket.resume();
  };
  socket.on('data', (bytes: Buffer) => {
    unread = unread.length === 0 ? bytes : Buffer.concat([unread, bytes]);
    serve();
  });
  socket.on('drain', serve);
  socket.on('error', () => socket.destroy());
  socket.once('close', () => clearTimeout(deadline));
}

function framed(message: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(message.length >>> 8, message.length & 255), message]);
}
