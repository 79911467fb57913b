// Datagrams by the batch: a flood of them leaves every other part of the process its turn.
import assert from 'node:assert/strict';
import type { Socket } from 'node:dgram';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { serveUdp } from '../../dns/io/udp-front.ts';

/** What the runtime tells of in one turn. */
const EVENTS_A_TURN = 32;
const BATCHES_A_TURN = 16;

test('however many datagrams come, a turn of the event loop answers a bounded number of batches', async () => {
  const socket = new EventEmitter();
  let batches = 0;
  const endless = (): boolean => Boolean(++batches);
  serveUdp(socket as Socket, endless, () => 0);
  for (let turns = 1; turns <= 3; turns++) {
    for (let i = 0; i < EVENTS_A_TURN; i++)
      socket.emit('message', new Uint8Array(40), { address: '127.0.0.1', port: 9 });
    assert.equal(batches, turns * BATCHES_A_TURN);
    await turn();
  }
});
