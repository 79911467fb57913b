/**
 * The hashing thread: told where messages lie in the shared memory, it says their SHA-1, and writes what is as expected; of
 * messages that come in parts it writes each part. Where lanes are faster than the runtime, whole messages wait for company.
 * Invariant: each is answered within COMPANY_MS for each of the others, plus the hashing and writing.
 */
import { createHash, type Hash } from 'node:crypto';
import { writeSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { sha1 } from './hash.ts';
import { type HashMemory, isExpected } from './hash-memory.ts';
import type { HashReply, HashTask, PartTask, WholeTask, WriteTarget } from './hash-thread.ts';
import { Sha1Lanes, type Stretch } from './sha1-lanes.ts';
import type { WorkerStart } from './worker.ts';

/** How long a message waits for each of those with which it is hashed. */
const COMPANY_MS = 5;

const port = parentPort!;
const memory = (workerData as WorkerStart).data as HashMemory;
const lanes = Sha1Lanes.open(memory.slots);
/** Messages that are hashed together. */
const company = lanes?.company() ?? 1;
/** Messages of one length that wait for company: always fewer. */
let waiting: WholeTask[] = [];
/** Messages of which parts are still to come; bounded by the pieces in flight. */
const begun = new Map<number, Hash>();
let timer: NodeJS.Timeout | undefined;

function say(reply: HashReply): void {
  port.postMessage(reply);
}

function bytesOf({ at, length }: Stretch): Uint8Array {
  return new Uint8Array(memory.slots, at, length);
}

function hashAlone(task: WholeTask): void {
  conclude(task, sha1(bytesOf(task)));
}

function conclude(task: WholeTask, digest: Uint8Array): void {
  const isGood = isExpected(memory, task.at, digest);
  say({ type: 'whole', at: task.at, isGood, ...written(task, isGood ? task.target : undefined) });
}

function hashPart(task: PartTask): void {
  const hash = begun.get(task.message) ?? createHash('sha1');
  hash.update(bytesOf(task));
  if (task.isLast) begun.delete(task.message);
  else begun.set(task.message, hash);
  const digest = task.isLast ? hash.digest() : undefined;
  say({ type: 'part', at: task.at, digest, ...written(task, task.target) });
}

/** Writes bytes where there is a place for them, and says how long that took. */
function written(bytes: Stretch, target: WriteTarget | undefined): { isWritten: boolean; writeMs: number } {
  if (target === undefined) return { isWritten: false, writeMs: 0 };
  const began = performance.now();
  const isWritten = write(bytesOf(bytes), target);
  return { isWritten, writeMs: performance.now() - began };
}

/** Why a disk refuses is found out by whoever writes again. */
function write(bytes: Uint8Array, { fd, position }: WriteTarget): boolean {
  try {
    for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done, position + done);
    return true;
  } catch {
    return false;
  }
}

function take(task: HashTask): void {
  if (task.type === 'whole') hashWhole(task);
  else if (task.type === 'part') hashPart(task);
  else begun.delete(task.message);
}

function hashWhole(task: WholeTask): void {
  // A lane takes as long as the longest.
  const isOfTheirs = waiting.length === 0 || waiting[0]!.length === task.length;
  if (!lanes || company === 1 || !isOfTheirs) return hashAlone(task);
  waiting.push(task);
  if (waiting.length < company) {
    if (timer === undefined) timer = setTimeout(hashRest, COMPANY_MS * (company - 1));
    return;
  }
  const together = takeWaiting();
  const digests = lanes.digest(together);
  for (const [lane, one] of together.entries()) conclude(one, digests[lane]!);
}

function hashRest(): void {
  for (const task of takeWaiting()) hashAlone(task);
}

function takeWaiting(): readonly WholeTask[] {
  clearTimeout(timer);
  timer = undefined;
  const taken = waiting;
  waiting = [];
  return taken;
}

port.on('message', take);
say({ type: 'ready' });
