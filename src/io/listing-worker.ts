/**
 * The listing's worker thread: performs calls on the database in small steps, those that only read before and between
 * the others, and sets a damaged file aside under a new name, says so, and goes on with an empty one. Knows nothing of
 * what the calls mean, but that the deny rules hold for that one too.
 */
import { existsSync, renameSync, rmSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { finish, MonsoonError, type Steps } from '../base/index.ts';
import { type DatabaseLimits, ListingDatabase } from './listing-database.ts';
import { Journal } from './listing-journal.ts';
import { DamagedRow } from './listing-rows.ts';
import type { StoreCall, StoreReply } from './listing-store.ts';
import { sqliteCodeOf } from './sql.ts';
import type { WorkerStart } from './worker.ts';

/** Damaged copies kept beside the file; a person has to look before there are more. */
const SET_ASIDE_MAX = 9;
const SQLITE_CORRUPT = 11;
const SQLITE_NOT_A_DATABASE = 26;
const SQLITE_BUSY = 5;

const { file, limits } = (workerData as WorkerStart).data as { file: string; limits: DatabaseLimits };
const port = parentPort!;
let database: ListingDatabase | undefined;
/** What was denied last: an empty listing obeys it too. */
let denied: StoreCall['args'] | undefined;

/** A search waits for so much of another call at most. */
const STEPS_MS = 4;

/** A call that is performed in steps. */
interface UnderWay {
  readonly call: StoreCall;
  readonly steps: Steps<unknown>;
  /** True when the file was found damaged before, and the call began anew. */
  readonly isSecondTry: boolean;
}

function say(reply: StoreReply): void {
  port.postMessage(reply);
}

function open(): ListingDatabase {
  try {
    return new ListingDatabase(file, limits);
  } catch (error) {
    if (!isDamage(error)) throw error;
    setAside(error);
    return new ListingDatabase(file, limits);
  }
}

/** The answer to a call, or the steps to it. */
function begin({ method, args }: StoreCall): unknown {
  if (method === 'close') {
    database?.close();
    database = undefined;
    return undefined;
  }
  database ??= open();
  if (method === 'open') return undefined;
  if (method === 'deny') denied = args;
  return (database[method] as (...args: unknown[]) => unknown).apply(database, [...args]);
}

/**
 * Begins again with an empty listing, whatever was under way too; false when that cannot be, which `call` is told.
 */
function startAnew(damage: unknown, call?: StoreCall): boolean {
  const interrupted = underWay;
  underWay = undefined;
  try {
    database?.close();
    database = undefined;
    setAside(damage);
    database = open();
    if (denied) finish(database.deny(...(denied as [string])));
  } catch (error) {
    for (const each of [call, interrupted?.call]) if (each) fail(each, error);
    return false;
  }
  if (interrupted) answer(interrupted.call, true);
  return true;
}

function isDamage(error: unknown): boolean {
  const code = sqliteCodeOf(error);
  return error instanceof DamagedRow || code === SQLITE_CORRUPT || code === SQLITE_NOT_A_DATABASE;
}

function setAside(damage: unknown): void {
  for (let copy = 1; copy <= SET_ASIDE_MAX; copy++) {
    const name = `${file}.damaged-${copy}`;
    if (existsSync(name)) continue;
    renameSync(file, name);
    if (existsSync(`${file}-wal`)) renameSync(`${file}-wal`, `${name}-wal`);
    rmSync(`${file}-shm`, { force: true });
    say({ warning: `the listing was damaged (${textOf(damage)}); it was set aside as ${name} and is built anew` });
    return;
  }
  throw new MonsoonError('disk', `${file} is damaged, like ${SET_ASIDE_MAX} copies beside it: check the disk`, damage);
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function failureOf(error: unknown): NonNullable<StoreReply['failure']> {
  if (error instanceof MonsoonError) return { code: error.code, message: error.message };
  const code = sqliteCodeOf(error);
  if (code === SQLITE_BUSY) return { code: 'busy', message: `another process has ${file} open: stop it first` };
  if (code !== undefined || (error instanceof Error && 'syscall' in error)) {
    return { code: 'disk', message: `the listing ${file} cannot be used (${textOf(error)}): check the disk` };
  }
  return { code: 'bug', message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}

/** Calls that change nothing: they overtake those that do, so that a search does not wait for a sync. */
const READS: ReadonlySet<StoreCall['method']> = new Set([
  'get',
  'getEntry',
  'findByPrefix',
  'findByName',
  'list',
  'rowCount',
]);
const reads: StoreCall[] = [];
const others: StoreCall[] = [];
let underWay: UnderWay | undefined;
let wasRead = false;
let isAwake = false;
const journal = new Journal(file, wake);

/** Between two turns the port is read again. */
function turn(): void {
  isAwake = takeTurn();
  if (isAwake) setImmediate(turn);
}

function wake(): void {
  if (isAwake) return;
  isAwake = true;
  setImmediate(turn);
}

/** Does what is next; false when nothing is. */
function takeTurn(): boolean {
  // A write that is under way has a step after each read, or many readers would hold it up for seconds.
  const read = wasRead && underWay ? undefined : reads.shift();
  wasRead = read !== undefined;
  if (read) answer(read);
  else if (underWay) advance(underWay);
  else if (journal.isBusy) return false;
  else if (others.length > 0) answer(others.shift()!);
  else return keepUp();
  return true;
}

function answer(call: StoreCall, isSecondTry = false): void {
  try {
    const value = begin(call);
    if (isSteps(value)) underWay = { call, steps: value, isSecondTry };
    else say({ id: call.id, value });
  } catch (error) {
    if (isSecondTry || !isDamage(error)) return fail(call, error);
    if (startAnew(error, call)) answer(call, true);
  }
  if (call.method === 'close') port.close();
}

/** Takes steps of a call for as long as a search may have to wait. */
function advance({ call, steps, isSecondTry }: UnderWay): void {
  const endAt = performance.now() + STEPS_MS;
  try {
    let step = steps.next();
    while (!step.done && performance.now() < endAt) step = steps.next();
    if (!step.done) return;
    underWay = undefined;
    journal.noteWrite();
    say({ id: call.id, value: step.value });
  } catch (error) {
    underWay = undefined;
    if (isSecondTry || !isDamage(error)) fail(call, error);
    else if (startAnew(error, call)) answer(call, true);
  }
}

/** One small step of what nobody waits for; false when there is none. */
function keepUp(): boolean {
  try {
    return database?.upkeep() ?? false;
  } catch (error) {
    if (isDamage(error)) startAnew(error);
    return false;
  }
}

function isSteps(value: unknown): value is Steps<unknown> {
  return typeof value === 'object' && value !== null && 'next' in value;
}

function fail({ id }: StoreCall, error: unknown): void {
  say({ id, failure: failureOf(error) });
}

port.on('message', (call: StoreCall) => {
  // Before the file is open there is nothing to read, and after `close` nothing comes.
  (READS.has(call.method) && database ? reads : others).push(call);
  wake();
});
