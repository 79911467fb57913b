import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { type UploadPort, UploadQueue } from '../../src/io/upload-queue.ts';
import { BLOCK_BYTES } from '../../src/wire/index.ts';

const KEPT = 8;

/** A queue whose port notes what is sent, and says that it left when it is told to. */
class Sender {
  readonly sent: Uint8Array[] = [];
  readonly queue: UploadQueue;
  #leave: (() => void)[] = [];

  constructor(port: Partial<UploadPort> = {}) {
    this.queue = new UploadQueue({
      mayServe: () => true,
      read: async () => {},
      write: (bytes, sent) => {
        this.sent.push(bytes);
        this.#leave.push(sent);
      },
      unsentBytes: () => 0,
      allow: () => Number.POSITIVE_INFINITY,
      spend: () => {},
      reject: () => {},
      served: () => {},
      hear: () => {},
      readFailed: () => {},
      ...port,
    });
  }

  async send(): Promise<void> {
    this.queue.add(0, 0, BLOCK_BYTES);
    this.queue.pump();
    await setImmediate();
  }

  leave(): void {
    const leave = this.#leave;
    this.#leave = [];
    for (const sent of leave) sent();
  }
}

const memoriesOf = (senders: readonly Sender[]): ReadonlySet<ArrayBufferLike> =>
  new Set(senders.flatMap(({ sent }) => sent.map(({ buffer }) => buffer)));

const uncounted = (memories: ReadonlySet<ArrayBufferLike>): number =>
  [...memories].filter((memory) => memory instanceof SharedArrayBuffer).length;

test('however many links send at once, few buffers are kept, and the collector counts all others', async () => {
  const senders = Array.from({ length: 3 * KEPT }, () => new Sender());
  for (let burst = 0; burst < 4; burst++) {
    await Promise.all(senders.map((sender) => sender.send()));
    for (const sender of senders) sender.leave();
  }
  const memories = memoriesOf(senders);
  assert.equal(uncounted(memories), KEPT);
  assert.ok(memories.size > senders.length, 'those beyond are made anew');
});

test('a buffer comes back from a read that fails and from a link that closes while it reads', async () => {
  const failing = new Sender({ read: () => Promise.reject(new Error('EIO')) });
  const closing: Sender = new Sender({ read: async () => closing.queue.close() });
  for (let turn = 0; turn < 2 * KEPT; turn++) await failing.send();
  await closing.send();
  const senders = Array.from({ length: KEPT }, () => new Sender());
  await Promise.all(senders.map((sender) => sender.send()));
  assert.deepEqual([uncounted(memoriesOf(senders)), failing.sent.length, closing.sent.length], [KEPT, 0, 0]);
});
