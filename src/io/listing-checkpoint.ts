/**
 * The thread beside the listing's that moves what its journal holds into its file: that waits for the disk, twice, and
 * no search should. Nothing is written to the journal meanwhile.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { Sql } from './sql.ts';
import type { WorkerStart } from './worker.ts';

const { file } = (workerData as WorkerStart).data as { file: string };
const port = parentPort!;

/** Throws what SQLite throws. */
function checkpoint(): void {
  const sql = new Sql(file);
  try {
    // A search that reads right now holds the end of it up for its own time.
    sql.exec('PRAGMA busy_timeout = 200; PRAGMA wal_checkpoint(TRUNCATE)');
  } finally {
    sql.close();
  }
}

port.on('message', () => {
  try {
    checkpoint();
    port.postMessage(true);
  } catch {
    // The next one tries again, and a disk that fails is reported by the writes themselves.
    port.postMessage(false);
  }
});
