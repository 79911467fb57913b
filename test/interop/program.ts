/**
 * A foreign program under a test: started in its own process group, its last output kept for error messages, and
 * killed with everything it started, also when the test process is interrupted. Knows nothing of BitTorrent.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';

const OUTPUT_CHARACTERS_MAX = 8_000;
const RUN_SECONDS_MAX = 60;
const live = new Set<Program>();

/** What a program is started with: `[command, arguments]`. */
export type CommandLine = readonly [command: string, args: readonly string[]];

export class Program {
  readonly pid: number;
  readonly exited: Promise<unknown>;
  readonly #child: ChildProcess;
  #output = '';

  /** Starts the program; throws when it cannot be started. Its standard input is a pipe, open until it ends. */
  constructor([command, args]: CommandLine, env: NodeJS.ProcessEnv = {}) {
    this.#child = spawn(command, args, { detached: true, env: { ...process.env, ...env } });
    this.exited = once(this.#child, 'exit');
    if (this.#child.pid === undefined) throw new Error(`${command} did not start`);
    this.pid = this.#child.pid;
    live.add(this);
    this.#child.stdin!.on('error', () => {}); // A program that is gone says so by `hasExited`.
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#output = (this.#output + text).slice(-OUTPUT_CHARACTERS_MAX);
      });
    }
  }

  get hasExited(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }
  /** null while it runs, and when a signal ended it. */
  get exitCode(): number | null {
    return this.#child.exitCode;
  }
  /** The end of what it wrote to both its outputs. */
  get output(): string {
    return this.#output;
  }
  /** Calls `take` with each whole line of standard output. */
  onLine(take: (line: string) => void): void {
    let rest = '';
    this.#child.stdout!.on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop()!;
      lines.forEach(take);
    });
  }
  writeLine(line: string): void {
    this.#child.stdin!.write(`${line}\n`);
  }
  /** Kills the whole process group at once and waits until the program is gone. */
  async kill(): Promise<void> {
    this.killNow();
    if (!this.hasExited) await this.exited;
  }
  killNow(): void {
    live.delete(this);
    try {
      process.kill(-this.pid, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // ESRCH: the whole group has ended.
    }
  }
}

/** Runs a program to its end and returns its standard output; rejects when it fails or takes more than a minute. */
export async function run([command, args]: CommandLine, env: NodeJS.ProcessEnv = {}): Promise<string> {
  const { stdout } = await promisify(execFile)(command, args, {
    env: { ...process.env, ...env },
    timeout: RUN_SECONDS_MAX * 1000,
    killSignal: 'SIGKILL',
    maxBuffer: 2 ** 26,
  });
  return stdout;
}

// However this process ends (SIGKILL excepted), nothing that it started outlives it.
process.prependListener('exit', () => {
  for (const program of live) program.killNow();
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));
