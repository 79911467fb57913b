/** What a verb is: its place on the command line, and what it does. program.ts turns the table of verbs into a parser. */
import type { Home } from '../home.ts';

/** Stable exit codes; scripts rely on them. */
export const EXIT = { ok: 0, error: 1, usage: 2, notFound: 3, noDaemon: 4, timeout: 5, interrupted: 130 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** One end of the terminal, or of a pipe. */
export interface Terminal {
  readonly isTty: boolean;
  /** Infinity when nobody looks at it. */
  readonly columns: number;
  readonly hasColour: boolean;
  write(text: string): void;
  /** Writes bytes as they are; resolves once they are out of our hands, rejects when the reader has left. */
  writeBytes(bytes: Uint8Array): Promise<void>;
}

/** Keys as they are pressed, of a person who sits at both ends of the terminal. */
export interface Keyboard {
  /** Lines of the terminal. */
  readonly lines: number;
  /** Gives what is typed until the function that it returns is called. */
  listen(take: (text: string) => void): () => void;
}

/** The world that a verb sees. */
export interface CliContext {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** What relative paths are relative to. */
  readonly cwd: string;
  readonly home: Home;
  /** Standard output: what was asked for. */
  readonly data: Terminal;
  /** Standard error: progress and errors. */
  readonly notes: Terminal;
  /** Undefined where nobody types, or sees what is drawn. */
  readonly keyboard?: Keyboard | undefined;
  /** Aborted by Ctrl-C and by SIGTERM. */
  readonly interrupt: AbortSignal;
}

export interface VerbOption {
  /** Its name in `call.options`. */
  readonly name: string;
  /** As commander spells it: `-o, --output <dir>`. */
  readonly flag: string;
  readonly help: string;
  readonly choices?: readonly string[];
  /** May be given more than once; the value is an array. */
  readonly isList?: boolean;
  readonly isHidden?: boolean;
}

/** One use of a verb. */
export interface Call {
  readonly arguments: readonly string[];
  readonly options: Readonly<Record<string, unknown>>;
  readonly wantsJson: boolean;
}

export interface Verb {
  readonly name: string;
  readonly alias?: string;
  /** Positional arguments as commander spells them: `<path...>`, `[category]`. */
  readonly parameters: readonly string[];
  readonly summary: string;
  /** Arguments may begin with one `-`. */
  readonly takesDashes?: boolean;
  readonly options: readonly VerbOption[];
  /** Rejects with a MonsoonError when it cannot. */
  run(call: Call, context: CliContext): Promise<ExitCode>;
}
