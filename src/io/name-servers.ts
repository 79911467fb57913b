/**
 * Asks name servers by the address and interface that the node is bound to, which the system's own lookup does not know:
 * over UDP, and over TCP where an answer is too long. A server of this machine is asked too; what it does then is its own.
 */
import { randomInt } from 'node:crypto';
import { createSocket, type RemoteInfo } from 'node:dgram';
import { connect, isIPv6, type Socket } from 'node:net';
import { type AskedRecord, type AskedType, encodeQuestion, type NameReply, readNameReply } from '../../dns/index.ts';
import {
  type Address,
  formatAddress,
  formatIp,
  type Instant,
  later,
  parseIp,
  reachOf,
  readUint16,
} from '../base/index.ts';
import { now } from './alarm-clock.ts';
import type { BoundNetwork } from './bound-network.ts';

const TIMEOUT_MS = 2000;
const TRIES = 2;
/** Servers that are asked, one after the other. */
const SERVERS_MAX = 3;
/** So long whoever was silent is asked after all others: a lookup takes several questions, and a page of them many. */
const SILENT_MS = 60_000;
const IDS = 2 ** 16;
const LENGTH_BYTES = 2;

/** Until when servers count as silent; only those of the last minute. */
const silentUntil = new Map<string, Instant>();

/** The records of a name, from the first server that can say; none where nobody can. Never rejects. */
export async function askServers(
  network: BoundNetwork,
  servers: readonly Address[],
  name: string,
  type: AskedType,
): Promise<readonly AskedRecord[]> {
  for (let round = 0; round < TRIES; round++) {
    for (const server of inTurn(servers.slice(0, SERVERS_MAX))) {
      const question = encodeQuestion(randomInt(IDS), name, type);
      if (!question) return [];
      const short = await askByDatagram(network, server, question);
      const reply = short?.isTruncated ? await askByStream(network, server, question) : short;
      if (reply) silentUntil.delete(formatAddress(server));
      else silentUntil.set(formatAddress(server), later(now(), SILENT_MS));
      if (reply?.isAnswer) return reply.records;
    }
  }
  return [];
}

/** In the order given, but those that were silent a moment ago last. */
function inTurn(servers: readonly Address[]): Address[] {
  const time = now();
  for (const [server, until] of silentUntil) if (until <= time) silentUntil.delete(server);
  const rank = (server: Address): number => (silentUntil.has(formatAddress(server)) ? 1 : 0);
  return servers.toSorted((one, other) => rank(one) - rank(other));
}

function askByDatagram(network: BoundNetwork, server: Address, question: Uint8Array): Promise<NameReply | undefined> {
  const binding = network.bindingTowards(server.host);
  if (!binding) return Promise.resolve(undefined);
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(server.host) ? { type: 'udp6', ipv6Only: true } : { type: 'udp4' });
    let isOpen = true;
    const settle = (reply: NameReply | undefined): void => {
      if (!isOpen) return;
      isOpen = false;
      clearTimeout(timer);
      socket.close();
      resolve(reply);
    };
    const timer = setTimeout(() => settle(undefined), TIMEOUT_MS);
    socket.on('error', () => settle(undefined));
    socket.on('message', (bytes, source) => {
      const reply = isFrom(source, server) ? readNameReply(question, bytes) : undefined;
      if (reply) settle(reply);
    });
    socket.bind(binding, () =>
      socket.send(question, server.port, server.host, (error) => {
        if (error) settle(undefined);
      }),
    );
  });
}

function askByStream(network: BoundNetwork, server: Address, question: Uint8Array): Promise<NameReply | undefined> {
  return new Promise((resolve) => {
    const socket = connectTo(network, server);
    let bytes: Uint8Array = new Uint8Array(0);
    const settle = (reply: NameReply | undefined): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(reply);
    };
    const timer = setTimeout(() => settle(undefined), TIMEOUT_MS);
    socket.on('error', () => settle(undefined));
    socket.on('close', () => settle(undefined));
    socket.on('data', (more: Buffer) => {
      bytes = Buffer.concat([bytes, more]);
      const end = bytes.length < LENGTH_BYTES ? Number.POSITIVE_INFINITY : LENGTH_BYTES + readUint16(bytes, 0);
      if (bytes.length >= end) settle(readNameReply(question, bytes.subarray(LENGTH_BYTES, end)));
    });
    socket.write(Buffer.concat([Buffer.of(question.length >>> 8, question.length & 255), question]));
  });
}

function connectTo(network: BoundNetwork, { host, port }: Address): Socket {
  // A server of this machine may answer nobody whose own address is another one.
  if (reachOf(host) === 'loopback') return connect({ host, port });
  return network.open(host, (from) => connect({ host, port, ...from }));
}

function isFrom({ address, port }: RemoteInfo, server: Address): boolean {
  const ip = parseIp(address);
  return port === server.port && ip !== undefined && formatIp(ip) === server.host;
}
