/** The command line: the table of verbs, and the parser that is made from it. */
import { Command, CommanderError, Option } from 'commander';
import { explain } from './answer.ts';
import { config } from './config.ts';
import { demo } from './demo.ts';
import { dns } from './dns.ts';
import { doctor } from './doctor.ts';
import { files } from './files.ts';
import { filter } from './filter.ts';
import { get } from './get.ts';
import { bootstrap, hosts } from './hosts.ts';
import { limit } from './limit.ts';
import { info, list, search } from './list.ts';
import { edit, publish, withdraw } from './publish.ts';
import { share } from './share.ts';
import { start } from './start.ts';
import { ps, status } from './status.ts';
import { stop } from './stop.ts';
import { supernode, supernodes } from './supernode.ts';
import { move, pause, queue, resume, rm, verify } from './torrent-verbs.ts';
import { type CliContext, EXIT, type ExitCode, type Verb, type VerbOption } from './verb.ts';

const VERBS: readonly Verb[] = [
  list,
  search,
  get,
  share,
  publish,
  edit,
  withdraw,
  filter,
  info,
  files,
  ps,
  pause,
  resume,
  rm,
  verify,
  move,
  queue,
  limit,
  start,
  stop,
  status,
  supernode,
  supernodes,
  dns,
  hosts,
  bootstrap,
  doctor,
  config,
  demo,
];

/** Runs one command line, the program's own name left out; never rejects. */
export async function runCommandLine(
  words: readonly string[],
  context: CliContext,
  version: string,
): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.ok;
  const program = programOf(context, version, async (verb, parsed) => {
    exitCode = await verb.run(parsed, context);
  });
  try {
    await program.parseAsync(completed(words), { from: 'user' });
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

function programOf(context: CliContext, version: string, run: RunVerb): Command {
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
  for (const verb of VERBS) program.addCommand(commandOf(verb, run).copyInheritedSettings(program));
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
