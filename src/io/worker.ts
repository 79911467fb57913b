/** Starts the program's own threads. */
import module from 'node:module';
import { dirname } from 'node:path';
import { Worker } from 'node:worker_threads';

/** What the first script of a thread is told. */
export interface WorkerStart {
  /** The module to run, beside this one. */
  readonly entry: string;
  /** Where compiled sources are kept; undefined where they are not. */
  readonly cacheDirectory: string | undefined;
  readonly data: unknown;
}

/** Starts the thread whose module has this name in this folder, without ending; it finds `data` as its workerData. */
export function startWorker(name: string, data: unknown): Worker {
  const entry = new URL(`./${name}${import.meta.url.slice(-3)}`, import.meta.url).href;
  // What the runtime names is the folder of its own version within the one that was given.
  const cache = module.getCompileCacheDir();
  const workerData: WorkerStart = { entry, cacheDirectory: cache && dirname(cache), data };
  return new Worker(new URL('./worker-start.js', import.meta.url), { workerData });
}
