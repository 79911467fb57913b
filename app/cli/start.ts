/** `monsoon start`: a daemon that outlives the terminal, or with --foreground this process itself. */
import { type Config, OPTION_NAMES, OPTIONS, type Option, type OptionName } from '../../config/index.ts';
import { openBrowser } from '../browser.ts';
import { loadConfig } from '../config-file.ts';
import { keepStart } from '../last-start.ts';
import type { NodeStatus } from '../running-node.ts';
import { readableLogLine } from '../show/log-line.ts';
import { answer } from './answer.ts';
import { startDaemon, withClient } from './daemon-process.ts';
import { type Call, type CliContext, EXIT, type ExitCode, type Verb, type VerbOption } from './verb.ts';

const OPTIONS_WAIT =
  'The options count only when a node starts. Run "monsoon stop", then this again; "monsoon config set" keeps options.\n';
const LINGER_MS = 1000;

export const start: Verb = {
  name: 'start',
  parameters: [],
  summary: 'start the node of this home; returns when it serves',
  options: [
    { name: 'foreground', flag: '--foreground', help: 'be the node: log to the terminal, end with Ctrl-C' },
    { name: 'open', flag: '--open', help: 'open the page in a browser' },
    { name: 'logToFile', flag: '--log-to-file', help: 'log to the file of the home', isHidden: true },
    ...OPTION_NAMES.flatMap(flagsOf),
  ],
  run: (call, context) => (call.options.foreground ? runInForeground(call, context) : startInBackground(call, context)),
};

/** The flags of one option of the table; a switch has a hidden opposite, to overrule a variable or the file. */
function flagsOf(name: OptionName): VerbOption[] {
  const option: Option = OPTIONS[name];
  const help = `${option.help} (default: ${JSON.stringify(option.default)})`;
  const flag: VerbOption = { name, flag: option.flag, help, isList: option.kind === 'list' };
  if (option.kind !== 'switch') return [flag];
  return [flag, { name, flag: option.flag.replace('--', '--no-'), help, isHidden: true }];
}

async function startInBackground(call: Call, context: CliContext): Promise<ExitCode> {
  const flags = givenOptions(call);
  // Wrong flags are told here and not by a log.
  await loadConfig(context.home, { flags, environment: context.environment });
  return withClient(context, async (client) => {
    const wasServing = await client.isServed();
    if (!wasServing) await startDaemon(context, client, argumentsOf(flags));
    else if (Object.keys(flags).length > 0) context.notes.write(OPTIONS_WAIT);
    const status = await client.status();
    const text = (): string =>
      `${wasServing ? 'The node is already running' : 'The node serves'} ${whereabouts(status)}`;
    const code = answer(call, context, status, text);
    if (call.options.open && !(await openBrowser(status.ui, context.environment))) {
      context.notes.write(`There is no display to open it on. Open ${status.ui} in a browser of this machine.\n`);
    }
    return code;
  });
}

function whereabouts(status: NodeStatus): string {
  return `on port ${status.port}.\nIts page: ${status.ui}\n`;
}

async function runInForeground(call: Call, context: CliContext): Promise<ExitCode> {
  const [{ runDaemon }, { openLog, openLogFile }, { startNode }] = await Promise.all([
    import('../daemon.ts'),
    import('../log.ts'),
    import('../node.ts'),
  ]);
  const { home, environment, interrupt, notes, data, cwd } = context;
  const flags = givenOptions(call);
  const resolved = await loadConfig(home, { flags, environment });
  const readable = { write: (line: string): void => data.write(data.isTty ? `${readableLogLine(line)}\n` : line) };
  const log = openLog(resolved.config.logLevel, call.options.logToFile ? openLogFile(home.logFile) : readable);
  try {
    await runDaemon({ home, resolved, log, startNode, interrupt, onStarted, onServing });
  } finally {
    // A handle that would not close must not keep a process whose work is done, or could not begin.
    setTimeout(() => process.exit(), LINGER_MS).unref();
  }
  return EXIT.ok;

  async function onStarted(): Promise<void> {
    // It serves all the same where the disk takes nothing any more.
    await keepStart(home, { cwd, flags: argumentsOf(flags) }).catch((error: Error) => log.warn(error.message));
  }

  function onServing(status: NodeStatus): void {
    if (call.options.open) void openBrowser(status.ui, environment);
    if (!call.options.logToFile) notes.write(`The node serves ${whereabouts(status)}`);
  }
}

function givenOptions(call: Call): Partial<Record<OptionName, unknown>> {
  const given = OPTION_NAMES.filter((name) => call.options[name] !== undefined);
  return Object.fromEntries(given.map((name) => [name, call.options[name]]));
}

/** The same flags again, for the child. */
function argumentsOf(flags: Readonly<Partial<Record<OptionName, unknown>>>): string[] {
  return Object.entries(flags).flatMap(([name, value]) => {
    const flag = OPTIONS[name as keyof Config].flag.split(' ')[0]!;
    if (typeof value === 'boolean') return [value ? flag : flag.replace('--', '--no-')];
    return [value].flat().flatMap((item) => [flag, String(item)]);
  });
}
