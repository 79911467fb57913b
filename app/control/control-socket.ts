/**
 * Questions to the daemon over its socket, in as much HTTP/1.1 as its answers have: the runtime's client takes a verb longer to load
 * and to use for the first time than everything else that it does. Each connection has one question at a time, and rests between
 * two, holding no process.
 */
import { connect, type Socket } from 'node:net';
import { MonsoonError } from '../../src/base/index.ts';

const HEAD_BYTES_MAX = 32 * 1024;
const REPLY_BYTES_MAX = 64 * 1024 * 1024;
const RESTING_MAX = 4;
const HEAD_END = '\r\n\r\n';

export interface ControlQuestion {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: object | undefined;
  /** Ends the question; it rejects with the reason. */
  readonly signal: AbortSignal;
}
export interface ControlReply {
  readonly status: number;
  readonly text: string;
}

/** A reply that comes, and whether its connection goes on afterwards. */
interface Coming {
  readonly status: number;
  readonly bytes: number;
  readonly goesOn: boolean;
}

/** A connection between two questions. */
interface Resting {
  readonly socket: Socket;
  /** Heard when it ends meanwhile. */
  readonly forget: () => void;
}

/** Every method rejects with what the system says, `ECONNRESET` when the daemon goes away meanwhile. */
export class ControlSocket {
  readonly #path: string;
  readonly #resting: Resting[] = [];
  /** Ends what waits for an answer. */
  readonly #end = new AbortController();

  constructor(path: string) {
    this.#path = path;
  }

  /** Connects, and keeps the connection for the first question. */
  async reach(): Promise<void> {
    const socket = connect(this.#path);
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    this.#rest(socket);
  }

  async ask(asked: ControlQuestion): Promise<ControlReply> {
    const question = { ...asked, signal: AbortSignal.any([asked.signal, this.#end.signal]) };
    const rested = this.#resting.pop();
    if (!rested) return this.#askOver(connect(this.#path), question);
    const { socket, forget } = rested;
    try {
      return await this.#askOver(socket.off('error', forget).off('close', forget).ref(), question);
    } catch (error) {
      // The daemon closed a connection that rested, as we took it up again: another one says whether it is there.
      if (question.method !== 'GET' || question.signal.aborted || error instanceof MonsoonError) throw error;
      return this.#askOver(connect(this.#path), question);
    }
  }

  /** Ends every connection; what waits for an answer rejects. */
  close(): void {
    this.#end.abort();
    for (const { socket } of this.#resting.splice(0)) socket.destroy();
  }

  async #askOver(socket: Socket, { method, path, body, signal }: ControlQuestion): Promise<ControlReply> {
    const interrupt = (): void => void socket.destroy(signal.reason);
    signal.addEventListener('abort', interrupt, { once: true });
    try {
      if (signal.aborted) interrupt();
      else socket.write(encodeQuestion(method, path, body && JSON.stringify(body)));
      const { goesOn, ...reply } = await readReply(socket);
      if (goesOn) this.#rest(socket);
      else socket.destroy();
      return reply;
    } catch (error) {
      socket.destroy();
      throw error;
    } finally {
      signal.removeEventListener('abort', interrupt);
    }
  }

  #rest(socket: Socket): void {
    const forget = (): void => {
      const at = this.#resting.findIndex((resting) => resting.socket === socket);
      if (at >= 0) this.#resting.splice(at, 1);
    };
    socket.on('error', forget).on('close', forget).unref();
    if (this.#resting.length < RESTING_MAX) this.#resting.push({ socket, forget });
    else socket.destroy();
  }
}

function encodeQuestion(method: string, path: string, body: string | undefined): string {
  const said =
    body === undefined ? '' : `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n`;
  return `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n${said}\r\n${body ?? ''}`;
}

function readReply(socket: Socket): Promise<ControlReply & { readonly goesOn: boolean }> {
  const { promise, resolve, reject } = Promise.withResolvers<ControlReply & { readonly goesOn: boolean }>();
  let chunks: Buffer[] = [];
  let length = 0;
  let coming: Coming | undefined;
  const take = (chunk: Buffer): void => {
    chunks.push(chunk);
    length += chunk.length;
    if (coming === undefined) {
      const received = Buffer.concat(chunks);
      const end = received.indexOf(HEAD_END);
      if (end < 0 && length <= HEAD_BYTES_MAX) return;
      coming = parseHead(received.toString('latin1', 0, end));
      if (coming === undefined || coming.bytes > REPLY_BYTES_MAX) return reject(notTaken());
      chunks = [received.subarray(end + HEAD_END.length)];
      length = chunks[0]!.length;
    }
    if (length < coming.bytes) return;
    const { status, bytes, goesOn } = coming;
    resolve({ status, text: Buffer.concat(chunks, bytes).toString(), goesOn: goesOn && length === bytes });
  };
  const hungUp = (): void => reject(Object.assign(new Error('the node hung up'), { code: 'ECONNRESET' }));
  socket.on('data', take).once('error', reject).once('close', hungUp);
  return promise.finally(() => socket.off('data', take).off('error', reject).off('close', hungUp));
}

/** The head of a reply without its end; undefined when it is no reply whose length is known. */
function parseHead(head: string): Coming | undefined {
  const status = /^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1];
  const bytes = /^content-length: *(\d{1,15})\r?$/im.exec(head)?.[1];
  if (status === undefined || bytes === undefined) return undefined;
  return { status: Number(status), bytes: Number(bytes), goesOn: !/^connection: *close\r?$/im.test(head) };
}

function notTaken(): MonsoonError {
  return new MonsoonError('refused', 'The node answered with something that is no answer, or too much to take.');
}
