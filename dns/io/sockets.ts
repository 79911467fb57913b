/** The two sockets that a responder has at one place, UDP and TCP on one port: bound by us, or opened by systemd and passed on. */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, isIPv6, type Server } from 'node:net';
import { assert } from '../../src/base/index.ts';
import type { Batching, Exchange, ListeningPlaces, Place } from '../../src/ports/index.ts';
import { QUERY_BYTES_MAX, UDP_BYTES_MAX } from '../index.ts';
import type { InheritedSockets } from './inherited-sockets.ts';

/** What the kernel keeps for us while other things run: some thousand queries. */
const RECEIVE_BUFFER_BYTES = 4 * 2 ** 20;

export interface SocketPair {
  readonly udp: UdpSocket;
  /** Answers by the batch; undefined where the system cannot. */
  readonly exchange: Exchange | undefined;
  readonly tcp: Server;
  readonly port: number;
}

export interface SocketMaker {
  readonly network: Pick<ListeningPlaces, 'heldSocket'>;
  readonly batching: Batching | undefined;
}

/**
 * Opens both; rejects with the system's error when the port cannot be had, or a socket cannot be held to the device.
 * @param port 0 picks one, which another program may have for datagrams
 */
export async function openPair(place: Place, port: number, { network, batching }: SocketMaker): Promise<SocketPair> {
  const { host, device } = place;
  const tcp = createServer();
  const udp = newUdp(isIPv6(host) ? 'udp6' : 'udp4');
  try {
    // Where no descriptor could be had, the plain call fails as well and says why.
    const tcpFd = network.heldSocket('tcp', place, port);
    const accepting = once(tcp, 'listening');
    tcp.listen(tcpFd === undefined ? { port, host } : { fd: tcpFd });
    await accepting;
    const chosen = portOf(tcp);
    const udpFd = device === undefined ? batching?.open(host, chosen) : network.heldSocket('udp', place, chosen);
    // It may be listening when bind returns, because nothing is looked up.
    const bound = once(udp, 'listening');
    udp.bind(udpFd === undefined ? { port: chosen, address: host } : { fd: udpFd });
    await bound;
    const isHeld = device === undefined || (tcpFd !== undefined && udpFd !== undefined);
    if (!isHeld) throw new Error(`the system does not hold it to ${device}`);
    return guarded({ udp, exchange: exchangeOf(batching, udpFd), tcp, port: chosen });
  } catch (cause) {
    tcp.close();
    udp.close();
    throw cause;
  }
}

/** What was passed on to us. */
export async function adoptPair(inherited: InheritedSockets, batching: Batching | undefined): Promise<SocketPair> {
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

function guarded(pair: SocketPair): SocketPair {
  pair.udp.on('error', ignoreLoss);
  pair.tcp.on('error', ignoreLoss);
  return pair;
}

function portOf(tcp: Server): number {
  const bound = tcp.address();
  assert(bound !== null && typeof bound === 'object', 'a listening TCP server has a port');
  return bound.port;
}

/** A datagram or connection that fails is the asker's loss: resolvers ask again. */
function ignoreLoss(): void {}
