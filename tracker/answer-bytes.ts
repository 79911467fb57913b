/**
 * Bencoded answers written straight into one reused array: at tens of thousands a second, building values and
 * encoding them would cost more than everything else the tracker does. Callers write keys in order (BEP 3).
 */
import { assert, bytesOfLatin1 } from '../src/base/index.ts';

/** Bytes of the largest answer: 200 dictionary peers of 61 bytes each, and the rest. */
export const ANSWER_BYTES_MAX = 16_384;

// Below this a loop beats the call into the engine's copy.
const SHORT_COPY_BYTES = 48;

/** A bencoded text with what stands around it, such as `8:completei`. */
export function token(text: string): Uint8Array {
  return bytesOfLatin1(text);
}

/** One answer at a time; `begin` drops the one before. */
export class AnswerBytes {
  /** Where the next byte goes; whoever writes to `bytes` directly moves it. */
  at = 0;
  readonly bytes: Uint8Array = new Uint8Array(ANSWER_BYTES_MAX);

  begin(): void {
    this.at = 0;
  }

  /** What was written since `begin`; a view that the next answer overwrites. */
  get written(): Uint8Array {
    assert(this.at <= ANSWER_BYTES_MAX, 'an answer fits its buffer');
    return this.bytes.subarray(0, this.at);
  }

  raw(bytes: Uint8Array): void {
    if (bytes.length > SHORT_COPY_BYTES) this.bytes.set(bytes, this.at);
    else for (let i = 0; i < bytes.length; i++) this.bytes[this.at + i] = bytes[i]!;
    this.at += bytes.length;
  }

  /** A whole number from 0, in decimal digits. */
  digits(value: number): void {
    let end = this.at + 1;
    for (let rest = Math.floor(value / 10); rest > 0; rest = Math.floor(rest / 10)) end++;
    let rest = value;
    for (let at = end - 1; at >= this.at; at--) {
      const quotient = Math.floor(rest / 10);
      this.bytes[at] = 0x30 + rest - quotient * 10;
      rest = quotient;
    }
    this.at = end;
  }

  /** A byte string with its length before it. */
  string(bytes: Uint8Array): void {
    this.digits(bytes.length);
    this.bytes[this.at++] = 0x3a;
    this.raw(bytes);
  }
}
