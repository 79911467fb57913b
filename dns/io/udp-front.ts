/**
 * DNS over UDP: every datagram to the one who answers it, and the answer back. Under load, whatever has come besides the
 * datagram that the runtime tells of is answered by the batch, where the system has calls for that.
 */
import type { Socket } from 'node:dgram';
import type { AnswerDatagram, Exchange } from '../../src/ports/index.ts';
import { UDP_BYTES_MAX } from '../index.ts';
import { sourceIp } from './source-ip.ts';

/** Batches in a row, before connections have their turn: some milliseconds. */
const BATCHES_MAX = 8;

/** Serves what comes to `socket`, of which `exchange` may take its share. */
export function serveUdp(socket: Socket, exchange: Exchange | undefined, answer: AnswerDatagram): void {
  const reply = Buffer.alloc(UDP_BYTES_MAX);
  socket.on('message', (bytes, { address, port }) => {
    const ip = sourceIp(address);
    const length = ip && port > 0 ? answer(bytes, ip, reply) : 0;
    // A copy: the kernel may take it after the next one is written.
    if (length > 0) socket.send(Buffer.from(reply.subarray(0, length)), port, address, ignoreLoss);
    for (let batches = 0; batches < BATCHES_MAX && exchange?.(answer); batches++);
  });
}

/** A datagram that cannot be sent is the asker's loss: resolvers ask again. */
function ignoreLoss(): void {}
