/**
 * Sockets that the kernel keeps on one network device (SO_BINDTODEVICE), which Node has no call for: a source address
 * alone does not choose the way a packet leaves (a destination on another interface's network would go out there).
 */
import { loadLibc } from './libc.ts';
import { openRawSocket, type SocketPlace } from './raw-socket.ts';

/** Opens a socket pinned to a device: its descriptor, or undefined when the kernel refuses. */
export type OpenPinned = (device: string, place: SocketPlace) => number | undefined;

/** Undefined where it cannot be done, or the kernel does not let us. */
export function openPinning(): OpenPinned | undefined {
  const libc = loadLibc();
  if (!libc) return undefined;
  // Before Linux 5.7 this took a capability that nobody runs a client with.
  const probe = openRawSocket(libc, { kind: 'udp', host: '127.0.0.1', port: undefined }, 'lo');
  if (probe === undefined) return undefined;
  libc.close(probe);
  return (device, place) => openRawSocket(libc, place, device);
}
