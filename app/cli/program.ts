/** The command line: the table of verbs, and the parser that is made from it. */
import { Command, CommanderError, Option } from 'commander';
import { explain } from './answer.ts';
import { type CliContext, EXIT, type ExitCode, type Verb, type VerbOption } from './verb.ts';

/** In the order of the help. Each is loaded when it is meant, for loading all of them takes longer than most of them run. */
const VERBS: Readonly<Record<string, () => Promise<Verb>>> = {
  list: async () => (await import('./list.ts')).list,
  search: async () => (await import('./list.ts')).search,
  get: async () => (await import('./get.ts')).get,
  stream: async () => (await import('./stream.ts')).stream,
  share: async () => (await import('./share.ts')).share,
  publish: async () => (await import('./publish.ts')).publish,
  edit: async () => (await import('./publish.ts')).edit,
  withdraw: async () => (await import('./publish.ts')).withdraw,
  filter: async () => (await import('./filter.ts')).filter,
  info: async () => (await import('./list.ts')).info,
  files: async () => (await import('./files.ts')).files,
  ps: async () => (await import('./status.ts')).ps,
  pause: async () => (await import('./torrent-verbs.ts')).pause,
  resume: async () => (await import('./torrent-verbs.ts')).resume,
  rm: async () => (await import('./torrent-verbs.ts')).rm,
  verify: async () => (await import('./torrent-verbs.ts')).verify,
  move: async () => (await import('./torrent-verbs.ts')).move,
  queue: async () => (await import('./torrent-verbs.ts')).queue,
  limit: async () => (await import('./limit.ts')).limit,
  start: async () => (await import('./start.ts')).start,
  stop: async () => (await import('./stop.ts')).stop,
  status: async () => (await import('./status.ts')).status,
  supernode: async () => (await import('./supernode.ts')).supernode,
  supernodes: async () => (await import('./supernode.ts')).supernodes,
  dns: async () => (await import('./dns.ts')).dns,
  hosts: async () => (await import('./hosts.ts')).hosts,
  bootstrap: async () => (await import('./hosts.ts')).bootstrap,
  doctor: async () => (await import('./doctor.ts')).doctor,
  config: async () => (await import('./config.ts')).config,
  demo: async () => (await import('./demo.ts')).demo,
};

/** Runs one command line, the program's own name left out; never rejects. */
export async function runCommandLine(
  words: readonly string[],
  context: CliContext,
  version: string,
): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.ok;
  const meant = completed(words);
  try {
    const program = programOf(await verbsFor(meant[0]!), context, version, async (verb, parsed) => {
      exitCode = await verb.run(parsed, context);
    });
    await program.parseAsync(meant, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) return explain(error, context);
    return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  }
}

type RunVerb = (verb: Verb, call: Parameters<Verb['run']>[0]) => Promise<void>;

/** `monsoon` alone is `monsoon list`, to look through in a terminal, and a bare magnet or info hash is something to get. */
function completed(words: readonly string[]): string[] {
  const [first] = words;
  if (first === undefined || first === '--json') return ['list', '--browse', ...words];
  return /^magnet:|^(?:[0-9a-f]{40}|[a-z2-7]{32})$/i.test(first) ? ['get', ...words] : [...words];
}

/** The verb of that name alone; all of them for help, for another name of one, and for what is none. */
async function verbsFor(word: string): Promise<readonly Verb[]> {
  const names = Object.hasOwn(VERBS, word) ? [word] : Object.keys(VERBS);
  return Promise.all(names.map((name) => VERBS[name]!()));
}

function programOf(verbs: readonly Verb[], context: CliContext, version: string, run: RunVerb): Command {
  const program = new Command('monsoon')
    .description('Decentralised BitTorrent. Without a verb it starts the node if needed and shows the list.')
    .version(version)
    .exitOverride()
    .showHelpAfterError('Run "monsoon --help" or "monsoon VERB --help".')
    .configureOutput({
      writeOut: (text) => context.data.write(text),
      writeErr: (text) => context.notes.write(text.replace(/^error: /, 'monsoon: ')),
      getOutHelpWidth: () => Math.min(context.data.columns, HELP_COLUMNS_MAX),
    });
  for (const verb of verbs) program.addCommand(commandOf(verb, run).copyInheritedSettings(program));
  return program;
}

const HELP_COLUMNS_MAX = 100;

function commandOf(verb: Verb, run: RunVerb): Command {
  const command = new Command(verb.name).description(verb.summary);
  if (verb.alias) command.alias(verb.alias);
  for (const parameter of verb.parameters) command.argument(parameter);
  for (const option of verb.options) command.addOption(optionOf(option));
  command.option('--json', 'print JSON').allowUnknownOption(verb.takesDashes === true);
  command.action(async () => {
    const given = command.opts();
    // A switch and its opposite share a name, so the value is found under the plain flag's.
    const options = Object.fromEntries(
      verb.options.map((option) => [option.name, given[optionOf(option).attributeName()]]),
    );
    await run(verb, { arguments: command.args, options, wantsJson: given.json === true });
  });
  return command;
}

function optionOf({ flag, help, choices, isList, isHidden }: VerbOption): Option {
  const option = new Option(flag, help);
  if (choices) option.choices([...choices]);
  if (isList) option.argParser((item: string, before: string[] | undefined) => [...(before ?? []), item]);
  return option.hideHelp(isHidden === true);
}
