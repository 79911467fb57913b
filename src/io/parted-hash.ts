/**
 * SHA-1 of one piece that comes in parts, by the hashing thread, which writes each of them. Invariant: parts reach the thread
 * in their order, however long it takes to open the file that each goes to; without all of them there is no digest.
 */
import type { HashedPart, HashThread, WriteTarget } from './hash-thread.ts';

/** Runs `use` with where a part goes, which stays open until it is done; with undefined where the thread cannot write it. */
export type LendPlace = (use: (place: WriteTarget | undefined) => Promise<HashedPart>) => Promise<HashedPart>;

export class PartedHash {
  readonly #thread: HashThread;
  readonly #message: number;
  readonly #digest = Promise.withResolvers<Uint8Array | undefined>();
  #hasEnded = false;
  /** The last part is with the thread. */
  #handedOver: Promise<void> = Promise.resolve();

  constructor(thread: HashThread) {
    this.#thread = thread;
    this.#message = thread.beginMessage();
  }

  /** Of all parts; undefined where one was no memory that the thread sees, where the thread was lost, and after `forget`. */
  get digest(): Promise<Uint8Array | undefined> {
    return this.#digest.promise;
  }

  /** Takes the next part, which must not change until it is done with; true when it is written. */
  async add(bytes: Uint8Array, isLast: boolean, lend: LendPlace): Promise<boolean> {
    if (!this.#thread.takes(bytes)) this.forget();
    const before = this.#handedOver;
    const handedOver = Promise.withResolvers<void>();
    this.#handedOver = handedOver.promise;
    await before;
    try {
      if (this.#hasEnded) return false;
      const { digest, isWritten } = await lend((place) => {
        const hashed = this.#thread.hashPart(this.#message, bytes, isLast, place);
        handedOver.resolve();
        return hashed;
      });
      if (isLast) this.#end(digest);
      return isWritten;
    } finally {
      handedOver.resolve();
    }
  }

  /** No digest is wanted any more. */
  forget(): void {
    if (this.#hasEnded) return;
    this.#end(undefined);
    // Behind what is on its way to the thread.
    void this.#handedOver.then(() => this.#thread.forget(this.#message));
  }

  #end(digest: Uint8Array | undefined): void {
    this.#hasEnded = true;
    this.#digest.resolve(digest);
  }
}
