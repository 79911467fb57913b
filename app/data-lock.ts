/**
 * One process per data directory. The lock is the operating system's, taken through an empty SQLite file because Node
 * offers no flock: whatever ends the process, kill -9 included, releases it, so there is no stale lock to judge.
 */
import { connect } from 'node:net';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { MonsoonError } from '../src/base/index.ts';
import type { Home } from './home.ts';

export interface DataLock {
  release(): void;
}

// A node that stops closes its control socket before it lets go of the lock: the next one waits for that.
const WAIT_MS = 3000;
const RETRY_MS = 25;
const SQLITE_BUSY = 5;

/**
 * Takes the lock of a home whose folders exist.
 * Rejects with a MonsoonError (`busy`) when another process holds it and keeps it.
 */
export async function lockData(home: Home, waitMs: number = WAIT_MS): Promise<DataLock> {
  for (let waited = 0; ; waited += RETRY_MS) {
    const lock = tryLock(home.lockFile);
    if (lock) return lock;
    if (waited >= waitMs || (await isAnswered(home.controlSocket))) {
      throw new MonsoonError('busy', `Another node uses ${home.dataDir}. Run "monsoon status", or set MONSOON_HOME.`);
    }
    await sleep(RETRY_MS);
  }
}

function isAnswered(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

function tryLock(path: string): DataLock | undefined {
  const file = new DatabaseSync(path);
  try {
    file.exec('BEGIN EXCLUSIVE');
    return { release: () => file.close() };
  } catch (error) {
    file.close();
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) return undefined;
    throw new MonsoonError('disk', `Cannot lock ${path}: ${(error as Error).message}.`, error);
  }
}
