/** The program: from the process's arguments, environment and streams to one verb and its exit code. */
import { readFileSync } from 'node:fs';
import { isatty } from 'node:tty';
import { runCommandLine } from './cli/program.ts';
import type { CliContext, Keyboard, Terminal } from './cli/verb.ts';
import { EXIT } from './cli/verb.ts';
import { currentHome } from './home.ts';

const [STDIN, STDOUT, STDERR] = [0, 1, 2];
const interrupt = new AbortController();

function onSignal(): void {
  // Whoever asks twice does not want to wait for a clean end.
  if (interrupt.signal.aborted) process.exit(EXIT.interrupted);
  interrupt.abort();
}

/** The stream is made when something is written: most verbs are waited for before that, and one that fails has one to make. */
function terminalOf(fd: number, streamOf: () => NodeJS.WriteStream): Terminal {
  let made: NodeJS.WriteStream | undefined;
  const stream = (): NodeJS.WriteStream => {
    // The reader may leave early, as `head` does.
    made ??= streamOf().on('error', () => interrupt.abort());
    return made;
  };
  const isTty = isatty(fd);
  return {
    isTty,
    get columns(): number {
      // Some terminals do not know their size and say 0.
      return isTty ? stream().columns || 80 : Number.POSITIVE_INFINITY;
    },
    hasColour: isTty && !process.env.NO_COLOR && process.env.TERM !== 'dumb',
    write: (text) => void stream().write(text),
    writeBytes: (bytes) =>
      new Promise((resolve, reject) => void stream().write(bytes, (error) => (error ? reject(error) : resolve()))),
  };
}

function keyboard(): Keyboard | undefined {
  if (!isatty(STDIN) || !isatty(STDOUT) || process.env.TERM === 'dumb') return undefined;
  return {
    get lines(): number {
      return process.stdout.rows || 24;
    },
    listen(take) {
      const { stdin } = process;
      const onData = (bytes: Buffer): void => take(bytes.toString());
      stdin.setRawMode(true).on('data', onData).resume();
      return () => void stdin.off('data', onData).setRawMode(false).pause();
    },
  };
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, onSignal);
const context: CliContext = {
  environment: process.env,
  cwd: process.cwd(),
  home: currentHome(),
  data: terminalOf(STDOUT, () => process.stdout),
  notes: terminalOf(STDERR, () => process.stderr),
  keyboard: keyboard(),
  interrupt: interrupt.signal,
};
const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
process.exitCode = await runCommandLine(process.argv.slice(2), context, version);
