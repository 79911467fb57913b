/**
 * Environment failures: disk full, port taken, configuration wrong. Thrown by io/ and app/, caught by app/,
 * and shown to a person as is, so the message says what to do next.
 */

/** What failed in our environment; the CLI maps each to a stable exit code. */
export type MonsoonErrorCode =
  | 'usage'
  | 'not-found'
  | 'no-daemon'
  | 'timeout'
  | 'port-taken'
  | 'disk'
  | 'config'
  | 'permission'
  | 'busy'
  | 'peer'
  | 'refused';

/** An environment failure with a text that names the next step. */
export class MonsoonError extends Error {
  readonly code: MonsoonErrorCode;

  constructor(code: MonsoonErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'MonsoonError';
    this.code = code;
  }
}

/** What to say of something thrown: a MonsoonError's own text, and anything else by its kind too. */
export function textOfError(error: unknown): string {
  return error instanceof MonsoonError ? error.message : `${error}`;
}
