/**
 * One buffer that links read into: its content is consumed before the next read. Sockets that we connect can be told to
 * (`onread`); accepted ones cannot, and make a buffer of 64 KiB for each read, which the collector has to follow. So an
 * accepted link goes on in a second socket over the same connection.
 */
import { Socket, type SocketConstructorOpts } from 'node:net';
import { TLSSocket } from 'node:tls';

const READ_BUFFER_BYTES = 262_144;
/** Overlapped reads there keep their buffer while they wait: none may be shared, nor changed under a connection. */
const IS_WINDOWS = process.platform === 'win32';

/** Takes bytes that are only valid during the call. */
export type OnRead = (bytes: Uint8Array, length: number) => void;

/** A socket that does not read yet. */
export interface UnreadSocket {
  readonly socket: Socket;
  /** Begins to read; to be called once. */
  read(onRead: OnRead): void;
}

let shared: Uint8Array | undefined;

/** What a new socket needs to have its bytes given to `onRead`. */
export function readingInPlace(onRead: OnRead): Required<Pick<SocketConstructorOpts, 'onread'>> {
  const callback = (length: number, bytes: Uint8Array): boolean => {
    onRead(bytes, length);
    return true;
  };
  return { onread: { buffer: buffer(), callback } };
}

/**
 * Gives a paused socket's connection to a socket that reads in place, and ends the first without ending it. TLS has no
 * such way in, and Windows: there it stays the same socket.
 */
export function readInPlace(socket: Socket): UnreadSocket {
  // Private to the runtime, whose own servers make their sockets so; where it were gone, the old way would do.
  const handle: unknown = Reflect.get(socket, '_handle');
  if (IS_WINDOWS || socket instanceof TLSSocket || !(handle instanceof Object)) return readByEvents(socket);
  let take: OnRead = () => {};
  const left = socket.read() as Buffer | null;
  Reflect.set(socket, '_handle', null);
  socket.destroy();
  const options = { handle, readable: true, writable: true, pauseOnCreate: true };
  const heir = new Socket({ ...options, ...readingInPlace((bytes, length) => take(bytes, length)) } as object);
  return {
    socket: heir,
    read(onRead) {
      take = onRead;
      if (left) onRead(left, left.length);
      heir.resume();
    },
  };
}

function readByEvents(socket: Socket): UnreadSocket {
  return {
    socket,
    read(onRead) {
      socket.on('data', (bytes: Buffer) => onRead(bytes, bytes.length));
      socket.resume();
    },
  };
}

function buffer(): Uint8Array {
  if (IS_WINDOWS) return Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);
  shared ??= Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);
  return shared;
}
