/** Performs steps without holding up the event loop. */
import { setImmediate as turn } from 'node:timers/promises';
import type { Steps } from '../base/index.ts';

/** So long nothing else has its turn: a share of the 50 ms that hostile input may take (SAFETY). */
const TURN_MS = 8;

/** Takes steps for a few milliseconds at a time, and lets everything else go on in between. Rejects with what a step throws. */
export async function inTurns<Result>(steps: Steps<Result>): Promise<Result> {
  for (;;) {
    const endAt = performance.now() + TURN_MS;
    do {
      const step = steps.next();
      if (step.done) return step.value;
    } while (performance.now() < endAt);
    await turn();
  }
}
