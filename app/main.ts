/** The program: from the process's arguments, environment and streams to one verb and its exit code. */
import { readFile } from 'node:fs/promises';
import { runCommandLine } from './cli/program.ts';
import type { CliContext, Keyboard, Terminal } from './cli/verb.ts';
import { EXIT } from './cli/verb.ts';
import { currentHome } from './home.ts';

const interrupt = new AbortController();

function onSignal(): void {
  // Whoever asks twice does not want to wait for a clean end.
  if (interrupt.signal.aborted) process.exit(EXIT.interrupted);
  interrupt.abort();
}

function terminalOf(stream: NodeJS.WriteStream): Terminal {
  // The reader may leave early, as `head` does.
  stream.on('error', () => interrupt.abort());
  const isTty = stream.isTTY === true;
  return {
    isTty,
    get columns(): number {
      // Some terminals do not know their size and say 0.
      return isTty ? stream.columns || 80 : Number.POSITIVE_INFINITY;
    },
    hasColour: isTty && !process.env.NO_COLOR && process.env.TERM !== 'dumb',
    write: (text) => void stream.write(text),
  };
}

function keyboardOf(input: NodeJS.ReadStream, output: NodeJS.WriteStream): Keyboard | undefined {
  if (input.isTTY !== true || output.isTTY !== true || process.env.TERM === 'dumb') return undefined;
  return {
    get lines(): number {
      return output.rows || 24;
    },
    listen(take) {
      const onData = (bytes: Buffer): void => take(bytes.toString());
      input.setRawMode(true).on('data', onData).resume();
      return () => void input.off('data', onData).setRawMode(false).pause();
    },
  };
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, onSignal);
const context: CliContext = {
  environment: process.env,
  cwd: process.cwd(),
  home: currentHome(),
  data: terminalOf(process.stdout),
  notes: terminalOf(process.stderr),
  keyboard: keyboardOf(process.stdin, process.stdout),
  interrupt: interrupt.signal,
};
const { version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
process.exitCode = await runCommandLine(process.argv.slice(2), context, version);
