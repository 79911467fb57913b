/**
 * The tracker's entrance over HTTP: takes connections whose first bytes look like HTTP, answers `/announce` and
 * `/scrape` by hand (most clients open a new connection for each announce, so accepting is what costs), and hands
 * everything else over. The address recorded is the socket's and nothing else (SAFETY rule 3).
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { bytesOfLatin1, type Instant, isFault, type NodeId, parseIp } from '../../src/base/index.ts';
import { parseHead, routeOf, type Tracker } from '../index.ts';
import { type ConnectionHost, TrackerConnection } from './tracker-connection.ts';

/** Most connections at a time; one more is closed unheard. */
export const CONNECTIONS_MAX = 16_384;

const SWEEP_MS = 1_000;

export interface TrackerFrontOptions {
  readonly tracker: Tracker;
  readonly now: () => Instant;
  /** The node at the other end of a socket, if TLS proved one. */
  readonly nodeAt: (socket: Socket) => NodeId | undefined;
  /** Takes a paused socket whose next request is not the tracker's, with all bytes from that request on. */
  readonly handOver: (socket: Socket, unread: Buffer) => void;
}

/** The front; `close` ends its connections and its timer. */
export class TrackerFront {
  readonly #options: TrackerFrontOptions;
  readonly #connections: Set<TrackerConnection> = new Set();
  readonly #host: ConnectionHost;
  readonly #timer: NodeJS.Timeout;

  constructor(options: TrackerFrontOptions) {
    this.#options = options;
    this.#host = {
      tracker: options.tracker,
      now: options.now,
      handOver: (connection, socket, unread) => {
        this.#connections.delete(connection);
        options.handOver(socket, unread);
      },
      closed: (connection) => this.#connections.delete(connection),
    };
    this.#timer = setInterval(() => this.sweep(options.now()), SWEEP_MS).unref();
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  /** Serves a connection from its first bytes on. */
  accept(socket: Socket, firstBytes: Buffer): void {
    const source = sourceOf(socket);
    if (!source || this.#connections.size >= CONNECTIONS_MAX) {
      socket.on('error', () => {}).destroy();
      return;
    }
    const connection = new TrackerConnection(socket, source, this.#options.nodeAt(socket), this.#host);
    this.#connections.add(connection);
    connection.begin(firstBytes);
  }

  /**
   * Answers a tracker request that node:http read on a connection handed over before; false when it is none.
   * A client that keeps one connection for pages and announces is served the same on both paths.
   */
  answer(request: IncomingMessage, response: ServerResponse): boolean {
    const line = bytesOfLatin1(`${request.method} ${request.url} HTTP/1.1\r\n\r\n`);
    const route = routeOf(line, 0);
    if (typeof route === 'string') return false;
    const head = route.isGet ? parseHead(line, route) : undefined;
    const source = sourceOf(request.socket);
    if (!source || head === undefined || isFault(head)) {
      response.writeHead(route.isGet ? 400 : 405, { connection: 'close', 'content-length': 0 }).end();
      return true;
    }
    const { tracker, now, nodeAt } = this.#options;
    const answer = tracker.serve(route.kind, head.query, source, now(), nodeAt(request.socket));
    if (answer.status === undefined) {
      request.socket.destroy();
      return true;
    }
    const location = answer.location === undefined ? {} : { location: answer.location };
    const headers = { 'content-type': 'text/plain', 'content-length': answer.body.length, ...location };
    response.writeHead(answer.status, headers).end(Buffer.from(answer.body));
    return true;
  }

  /** Destroys connections past their deadline and lets the tracker forget silent peers; due once a second. */
  sweep(now: Instant): void {
    for (const connection of this.#connections) {
      if (connection.deadline > now) continue;
      this.#connections.delete(connection);
      connection.destroy();
    }
    this.#options.tracker.sweep(now);
  }

  close(): void {
    clearInterval(this.#timer);
    for (const connection of this.#connections) connection.destroy();
    this.#connections.clear();
  }
}

/** The 4 or 16 bytes of the remote address, IPv4-mapped ones as 4; undefined when the socket is gone. */
function sourceOf(socket: Socket): Uint8Array | undefined {
  return parseIp(socket.remoteAddress?.replace(/%.*$/, '') ?? '');
}
