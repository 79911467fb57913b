/** Sockets as the kernel gives them: a descriptor that Node's own sockets can be opened with. */
import { isIPv6 } from 'node:net';
import { parseIp } from '../base/index.ts';
import type { Libc } from './libc.ts';

const AF_INET = 2;
const AF_INET6 = 10;
const KIND = { tcp: 1, udp: 2 } as const;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_BINDTODEVICE = 25;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;
/** IFNAMSIZ, with the closing zero. */
const DEVICE_BYTES_MAX = 16;

export interface SocketPlace {
  readonly kind: keyof typeof KIND;
  /** Local address to bind; its family is the socket's. */
  readonly host: string;
  /** Local port to bind; undefined leaves the socket unbound. */
  readonly port: number | undefined;
  /** Lets other sockets of this machine have the port as well; `::` is IPv6 alone then. */
  readonly isShared?: boolean;
}

/** Opens a socket, pinned to a device where one is named: its descriptor, or undefined when the kernel refuses. */
export function openRawSocket(
  libc: Libc,
  { kind, host, port, isShared = false }: SocketPlace,
  device?: string,
): number | undefined {
  const fd = libc.socket(isIPv6(host) ? AF_INET6 : AF_INET, KIND[kind] | SOCK_CLOEXEC, 0);
  if (fd < 0) return undefined;
  const set = (option: number, value: ArrayBuffer, level = SOL_SOCKET): boolean =>
    libc.setsockopt(fd, level, option, value, value.byteLength) === 0;
  let isGood = device === undefined || set(SO_BINDTODEVICE, deviceName(device));
  if (isGood && port !== undefined) {
    if (kind === 'tcp' || isShared) set(SO_REUSEADDR, Int32Array.of(1).buffer);
    if (isShared && isIPv6(host)) set(IPV6_V6ONLY, Int32Array.of(1).buffer, IPPROTO_IPV6);
    const address = socketAddress(host, port);
    isGood = libc.bind(fd, address, address.byteLength) === 0;
  }
  if (isGood) return fd;
  libc.close(fd);
  return undefined;
}

function deviceName(device: string): ArrayBuffer {
  const name = new Uint8Array(DEVICE_BYTES_MAX);
  name.set(new TextEncoder().encode(device).subarray(0, DEVICE_BYTES_MAX - 1));
  return name.buffer;
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
