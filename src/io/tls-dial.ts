/**
 * TLS on dialled connections: connects, shakes hands, and tells which node is at the other end. A peer that is not the
 * node that was meant, or none of ours at all, is never given a byte beyond the handshake.
 */
import type { TcpNetConnectOpts } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { type Fault, fault, type NodeId } from '../base/index.ts';
import { type NodeTls, nodeIdOf, WEB_PROTOCOLS } from './tls-context.ts';

export type TlsFault = Fault<'tls-failed' | 'wrong-node'>;

/**
 * Connects like `net.connect`, `onread` with its reused buffer included, and calls `settled` once: with the node id
 * that the peer proved, or with the fault after which the socket is destroyed. Sets no time limit.
 * @param meant who must answer; undefined takes any node and learns its id
 */
export function connectTls(
  options: TcpNetConnectOpts,
  { client }: NodeTls,
  meant: NodeId | undefined,
  settled: (peer: NodeId | TlsFault) => void,
): TLSSocket {
  // The certificate is signed by its own key: what proves it is the handshake, and whose it must be is checked below.
  const socket = connect({
    ...options,
    secureContext: client,
    ALPNProtocols: [...WEB_PROTOCOLS],
    rejectUnauthorized: false,
  });
  let isSettled = false;
  const settle = (peer: NodeId | TlsFault): void => {
    if (isSettled) return;
    isSettled = true;
    settled(peer);
  };
  const refuse = (why: TlsFault): void => {
    socket.destroy();
    settle(why);
  };
  socket.once('secureConnect', () => {
    const peer = nodeIdOf(socket);
    if (peer === undefined) refuse(fault('wrong-node', 'what answers is no monsoon node'));
    else if (meant !== undefined && peer !== meant) refuse(fault('wrong-node', `the node that answers is ${peer}`));
    else settle(peer);
  });
  // It stays: an error between the handshake and the socket's first owner must find somebody.
  socket.on('error', (error) => refuse(fault('tls-failed', error.message)));
  socket.once('close', () => settle(fault('tls-failed', 'the connection was closed')));
  return socket;
}
