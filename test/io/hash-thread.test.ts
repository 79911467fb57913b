import assert from 'node:assert/strict';
import { createHash, getRandomValues } from 'node:crypto';
import { closeSync, openSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { HashThread } from '../../src/io/hash-thread.ts';
import { PartedHash } from '../../src/io/parted-hash.ts';
import { LANES_MAX, Sha1Lanes } from '../../src/io/sha1-lanes.ts';
import { temporaryFolder } from './loopback-node.ts';

const sha1Of = (bytes: Uint8Array): string => createHash('sha1').update(bytes).digest('hex');
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Content that no wrong place or length hashes to; which bytes it is does not matter. */
function fill(bytes: Uint8Array): Uint8Array {
  for (let at = 0; at < bytes.length; at += 65_536) {
    bytes.set(getRandomValues(new Uint8Array(Math.min(65_536, bytes.length - at))), at);
  }
  return bytes;
}

const digestOf = (bytes: Uint8Array): Buffer => createHash('sha1').update(bytes).digest();

/** The SHA-1 of other bytes, one bit away. */
function wrongDigestOf(bytes: Uint8Array): Buffer {
  const digest = digestOf(bytes);
  digest[19]! ^= 1;
  return digest;
}

/** What the thread says of messages of which those at even places are expected, and the others are not. */
async function verdicts(thread: HashThread, messages: readonly Uint8Array[]): Promise<readonly boolean[]> {
  const expected = messages.map((bytes, i) => (i % 2 === 0 ? digestOf(bytes) : wrongDigestOf(bytes)));
  const hashed = await Promise.all(messages.map((bytes, i) => thread.hash(bytes, expected[i]!)));
  return hashed.map(({ isGood }) => isGood);
}
const isEven = (_: unknown, i: number): boolean => i % 2 === 0;

async function readyThread(): Promise<HashThread> {
  const thread = HashThread.start()!;
  after(() => thread.close());
  await thread.ready;
  return thread;
}

/** A file to be written, in a folder of its own. */
function openFile(folder: string): { readonly path: string; readonly fd: number } {
  const path = join(temporaryFolder(folder), 'file');
  const fd = openSync(path, 'w');
  after(() => closeSync(fd));
  return { path, fd };
}

const HAS_LANES = process.platform === 'linux' && process.arch === 'x64';

test('lanes say what the runtime says, of one message to four, of any length and beside any other', {
  skip: !HAS_LANES,
}, () => {
  const memory = new SharedArrayBuffer(LANES_MAX * 1_048_576);
  fill(new Uint8Array(memory));
  const lanes = Sha1Lanes.open(memory)!;
  const lengths = [0, 1, 54, 55, 56, 57, 63, 64, 65, 119, 120, 128, 4096, 16_383, 16_384, 1_048_575, 1_048_576];
  for (const [i, length] of lengths.entries()) {
    const messages = Array.from({ length: 1 + (i % LANES_MAX) }, (_, lane) => ({
      at: lane * 1_048_576,
      length: lengths[(i + lane * i) % lengths.length]!,
    }));
    messages[0]!.length = length;
    assert.deepEqual(
      lanes.digest(messages).map(hex),
      messages.map(({ at, length }) => sha1Of(new Uint8Array(memory, at, length))),
      JSON.stringify(messages),
    );
  }
});

test('lanes take no message that does not lie in their memory, and not more of them than there are', {
  skip: !HAS_LANES,
}, () => {
  const lanes = Sha1Lanes.open(new SharedArrayBuffer(65_536))!;
  assert.throws(() => lanes.digest([{ at: 65_472, length: 65 }]));
  assert.throws(() => lanes.digest([{ at: -64, length: 64 }]));
  assert.throws(() => lanes.digest(new Array(LANES_MAX + 1).fill({ at: 0, length: 64 })));
});

test('the thread hashes alone, in company, and between messages of other lengths', async () => {
  const thread = await readyThread();
  const lengths = [16_384, 16_384, 16_384, 16_384, 1_048_576, 12_345, 1, 16_384, 262_144];
  const messages = lengths.map((length) => fill(thread.take(length)!));
  assert.deepEqual(await verdicts(thread, messages), messages.map(isEven));
  const others = messages.toReversed();
  assert.deepEqual(await verdicts(thread, others), others.map(isEven), 'nothing is left of what was expected before');
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
  const part = thread.take(16_384)!;
  const hashedPart = thread.hashPart(thread.beginMessage(), part, true);
  assert.deepEqual(await verdicts(thread, messages), messages.map(isEven));
  assert.deepEqual(await hashedPart, { digest: undefined, isWritten: false }, 'what came before it is lost');
  const later = [16_384, 16_384].map((length) => fill(thread.take(length)!));
  assert.equal(thread.takes(later[0]!), false);
  assert.deepEqual(await verdicts(thread, later), [true, false], 'asked by who did not know yet');
});

test('what is as expected is written to its place, alone and in company, and nothing else is', async () => {
  const thread = await readyThread();
  const { path, fd } = openFile('hashed');
  const messages = [16_384, 16_384, 16_384, 16_384, 12_345].map((length) => fill(thread.take(length)!));
  const wrong = 2;
  const hashed = await Promise.all(
    messages.map((bytes, i) => {
      const expected = i === wrong ? wrongDigestOf(bytes) : digestOf(bytes);
      return thread.hash(bytes, expected, { fd, position: i * 20_000 });
    }),
  );
  assert.deepEqual(
    hashed.map(({ isGood, isWritten }) => [isGood, isWritten]),
    messages.map((_, i) => [i !== wrong, i !== wrong]),
  );
  const written = readFileSync(path);
  for (const [i, bytes] of messages.entries()) {
    const expected = i === wrong ? new Uint8Array(bytes.length) : bytes;
    assert.ok(written.subarray(i * 20_000, i * 20_000 + bytes.length).equals(expected), `message ${i}`);
  }
});

test('a disk that refuses is told apart from content that is wrong', async () => {
  const thread = await readyThread();
  const path = join(temporaryFolder('refused'), 'file');
  closeSync(openSync(path, 'w'));
  const fd = openSync(path, 'r');
  after(() => closeSync(fd));
  const bytes = fill(thread.take(16_384)!);
  const { isGood, isWritten } = await thread.hash(bytes, digestOf(bytes), { fd, position: 0 });
  assert.deepEqual([isGood, isWritten], [true, false]);
  assert.equal(statSync(path).size, 0);
});

test('after a write that kept it waiting the thread is asked to hash only', async () => {
  // Answers whether it was to write, and that writing took long.
  const script = `const { parentPort } = require('node:worker_threads');
    parentPort.postMessage({ type: 'ready' });
    parentPort.on('message', ({ at, target }) => {
      parentPort.postMessage({ type: 'whole', at, isGood: true, isWritten: target !== undefined, writeMs: 1000 });
    });`;
  const thread = HashThread.start(() => new Worker(script, { eval: true }))!;
  after(() => thread.close());
  await thread.ready;
  const bytes = thread.take(16_384)!;
  const target = { fd: 0, position: 0 };
  assert.equal((await thread.hash(bytes, digestOf(bytes), target)).isWritten, true);
  assert.equal((await thread.hash(bytes, digestOf(bytes), target)).isWritten, false);
});

test('messages in parts are hashed side by side, each part written, and one may be given up', async () => {
  const thread = await readyThread();
  const { path, fd } = openFile('parts');
  const partsOf = (): Uint8Array[] => [65_536, 16_384, 7].map((length) => fill(thread.take(length)!));
  const messages = [partsOf(), partsOf()].map((parts) => ({ number: thread.beginMessage(), parts }));
  const given = thread.beginMessage();
  void thread.hashPart(given, fill(thread.take(16_384)!), false);
  thread.forget(given);
  const hashed = await Promise.all(
    [0, 1, 2].flatMap((i) =>
      messages.map(({ number, parts }, m) =>
        thread.hashPart(number, parts[i]!, i === 2, m === 0 ? { fd, position: i * 100_000 } : undefined),
      ),
    ),
  );
  assert.deepEqual(
    hashed.map(({ digest, isWritten }) => [digest && hex(digest), isWritten]),
    [0, 1, 2].flatMap((i) =>
      messages.map(({ parts }, m) => [i === 2 ? sha1Of(Buffer.concat(parts)) : undefined, m === 0]),
    ),
  );
  const written = readFileSync(path);
  for (const [i, bytes] of messages[0]!.parts.entries()) {
    assert.ok(written.subarray(i * 100_000, i * 100_000 + bytes.length).equals(bytes), `part ${i}`);
  }
  assert.equal(
    hex((await thread.hashPart(given, messages[0]!.parts[0]!, true)).digest!),
    sha1Of(messages[0]!.parts[0]!),
  );
});

test('parts reach the thread in order however long their places take, and without one there is no digest', async () => {
  const thread = await readyThread();
  const parts = [0, 1, 2].map(() => fill(thread.take(16_384)!));
  const whole = new PartedHash(thread);
  const isOpen = Promise.withResolvers<void>();
  const added = parts.map((bytes, i) =>
    whole.add(bytes, i === 2, async (use) => {
      if (i === 0) await isOpen.promise;
      return use(undefined);
    }),
  );
  isOpen.resolve();
  assert.deepEqual(await Promise.all(added), [false, false, false]);
  assert.equal(hex((await whole.digest)!), sha1Of(Buffer.concat(parts)));

  const broken = new PartedHash(thread);
  const outside = new Uint8Array(16_384);
  for (const [i, bytes] of [parts[0]!, outside, parts[2]!].entries())
    await broken.add(bytes, i === 2, (use) => use(undefined));
  assert.equal(await broken.digest, undefined);
});
