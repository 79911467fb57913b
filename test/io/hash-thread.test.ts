import assert from 'node:assert/strict';
import { createHash, getRandomValues } from 'node:crypto';
import { after, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { HashThread } from '../../src/io/hash-thread.ts';
import { MESSAGES_AT, PAGE_BYTES, Sha1Lanes } from '../../src/io/sha1-lanes.ts';

const sha1Of = (bytes: Uint8Array): string => createHash('sha1').update(bytes).digest('hex');
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Content that no wrong place or length hashes to; which bytes it is does not matter. */
function fill(bytes: Uint8Array): Uint8Array {
  for (let at = 0; at < bytes.length; at += 65_536) {
    bytes.set(getRandomValues(new Uint8Array(Math.min(65_536, bytes.length - at))), at);
  }
  return bytes;
}

test('four lanes say what the runtime says, from one block to a mebibyte', () => {
  const pages = (MESSAGES_AT + 4 * 1_048_576) / PAGE_BYTES;
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  const lanes = new Sha1Lanes(memory);
  for (const length of [64, 128, 4096, 16_384, 1_048_576]) {
    const messages = [0, 1, 2, 3].map((lane) =>
      fill(new Uint8Array(memory.buffer, MESSAGES_AT + lane * 1_048_576, length)),
    );
    const digests = lanes.digest(
      messages.map(({ byteOffset }) => byteOffset),
      length,
    );
    assert.deepEqual(digests.map(hex), messages.map(sha1Of), `${length} bytes`);
  }
});

test('lanes refuse a message that does not end with a block', () => {
  assert.equal(Sha1Lanes.suits(16_384), true);
  assert.equal(Sha1Lanes.suits(16_383), false);
});

test('the thread hashes alone, in company, and what fits no lane', async () => {
  const thread = HashThread.start()!;
  after(() => thread.close());
  await thread.ready;
  const lengths = [16_384, 16_384, 16_384, 16_384, 1_048_576, 12_345, 1, 16_384, 262_144];
  const messages = lengths.map((length) => fill(thread.take(length)!));
  const digests = await Promise.all(messages.map((bytes) => thread.digest(bytes)));
  assert.deepEqual(digests.map(hex), messages.map(sha1Of));
});

test('memory is lent once at a time, comes back, and ends', () => {
  const thread = HashThread.start()!;
  after(() => thread.close());
  const lent: Uint8Array[] = [];
  for (let bytes = thread.take(1_000_000); bytes; bytes = thread.take(1_000_000)) lent.push(bytes);
  assert.equal(new Set(lent.map(({ byteOffset }) => byteOffset)).size, lent.length);
  assert.equal(thread.take(16_384), undefined);
  const [first] = lent;
  assert.ok(first && thread.owns(first));
  thread.give(first);
  assert.equal(thread.take(1_048_576)?.byteOffset, first.byteOffset);
  assert.equal(thread.take(1_048_577), undefined);
  assert.equal(thread.owns(new Uint8Array(1)), false);
});

test('where the system gives no thread there is none, and where it is lost what it was asked is hashed here', async () => {
  const refused = (): never => {
    throw Object.assign(new Error('EAGAIN'), { code: 'ERR_WORKER_INIT_FAILED' });
  };
  assert.equal(HashThread.start(refused), undefined);

  const script = `const { parentPort } = require('node:worker_threads');
    parentPort.postMessage({ type: 'ready' });
    parentPort.once('message', () => { throw new Error('out of memory'); });`;
  const thread = HashThread.start(() => new Worker(script, { eval: true }))!;
  await thread.ready;
  const messages = [16_384, 100_000].map((length) => fill(thread.take(length)!));
  const digests = await Promise.all(messages.map((bytes) => thread.digest(bytes)));
  assert.deepEqual(digests.map(hex), messages.map(sha1Of));
  assert.equal(thread.takes(thread.take(16_384)!), false);
});
