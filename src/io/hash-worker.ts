/**
 * The hashing thread: told where messages lie in the shared memory, it says their SHA-1, and writes what is as expected.
 * Where lanes are faster than the runtime, messages wait for company. Invariant: each is answered within COMPANY_MS plus
 * the hashing and writing.
 */
import { writeSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { equalBytes } from '../base/index.ts';
import { sha1 } from './hash.ts';
import type { HashReply, HashTask } from './hash-thread.ts';
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
const waiting = new Map<number, HashTask[]>();
let timer: NodeJS.Timeout | undefined;

function say(reply: HashReply): void {
  port.postMessage(reply);
}

function hashAlone(task: HashTask): void {
  conclude(task, sha1(new Uint8Array(memory.buffer, task.at, task.length)));
}

function conclude(task: HashTask, digest: Uint8Array): void {
  const isExpected = task.target !== undefined && equalBytes(digest, task.target.expected);
  const began = performance.now();
  const isWritten = isExpected && write(task);
  say({ type: 'hashed', at: task.at, digest, isWritten, writeMs: isExpected ? performance.now() - began : 0 });
}

/** Why a disk refuses is found out by whoever writes again. */
function write({ at, length, target }: HashTask): boolean {
  const { fd, position } = target!;
  const bytes = new Uint8Array(memory.buffer, at, length);
  try {
    for (let done = 0; done < length; ) done += writeSync(fd, bytes, done, length - done, position + done);
    return true;
  } catch {
    return false;
  }
}

function take(task: HashTask): void {
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
