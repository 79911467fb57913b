/**
 * Sockets that the kernel keeps on one network device (SO_BINDTODEVICE), which Node has no call for: a source address
 * alone does not choose the way a packet leaves (a destination on another interface's network would go out there).
 * Made with libc through node:ffi, so on Linux only; elsewhere `openPinning` resolves to undefined.
 */
import { isIPv6 } from 'node:net';
import { parseIp } from '../base/index.ts';

const AF_INET = 2;
const AF_INET6 = 10;
const KIND = { tcp: 1, udp: 2 } as const;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_BINDTODEVICE = 25;
/** IFNAMSIZ, with the closing zero. */
const DEVICE_BYTES_MAX = 16;

export interface SocketPlace {
  readonly kind: keyof typeof KIND;
  /** Local address to bind; its family is the socket's. */
  readonly host: string;
  /** Local port to bind; undefined leaves the socket unbound. */
  readonly port: number | undefined;
}

/** Opens a socket pinned to a device: its descriptor, or undefined when the kernel refuses. */
export type OpenPinned = (device: string, place: SocketPlace) => number | undefined;

/** Loads libc; undefined where that cannot be done, or the kernel does not let us. */
export async function openPinning(): Promise<OpenPinned | undefined> {
  if (process.platform !== 'linux') return undefined;
  try {
    // Imported only when somebody binds to something: the module is experimental, and says so on stderr.
    const ffi = await import('node:ffi');
    const libc = loadLibc(ffi);
    // Before Linux 5.7 this took a capability that nobody runs a client with.
    const probe = open(libc, 'lo', { kind: 'udp', host: '127.0.0.1', port: undefined });
    if (probe === undefined) return undefined;
    libc.close(probe);
    return (device, place) => open(libc, device, place);
  } catch {
    // A Node built without it, or a libc that names these calls otherwise: the source address alone has to do.
    return undefined;
  }
}

type Ffi = typeof import('node:ffi');
type Libc = ReturnType<typeof loadLibc>;

function loadLibc({ dlopen }: Ffi) {
  return dlopen(null, {
    socket: { arguments: ['int32', 'int32', 'int32'], return: 'int32' },
    setsockopt: { arguments: ['int32', 'int32', 'int32', 'pointer', 'uint32'], return: 'int32' },
    bind: { arguments: ['int32', 'pointer', 'uint32'], return: 'int32' },
    close: { arguments: ['int32'], return: 'int32' },
  }).functions;
}

function open(libc: Libc, device: string, { kind, host, port }: SocketPlace): number | undefined {
  const fd = libc.socket(isIPv6(host) ? AF_INET6 : AF_INET, KIND[kind] | SOCK_CLOEXEC, 0);
  if (fd < 0) return undefined;
  const set = (option: number, value: ArrayBuffer): boolean =>
    libc.setsockopt(fd, SOL_SOCKET, option, value, value.byteLength) === 0;
  const name = new Uint8Array(DEVICE_BYTES_MAX);
  name.set(new TextEncoder().encode(device).subarray(0, DEVICE_BYTES_MAX - 1));
  let isGood = set(SO_BINDTODEVICE, name.buffer);
  if (isGood && port !== undefined) {
    if (kind === 'tcp') set(SO_REUSEADDR, Int32Array.of(1).buffer);
    const address = socketAddress(host, port);
    isGood = libc.bind(fd, address, address.byteLength) === 0;
  }
  if (isGood) return fd;
  libc.close(fd);
  return undefined;
}

/** struct sockaddr_in or sockaddr_in6 of Linux. */
function socketAddress(host: string, port: number): ArrayBuffer {
  const isSix = isIPv6(host);
  const bytes = new Uint8Array(isSix ? 28 : 16);
  // The family is in the machine's order, everything else in the network's.
  bytes.set(new Uint8Array(Uint16Array.of(isSix ? AF_INET6 : AF_INET).buffer));
  new DataView(bytes.buffer).setUint16(2, port);
  bytes.set(parseIp(host)!, isSix ? 8 : 4);
  return bytes.buffer;
}
