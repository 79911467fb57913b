/**
 * Work that strangers decide the size of, cut into small steps: who performs it has everything else take its turn in between.
 * Each step takes well under a millisecond, or a few for the worst input.
 */

/** A rest after each step; the result at the end. */
export type Steps<Result> = Generator<void, Result, void>;

/** Takes all steps at once. */
export function finish<Result>(steps: Steps<Result>): Result {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}
