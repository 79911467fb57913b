// A turnstile for tests that look at what happens while something is under way.
import { Turnstile } from '../../src/io/turnstile.ts';

/** Whatever passes it seems not to be over before it is let go. */
export class HeldTurnstile extends Turnstile {
  readonly #free = Promise.withResolvers<void>();

  override pass<Result>(work: () => Promise<Result>): Promise<Result> {
    return super.pass(async () => {
      const result = await work();
      await this.#free.promise;
      return result;
    });
  }

  letGo(): void {
    this.#free.resolve();
  }
}
