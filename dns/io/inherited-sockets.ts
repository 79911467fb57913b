/**
 * Sockets that systemd opened for us (sd_listen_fds): port 53 without being root. It tells how many there are, from
 * descriptor 3 on; which is for datagrams and which for connections, and of which family, the kernel's tables tell.
 */
import { readFileSync, readlinkSync } from 'node:fs';
import { MonsoonError } from '../../src/base/index.ts';

const FIRST_DESCRIPTOR = 3;
const DESCRIPTORS_MAX = 16;
const TABLES = ['udp', 'udp6', 'tcp', 'tcp6'] as const;
const INODE_COLUMN = 9;

export interface InheritedSockets {
  readonly udp: { readonly fd: number; readonly family: 'udp4' | 'udp6' };
  readonly tcp: { readonly fd: number };
}

/** The pair that was passed on; undefined when none was meant for this process. */
export function inheritedSockets(environment: NodeJS.ProcessEnv): InheritedSockets | undefined {
  const { LISTEN_PID, LISTEN_FDS } = environment;
  // Its own or that of the launcher before it, which passes them on.
  const isMeant = LISTEN_PID === String(process.pid) || LISTEN_PID === String(process.ppid);
  const count = isMeant && /^[0-9]{1,2}$/.test(LISTEN_FDS ?? '') ? Math.min(Number(LISTEN_FDS), DESCRIPTORS_MAX) : 0;
  if (count === 0) return undefined;
  const found = Array.from({ length: count }, (_, i) => i + FIRST_DESCRIPTOR).map((fd) => ({ fd, kind: kindOf(fd) }));
  const udp = found.find(({ kind }) => kind?.startsWith('udp'));
  const tcp = found.find(({ kind }) => kind?.startsWith('tcp'));
  if (!udp || !tcp) {
    const text = 'DNS needs a ListenDatagram= and a ListenStream= of its socket unit: see config/monsoon-dns.socket.';
    throw new MonsoonError('config', text);
  }
  return { udp: { fd: udp.fd, family: udp.kind === 'udp6' ? 'udp6' : 'udp4' }, tcp: { fd: tcp.fd } };
}

/** The kernel's table that has this descriptor's socket. */
function kindOf(fd: number): (typeof TABLES)[number] | undefined {
  const inode = /^socket:\[(\d+)\]$/.exec(linkOf(fd))?.[1];
  if (inode === undefined) return undefined;
  return TABLES.find((table) =>
    readFileSync(`/proc/net/${table}`, 'latin1')
      .split('\n')
      .some((row) => row.trim().split(/\s+/)[INODE_COLUMN] === inode),
  );
}

function linkOf(fd: number): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    // Not open, or a system without /proc: no socket of ours.
    return '';
  }
}
