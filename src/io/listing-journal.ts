/** When the listing's journal is moved into its file, and by whom: a thread of its own, made when first needed. */
import { statSync } from 'node:fs';
import type { Worker } from 'node:worker_threads';
import { startWorker } from './worker.ts';

/** As large as the journal gets, but for what one write adds. */
const JOURNAL_BYTES_MAX: number = 4 * 2 ** 20;

export class Journal {
  readonly #file: string;
  readonly #resume: () => void;
  #worker: Worker | undefined;
  #isBusy = false;

  /** @param resume called when writes may go on */
  constructor(file: string, resume: () => void) {
    this.#file = file;
    this.#resume = resume;
  }

  /** True while nothing may be written. */
  get isBusy(): boolean {
    return this.#isBusy;
  }

  /** Something was written. */
  noteWrite(): void {
    const journal = statSync(`${this.#file}-wal`, { throwIfNoEntry: false });
    if (this.#isBusy || (journal?.size ?? 0) < JOURNAL_BYTES_MAX) return;
    try {
      this.#worker ??= this.#start();
    } catch {
      // The system makes no more threads: the journal grows until it does.
      return;
    }
    this.#isBusy = true;
    this.#worker.postMessage(undefined);
  }

  #start(): Worker {
    const worker = startWorker('listing-checkpoint', { file: this.#file });
    worker.on('message', () => this.#end());
    // A thread that died is made anew the next time.
    worker.on('error', () => {
      this.#worker = undefined;
      this.#end();
    });
    // After its listeners, which would hold the thread that has them.
    worker.unref();
    return worker;
  }

  #end(): void {
    this.#isBusy = false;
    this.#resume();
  }
}
