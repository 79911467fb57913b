/**
 * A running hash over everything that happened, to tell whether two runs were the same to the last event. Fast, and no
 * protection against anybody.
 */

export class TraceHash {
  #a = 0x811c9dc5;
  #b = 0x2545f491;

  /** Folds a number in; only its 32 low bits and its quotient by 2^32 count. */
  note(value: number): void {
    this.#a = Math.imul(this.#a ^ (value | 0), 0x01000193) >>> 0;
    this.#b = (Math.imul(this.#b ^ (this.#a >>> 13), 0x85ebca6b) + ((value / 0x1_0000_0000) | 0)) >>> 0;
  }

  /** 16 hex digits. */
  get text(): string {
    return this.#a.toString(16).padStart(8, '0') + this.#b.toString(16).padStart(8, '0');
  }
}
