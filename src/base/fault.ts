/**
 * Faults: the other party is wrong, absent or refuses. A fault is a value, returned and never thrown, with a
 * code from a closed union and a text that may leave the process only when it says so.
 */

/** One fault; make it with `fault` (private text) or `publicFault` (text that may be sent to the other party). */
export class Fault<Code extends string = string> {
  readonly code: Code;
  /** For a person; names what was wrong, not who is to blame. */
  readonly text: string;
  /** True when the text carries nothing of ours and may be sent to the other party. */
  readonly mayLeave: boolean;

  constructor(code: Code, text: string, mayLeave: boolean) {
    this.code = code;
    this.text = text;
    this.mayLeave = mayLeave;
  }

  /** The fault as a log line or a message shows it. */
  toString(): string {
    return `${this.code}: ${this.text}`;
  }
}

/** A fault whose text stays in this process. */
export function fault<const Code extends string>(code: Code, text: string): Fault<Code> {
  return new Fault(code, text, false);
}

/** A fault whose text may be sent to the other party. */
export function publicFault<const Code extends string>(code: Code, text: string): Fault<Code> {
  return new Fault(code, text, true);
}

/** Tells a fault from a good value. */
export function isFault(value: unknown): value is Fault {
  return value instanceof Fault;
}
