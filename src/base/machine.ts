/**
 * The shape of all protocol logic here: facts in, imperatives out, no clock, no sockets, no promises.
 * A host feeds inputs, performs the effects, and wakes the machine at its deadline.
 */
import type { Instant } from './instant.ts';

/** When the host must next feed a tick, and what for. */
export interface Deadline {
  readonly at: Instant;
  readonly why: string;
}

/** Protocol logic without I/O. */
export interface Machine<Input, Effect> {
  /** Feeds one fact. Never awaits, never calls out, never throws on hostile input. */
  input(input: Input, now: Instant): void;
  /** Takes every effect produced since the last call. */
  effects(): Effect[];
  /** When the host must next feed a tick; undefined when idle. */
  readonly deadline: Deadline | undefined;
}
