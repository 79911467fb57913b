/** How a verb speaks: JSON for scripts or text for people on standard output, errors with their exit code. */
import { MonsoonError, type MonsoonErrorCode } from '../../src/base/index.ts';
import { type Column, formatTable } from '../show/table.ts';
import { type Call, type CliContext, EXIT, type ExitCode } from './verb.ts';

const EXIT_OF: Partial<Record<MonsoonErrorCode, ExitCode>> = {
  usage: EXIT.usage,
  'not-found': EXIT.notFound,
  'no-daemon': EXIT.noDaemon,
  timeout: EXIT.timeout,
};

/** Prints the value as one line of JSON, or the text that a person reads. */
export function answer(call: Call, context: CliContext, value: unknown, text: () => string): ExitCode {
  context.data.write(call.wantsJson ? `${JSON.stringify(value)}\n` : text());
  return EXIT.ok;
}

/** A table for standard output, as wide as the terminal. */
export function tableOf(context: CliContext, columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  return formatTable(columns, rows, context.data);
}

/** Says on standard error why a verb could not; the exit code is of its kind. */
export function explain(error: unknown, context: CliContext): ExitCode {
  if (context.interrupt.aborted) {
    context.notes.write(
      'Interrupted; the node goes on. Run "monsoon ps" to see with what, "monsoon stop" to end it.\n',
    );
    return EXIT.interrupted;
  }
  if (error instanceof MonsoonError) {
    context.notes.write(`monsoon: ${error.message}\n`);
    return EXIT_OF[error.code] ?? EXIT.error;
  }
  context.notes.write(`monsoon: ${error instanceof Error ? error.stack : String(error)}\n`);
  return EXIT.error;
}
