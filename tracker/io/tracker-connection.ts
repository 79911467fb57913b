/**
 * One TCP connection that speaks HTTP to the tracker: requests answered in order, all answers of one chunk in one
 * write, nothing read while answers wait to be taken. It owns no timer; its front looks at `deadline` instead.
 * The first request that is not the tracker's ends its part: the socket goes on to whoever serves the rest.
 */
import type { Socket } from 'node:net';
import { type Instant, isFault, later, type NodeId } from '../../src/base/index.ts';
import { HEAD_BYTES_MAX, parseHead, routeOf, type Tracker } from '../index.ts';
import { RESPONSE_BYTES_MAX, type RefusedStatus, writeAnswer, writeRefusal } from './http-answer.ts';

/** From the first byte of a head to its last, however slowly the bytes in between come. */
export const HEAD_MS = 5_000;
/** Between two requests. */
export const IDLE_MS = 60_000;
/** For answers to be taken, the last one included, by a client that reads slowly or not at all. */
export const STUCK_MS = 30_000;

const LF = 0x0a;
const NOTHING: Buffer = Buffer.alloc(0);
// Shared by all connections: filled and written within one call.
const output: Buffer = Buffer.allocUnsafeSlow(65_536);

/** What a connection needs of its front. */
export interface ConnectionHost {
  readonly tracker: Tracker;
  now(): Instant;
  /** Takes the paused socket with the bytes that nobody answered. */
  handOver(connection: TrackerConnection, socket: Socket, unread: Buffer): void;
  closed(connection: TrackerConnection): void;
}

/** A connection; call `begin` once. */
export class TrackerConnection {
  /** When the front must destroy it. */
  deadline: Instant;
  readonly #socket: Socket;
  readonly #source: Uint8Array;
  readonly #node: NodeId | undefined;
  readonly #host: ConnectionHost;
  /** What is not answered yet: at most a part of a head, or more while answers are stuck. */
  #unread: Buffer = NOTHING;
  #isHeadBegun = false;
  #isStuck = false;
  #isOver = false;

  /**
   * @param source the 4 or 16 bytes of the remote address
   * @param node who is at the other end, proven by TLS
   */
  constructor(socket: Socket, source: Uint8Array, node: NodeId | undefined, host: ConnectionHost) {
    this.#socket = socket;
    this.#source = source;
    this.#node = node;
    this.#host = host;
    this.deadline = later(host.now(), HEAD_MS);
  }

  begin(firstBytes: Buffer): void {
    this.#socket.on('error', this.#onError).on('close', this.#onClose);
    this.#onData(firstBytes);
    // Most connections are over by now: one announce, one answer.
    if (this.#isOver) return;
    this.#socket.on('data', this.#onData).on('drain', this.#onDrain);
    if (!this.#isStuck) this.#socket.resume();
  }

  destroy(): void {
    this.#isOver = true;
    this.#socket.destroy();
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#isOver) return;
    const before = this.#unread.length;
    this.#unread = before === 0 ? chunk : Buffer.concat([this.#unread, chunk]);
    // Only a line feed completes a head; without this, a head sent byte by byte would be read from its start each time.
    if (this.#isHeadBegun && this.#unread.length <= HEAD_BYTES_MAX && !chunk.includes(LF)) return;
    if (!this.#isStuck) this.#serve();
  };

  readonly #onDrain = (): void => {
    if (!this.#isStuck || this.#isOver) return;
    this.#isStuck = false;
    this.#serve();
    if (!this.#isStuck && !this.#isOver) this.#socket.resume();
  };

  // The close that follows an error says all there is to know.
  readonly #onError = (): void => {};

  readonly #onClose = (): void => {
    this.#isOver = true;
    this.#host.closed(this);
  };

  /** Answers every whole request in `#unread`. */
  #serve(): void {
    const bytes = this.#unread;
    const now = this.#host.now();
    const wasBegun = this.#isHeadBegun;
    this.#isHeadBegun = false;
    let at = 0;
    let filled = 0;
    while (at < bytes.length && !this.#isStuck) {
      const route = routeOf(bytes, at);
      if (route === 'other') return this.#handOver(bytes.subarray(at), filled);
      if (route === 'undecided') break;
      if (!route.isGet) return this.#refuse(405, filled, now);
      const head = parseHead(bytes, route);
      if (head === undefined) break;
      if (isFault(head)) return this.#refuse(head.code === 'http-too-long' ? 431 : 400, filled, now);
      const answer = this.#host.tracker.serve(route.kind, head.query, this.#source, now, this.#node);
      if (answer.status === undefined) return filled > 0 ? this.#end(filled, true, now) : this.destroy();
      filled = writeAnswer(answer, head, output, filled);
      at = head.end;
      if (!head.keepsAlive) return this.#end(filled, at === bytes.length, now);
      if (filled > output.length - RESPONSE_BYTES_MAX) filled = this.#flush(filled);
    }
    this.#flush(filled);
    this.#keep(bytes, at);
    if (this.#isStuck) {
      this.#socket.pause();
      this.deadline = later(now, STUCK_MS);
    } else if (this.#unread.length === 0) {
      this.deadline = later(now, IDLE_MS);
    } else {
      // The head's time runs from its first byte: bytes that only continue it do not move the deadline.
      if (!wasBegun || at > 0) this.deadline = later(now, HEAD_MS);
      this.#isHeadBegun = true;
    }
  }

  /** Keeps what is not answered; a copy when it is short, so that it does not hold a whole read buffer. */
  #keep(bytes: Buffer, from: number): void {
    if (from === bytes.length) this.#unread = NOTHING;
    else if (from > 0 || bytes.length < HEAD_BYTES_MAX) this.#unread = Buffer.from(bytes.subarray(from));
  }

  /** Sends what was filled; returns 0, where to fill on. */
  #flush(filled: number): number {
    if (filled > 0) this.#isStuck = !this.#socket.write(Buffer.from(output.subarray(0, filled)));
    return 0;
  }

  #refuse(status: RefusedStatus, filled: number, now: Instant): void {
    const at = filled > output.length - RESPONSE_BYTES_MAX ? this.#flush(filled) : filled;
    this.#end(writeRefusal(status, output, at), false, now);
  }

  #end(filled: number, isAllRead: boolean, now: Instant): void {
    this.#isOver = true;
    this.#unread = NOTHING;
    this.deadline = later(now, STUCK_MS);
    const last = Buffer.from(output.subarray(0, filled));
    if (isAllRead) {
      // Closing at once spares a shutdown and the wait for the other side: about a tenth of what an announce costs.
      this.#socket.write(last);
      this.#socket.destroySoon();
    } else {
      // Closing over unread bytes would reset the connection and lose the answer: they are read and dropped.
      this.#socket.end(last);
      this.#socket.resume();
    }
  }

  #handOver(unread: Buffer, filled: number): void {
    this.#flush(filled);
    this.#isOver = true;
    this.#unread = NOTHING;
    this.#socket.pause();
    this.#socket.off('data', this.#onData).off('drain', this.#onDrain).off('error', this.#onError);
    this.#socket.off('close', this.#onClose);
    this.#host.handOver(this, this.#socket, unread);
  }
}
