/**
 * One buffer that links read into: its content is consumed before the next read. Sockets that we connect can be told to
 * (`onread`); accepted ones cannot, and make a buffer of 64 KiB for each read, of 16 KiB over TLS, which the collector has to
 * follow. So what that option sets is set on them later.
 */
import type { Socket, SocketConstructorOpts } from 'node:net';

const READ_BUFFER_BYTES = 262_144;
/** Overlapped reads there keep their buffer while they wait: none may be shared, nor changed under a connection. */
const IS_WINDOWS = process.platform === 'win32';

/** Takes bytes that are only valid during the call. */
export type OnRead = (bytes: Uint8Array, length: number) => void;

let shared: Uint8Array | undefined;

/** What a new socket needs to have its bytes given to `onRead`. */
export function readingInPlace(onRead: OnRead): Required<Pick<SocketConstructorOpts, 'onread'>> {
  return { onread: { buffer: buffer(), callback: callbackOf(onRead) } };
}

/** Has a paused socket, whoever made it and TLS or not, read into the one buffer where it can, and resumes it; once. */
export function readInPlace(socket: Socket, onRead: OnRead): void {
  // Private to the runtime; where they are gone, the old way does.
  const handle = Reflect.get(socket, '_handle') as { useUserBuffer?: (bytes: Uint8Array) => void } | null;
  const [bufferKey, callbackKey] = ['kBuffer', 'kBufferCb'].map((name) =>
    Object.getOwnPropertySymbols(socket).find(({ description }) => description === name),
  );
  const left = socket.read() as Buffer | null;
  if (IS_WINDOWS || !handle?.useUserBuffer || !bufferKey || !callbackKey) {
    socket.on('data', (bytes: Buffer) => onRead(bytes, bytes.length));
  } else {
    Reflect.set(socket, bufferKey, buffer());
    Reflect.set(socket, callbackKey, callbackOf(onRead));
    handle.useUserBuffer(buffer());
  }
  if (left) onRead(left, left.length);
  socket.resume();
}

function callbackOf(onRead: OnRead): (length: number, bytes: Uint8Array) => boolean {
  return (length, bytes) => {
    onRead(bytes, length);
    return true;
  };
}

function buffer(): Uint8Array {
  if (IS_WINDOWS) return Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);
  shared ??= Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);
  return shared;
}
