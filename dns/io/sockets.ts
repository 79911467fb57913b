/** The two sockets of a responder, UDP and TCP on one port: bound by us, or opened by systemd and passed on. */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, isIPv6, type Server } from 'node:net';
import { assert, MonsoonError } from '../../src/base/index.ts';
import type { Batching, Exchange } from '../../src/ports/index.ts';
import { QUERY_BYTES_MAX, UDP_BYTES_MAX } from '../index.ts';
import { type InheritedSockets, inheritedSockets } from './inherited-sockets.ts';

/** Tries at a free port that is free for UDP and TCP alike. */
const PORT_TRIES = 10;
/** What the kernel keeps for us while other things run: some thousand queries. */
const RECEIVE_BUFFER_BYTES = 4 * 2 ** 20;

export interface Listening {
  readonly udp: UdpSocket;
  /** Answers by the batch; undefined where the system cannot. */
  readonly exchange: Exchange | undefined;
  readonly tcp: Server;
  readonly port: number;
}

export interface Where {
  /** 0 picks a port that is free for UDP and TCP. */
  readonly port: number;
  /** The address to listen on; `::` means every one. */
  readonly bind: string;
  readonly batching: Batching | undefined;
}

/** Opens both; rejects with a MonsoonError when the port cannot be had. */
export async function openSockets(where: Where): Promise<Listening> {
  const inherited = inheritedSockets(process.env);
  if (inherited) return adopt(inherited, where.batching);
  for (let attempt = 1; ; attempt++) {
    const tcp = createServer();
    const udp = newUdp(isIPv6(where.bind) ? 'udp6' : 'udp4');
    try {
      tcp.listen({ port: where.port, host: where.bind });
      await once(tcp, 'listening');
      const port = portOf(tcp);
      // It may be listening when bind returns, because nothing is looked up.
      const bound = once(udp, 'listening');
      // Refused where it is taken, too; then the socket says why.
      const fd = where.batching?.open(where.bind, port);
      udp.bind(fd === undefined ? { port, address: where.bind } : { fd });
      await bound;
      return guarded({ udp, exchange: exchangeOf(where.batching, fd), tcp, port });
    } catch (cause) {
      tcp.close();
      udp.close();
      const isTaken = (cause as NodeJS.ErrnoException).code === 'EADDRINUSE';
      if (where.port !== 0 || !isTaken || attempt === PORT_TRIES) throw bindFailure(where, cause);
    }
  }
}

async function adopt(inherited: InheritedSockets, batching: Batching | undefined): Promise<Listening> {
  const tcp = createServer();
  const udp = newUdp(inherited.udp.family);
  const listening = Promise.all([once(tcp, 'listening'), once(udp, 'listening')]);
  tcp.listen({ fd: inherited.tcp.fd });
  udp.bind({ fd: inherited.udp.fd });
  await listening;
  return guarded({ udp, exchange: exchangeOf(batching, inherited.udp.fd), tcp, port: udp.address().port });
}

function exchangeOf(batching: Batching | undefined, fd: number | undefined): Exchange | undefined {
  return fd === undefined ? undefined : batching?.exchangeOf(fd, Math.max(QUERY_BYTES_MAX, UDP_BYTES_MAX));
}

/** Answers go to addresses, so there is nothing to look up; asking the system's resolver costs more than the answer. */
function newUdp(type: 'udp4' | 'udp6'): UdpSocket {
  const family = type === 'udp6' ? 6 : 4;
  const lookup = (host: string, _options: unknown, found: (error: null, host: string, family: number) => void): void =>
    found(null, host, family);
  return createSocket({ type, lookup: lookup as never, recvBufferSize: RECEIVE_BUFFER_BYTES });
}

function guarded(listening: Listening): Listening {
  listening.udp.on('error', ignoreLoss);
  listening.tcp.on('error', ignoreLoss);
  return listening;
}

function portOf(tcp: Server): number {
  const bound = tcp.address();
  assert(bound !== null && typeof bound === 'object', 'a listening TCP server has a port');
  return bound.port;
}

function bindFailure({ port, bind }: Where, cause: unknown): MonsoonError {
  const { code, message } = cause as NodeJS.ErrnoException;
  if (code === 'EACCES') {
    const text = `DNS may not use port ${port}: choose --dns-port above 1023, or see docs/DNS.md.`;
    return new MonsoonError('permission', text, cause);
  }
  if (code === 'EADDRINUSE') {
    const text = `DNS cannot use port ${port} of ${bind}, another program has it: stop that, or choose another --dns-port.`;
    return new MonsoonError('port-taken', text, cause);
  }
  return new MonsoonError('config', `DNS cannot listen on port ${port} of ${bind}: ${message}.`, cause);
}

/** A datagram or connection that fails is the asker's loss: resolvers ask again. */
function ignoreLoss(): void {}
