// Stands between two nodes and counts what goes through, TCP and IP not counted.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import type { TestContext } from 'node:test';

export interface CountingRelay {
  /** Where it listens. */
  readonly port: number;
  /** Bytes that whoever connected sent. */
  readonly sent: number;
  /** Bytes that came back to him. */
  readonly received: number;
  /** For each connection, what resolves when both its halves are closed. */
  readonly connections: readonly Promise<unknown>[];
}

/** Opens a relay to a port of this machine. */
export async function countingRelay(t: TestContext, to: number): Promise<CountingRelay> {
  const connections: Promise<unknown>[] = [];
  const counted = { sent: 0, received: 0, connections };
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect({ port: to, host: '127.0.0.1', allowHalfOpen: true });
    near.on('data', ({ length }) => (counted.sent += length)).pipe(far);
    far.on('data', ({ length }) => (counted.received += length)).pipe(near);
    near.on('error', () => far.destroy());
    far.on('error', () => near.destroy());
    const halves = [near, far];
    connections.push(Promise.all(halves.map((half) => new Promise((resolve) => half.once('close', resolve)))));
    t.after(() => halves.map((half) => half.destroy()));
  }).listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  return Object.assign(counted, { port: (server.address() as AddressInfo).port });
}
