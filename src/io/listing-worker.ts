/**
 * The listing's worker thread: performs one call at a time on the database, those that only read before the others,
 * and sets a damaged file aside under a new name, says so, and goes on with an empty one. Knows nothing of what the
 * calls mean.
 */
import { existsSync, renameSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { MonsoonError } from '../base/index.ts';
import { type DatabaseLimits, ListingDatabase } from './listing-database.ts';
import { DamagedRow } from './listing-rows.ts';
import type { StoreCall, StoreReply } from './listing-store.ts';
import type { WorkerStart } from './worker.ts';

/** Damaged copies kept beside the file; a person has to look before there are more. */
const SET_ASIDE_MAX = 9;
const SQLITE_CORRUPT = 11;
const SQLITE_NOT_A_DATABASE = 26;
const SQLITE_BUSY = 5;

const { file, limits } = (workerData as WorkerStart).data as { file: string; limits: DatabaseLimits };
const port = parentPort!;
let database: ListingDatabase | undefined;

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

function perform({ method, args }: StoreCall): unknown {
  if (method === 'close') return database?.close();
  database ??= open();
  if (method === 'open') return undefined;
  const call = (on: ListingDatabase): unknown => (on[method] as (...args: unknown[]) => unknown).apply(on, [...args]);
  try {
    return call(database);
  } catch (error) {
    if (!isDamage(error)) throw error;
    database.close();
    database = undefined;
    setAside(error);
    database = open();
    return call(database);
  }
}

function isDamage(error: unknown): boolean {
  const code = sqliteCodeOf(error);
  return error instanceof DamagedRow || code === SQLITE_CORRUPT || code === SQLITE_NOT_A_DATABASE;
}

/** SQLite's primary result code; undefined for errors that are not SQLite's. */
function sqliteCodeOf(error: unknown): number | undefined {
  return error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : undefined;
}

function setAside(damage: unknown): void {
  for (let copy = 1; copy <= SET_ASIDE_MAX; copy++) {
    const name = `${file}.damaged-${copy}`;
    if (existsSync(name)) continue;
    renameSync(file, name);
    if (existsSync(`${file}-wal`)) renameSync(`${file}-wal`, `${name}-wal`);
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
let isAwake = false;

/** One call; between two the port is read again. */
function next(): void {
  const call = reads.shift() ?? others.shift();
  isAwake = call !== undefined;
  if (!call) return;
  setImmediate(next);
  try {
    say({ id: call.id, value: perform(call) });
  } catch (error) {
    say({ id: call.id, failure: failureOf(error) });
  }
  if (call.method === 'close') port.close();
}

port.on('message', (call: StoreCall) => {
  // Before the file is open there is nothing to read, and after `close` nothing comes.
  (READS.has(call.method) && database ? reads : others).push(call);
  if (isAwake) return;
  isAwake = true;
  setImmediate(next);
});
