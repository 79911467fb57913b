/**
 * The hashing thread: told where messages lie in the shared memory, it says their SHA-1, and writes what is as expected; of
 * messages that come in parts it writes each part. Where lanes are faster than the runtime, whole messages wait for company.
 * Invariant: each is answered within COMPANY_MS plus the hashing and writing.
 */
import { createHash, type Hash } from 'node:crypto';
import { writeSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { equalBytes } from '../base/index.ts';
import { sha1 } from './hash.ts';
import type { HashReply, HashTask, PartTask, Stretch, WholeTask, WriteTarget } from './hash-thread.ts';
import { LANES, Sha1Lanes } from './sha1-lanes.ts';
import type { WorkerStart } from './worker.ts';

/** How long a message waits for company. */
const COMPANY_MS = 20;
/** Enough for the engine's better compiler, which runs beside us. */
const WARMING_MS = 50;
/** Lanes must be this much faster to be worth the waiting. */
const WORTHWHILE = 1.2;

const port = parentPort!;
const { memory } = (workerData as WorkerStart).data as { memory: WebAssembly.Memory };
/** Undefined while they are not known to be faster. */
let lanes: Sha1Lanes | undefined;
/** Messages waiting for company, by length: at most three of each. */
const waiting = new Map<number, WholeTask[]>();
/** Messages of which parts are still to come; bounded by the pieces in flight. */
const begun = new Map<number, Hash>();
let timer: NodeJS.Timeout | undefined;

function say(reply: HashReply): void {
  port.postMessage(reply);
}

function bytesOf({ at, length }: Stretch): Uint8Array {
  return new Uint8Array(memory.buffer, at, length);
}

function hashAlone(task: WholeTask): void {
  conclude(task, sha1(bytesOf(task)));
}

function conclude(task: WholeTask, digest: Uint8Array): void {
  const isExpected = task.target !== undefined && equalBytes(digest, task.target.expected);
  answer(task, digest, isExpected ? task.target : undefined);
}

function hashPart(task: PartTask): void {
  const hash = begun.get(task.message) ?? createHash('sha1');
  hash.update(bytesOf(task));
  if (task.isLast) begun.delete(task.message);
  else begun.set(task.message, hash);
  answer(task, task.isLast ? hash.digest() : undefined, task.target);
}

function answer(task: Stretch, digest: Uint8Array | undefined, target: WriteTarget | undefined): void {
  const began = performance.now();
  const isWritten = target !== undefined && write(bytesOf(task), target);
  say({ type: 'hashed', at: task.at, digest, isWritten, writeMs: target ? performance.now() - began : 0 });
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
  const { length } = task;
  if (!lanes || !Sha1Lanes.suits(length)) return hashAlone(task);
  const company = waiting.get(length) ?? [];
  waiting.set(length, company);
  company.push(task);
  if (company.length < LANES) {
    if (timer === undefined) timer = setTimeout(hashRest, COMPANY_MS);
    return;
  }
  waiting.delete(length);
  const digests = lanes.digest(
    company.map(({ at }) => at),
    length,
  );
  for (const [lane, one] of company.entries()) conclude(one, digests[lane]!);
}

function hashRest(): void {
  timer = undefined;
  const tasks = [...waiting.values()].flat();
  waiting.clear();
  for (const task of tasks) hashAlone(task);
}

port.on('message', take);
if (Sha1Lanes.mayBeFaster(memory)) {
  const trial = new Sha1Lanes(memory);
  setTimeout(() => {
    if (trial.advantage() >= WORTHWHILE) lanes = trial;
    say({ type: 'ready' });
  }, WARMING_MS);
} else {
  say({ type: 'ready' });
}
