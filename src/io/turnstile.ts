/** Work that the whole node does one at a time, in the order in which it was asked for. */

/** Lets one through at a time. */
export class Turnstile {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs the work once everything asked for before it is over, however that ended. */
  pass<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => undefined);
    return result;
  }
}
