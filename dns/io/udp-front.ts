/**
 * DNS over UDP: every datagram to the one who answers it, and the answer back. Under load, whatever has come besides the
 * datagram that the runtime tells of is answered by the batch, where the system has calls for that.
 */
import type { Socket } from 'node:dgram';
import type { AnswerDatagram, Exchange } from '../../src/ports/index.ts';
import { UDP_BYTES_MAX } from '../index.ts';
import { sourceIp } from './source-ip.ts';

/** Batches in one turn of the event loop, before everything else has its own: about ten milliseconds. */
const BATCHES_A_TURN = 16;

/** Serves what comes to `socket`, of which `exchange` may take its share. */
export function serveUdp(socket: Socket, exchange: Exchange | undefined, answer: AnswerDatagram): void {
  const reply = Buffer.alloc(UDP_BYTES_MAX);
  let batches = 0;
  const endTurn = (): void => {
    batches = 0;
  };
  const exchangeMore = (): boolean => {
    // The runtime tells of 32 datagrams in one turn, each of which would be followed by as many batches.
    if (!exchange || batches >= BATCHES_A_TURN) return false;
    if (batches++ === 0) setImmediate(endTurn);
    return exchange(answer);
  };
  socket.on('message', (bytes, { address, port }) => {
    const ip = sourceIp(address);
    const length = ip && port > 0 ? answer(bytes, ip, reply) : 0;
    // A copy: the kernel may take it after the next one is written.
    if (length > 0) socket.send(Buffer.from(reply.subarray(0, length)), port, address, ignoreLoss);
    while (exchangeMore());
  });
}

/** A datagram that cannot be sent is the asker's loss: resolvers ask again. */
function ignoreLoss(): void {}
