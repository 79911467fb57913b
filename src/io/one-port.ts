/**
 * The one port: a TCP listener that reads the first bytes of each connection to see what it is, and passes it on with
 * those bytes. Invariant: an undecided connection costs at most 2 KiB and 10 s, and there are at most 256 of them.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { type Address, formatIp, MonsoonError, parseIp } from '../base/index.ts';
import { HANDSHAKE_BYTES, PROTOCOL_HEADER, parseWireHandshake, type WireHandshake } from '../wire/index.ts';

const UNDECIDED_MAX = 256;
const UNDECIDED_MS = 10_000;
const BACKLOG = 4096;

/** Who takes a connection once it is known what it is. */
export interface PortUsers {
  http(socket: Socket, firstBytes: Buffer): void;
  /** `firstBytes` begins with the whole handshake. */
  wire(socket: Socket, address: Address, handshake: WireHandshake, firstBytes: Buffer): void;
}

/** An open port. */
export interface OnePort {
  /** The number really bound. */
  readonly port: number;
  close(): Promise<void>;
}

/** Binds the port; rejects with a MonsoonError that says what to do when it cannot be had. */
export async function openPort(bind: string, port: number, users: PortUsers): Promise<OnePort> {
  const sockets = new Set<Socket>();
  const undecided = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => {
      sockets.delete(socket);
      undecided.delete(socket);
    });
    socket.on('error', () => socket.destroy());
    if (undecided.size >= UNDECIDED_MAX) {
      // The oldest has had its chance: newcomers are more likely to be honest than the ones that say nothing.
      for (const oldest of undecided) {
        oldest.destroy();
        break;
      }
    }
    undecided.add(socket);
    decide(socket, users, () => undecided.delete(socket));
  });
  await listen(server, bind, port);
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function decide(socket: Socket, users: PortUsers, decided: () => void): void {
  let seen: Buffer = Buffer.alloc(0);
  const timer = setTimeout(() => socket.destroy(), UNDECIDED_MS);
  const onData = (bytes: Buffer): void => {
    seen = seen.length === 0 ? bytes : Buffer.concat([seen, bytes]);
    const kind = kindOf(seen);
    if (kind === 'undecided') return;
    clearTimeout(timer);
    socket.off('data', onData);
    socket.off('close', onClose);
    socket.pause();
    decided();
    const address = kind === 'unknown' ? undefined : remoteAddress(socket);
    if (!address) socket.destroy();
    else if (kind === 'http') users.http(socket, seen);
    else if (kind !== 'unknown') users.wire(socket, address, kind, seen);
  };
  const onClose = (): void => clearTimeout(timer);
  socket.on('data', onData);
  socket.on('close', onClose);
}

/** What the first bytes of a connection say it is. */
function kindOf(seen: Buffer): 'http' | 'undecided' | 'unknown' | WireHandshake {
  const first = seen[0]!;
  // Every HTTP method begins with a capital letter; the tracker's front and node:http do the rest.
  if (first >= 0x41 && first <= 0x5a) return 'http';
  if (first !== PROTOCOL_HEADER[0]) return 'unknown';
  const head = seen.subarray(0, PROTOCOL_HEADER.length);
  if (!head.equals(PROTOCOL_HEADER.subarray(0, head.length))) return 'unknown';
  if (seen.length < HANDSHAKE_BYTES) return 'undecided';
  const handshake = parseWireHandshake(seen.subarray(0, HANDSHAKE_BYTES));
  return 'infoHash' in handshake ? handshake : 'unknown';
}

/** Where a socket comes from, IPv4-mapped addresses as IPv4; undefined when it is gone already. */
export function remoteAddress(socket: Socket): Address | undefined {
  const ip = socket.remoteAddress === undefined ? undefined : parseIp(socket.remoteAddress.replace(/%.*$/, ''));
  return ip && { host: formatIp(ip), port: socket.remotePort ?? 0 };
}

function listen(server: Server, bind: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void => {
      if (error.code === 'EAFNOSUPPORT' && bind === '::') {
        // A machine without IPv6 still has every IPv4 address.
        server.listen({ host: '0.0.0.0', port, backlog: BACKLOG });
        return;
      }
      reject(bindError(error, bind, port));
    };
    server.on('error', failed);
    server.once('listening', () => {
      server.off('error', failed);
      resolve();
    });
    server.listen({ host: bind, port, backlog: BACKLOG });
  });
}

function bindError(error: NodeJS.ErrnoException, bind: string, port: number): MonsoonError {
  if (error.code === 'EADDRINUSE') {
    return new MonsoonError(
      'port-taken',
      `port ${port} is taken. Choose another with --port, or --port 0 for a free one`,
      error,
    );
  }
  if (error.code === 'EACCES') {
    return new MonsoonError(
      'permission',
      `no permission to listen on port ${port}. Use a port above 1023, or setcap`,
      error,
    );
  }
  return new MonsoonError('config', `cannot listen on ${bind} port ${port}: ${error.message}`, error);
}
