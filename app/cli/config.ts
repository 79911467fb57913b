/** `monsoon config`: every option with its value and where that came from. It needs no daemon. */
import { expectation, OPTIONS, type Option, type OptionName, parseOptionValue } from '../../config/index.ts';
import { MonsoonError } from '../../src/base/index.ts';
import { loadConfig, setConfigValue } from '../config-file.ts';
import { configRows } from '../config-rows.ts';
import type { Column } from '../show/table.ts';
import { answer, tableOf } from './answer.ts';
import { withClient } from './daemon-process.ts';
import type { Call, CliContext, ExitCode, Verb } from './verb.ts';

const COLUMNS: readonly Column[] = [
  { title: 'Option' },
  { title: 'Value', shrinks: true },
  { title: 'From' },
  { title: 'What it is', shrinks: true },
];

export const config: Verb = {
  name: 'config',
  parameters: ['[action]', '[name]', '[value]'],
  summary: 'show the options; "config get NAME", "config set NAME VALUE", "config path"',
  options: [],
  async run(call, context) {
    const [action, name, value, ...rest] = call.arguments;
    const count = call.arguments.length;
    if (rest.length === 0) {
      if (action === undefined) return showAll(call, context);
      if (action === 'path' && count === 1) return showPath(call, context);
      if (action === 'get' && count === 2) return showOne(call, context, optionName(name!));
      if (action === 'set' && count === 3) return setOne(call, context, optionName(name!), value!);
    }
    throw new MonsoonError(
      'usage',
      'Run "monsoon config", "config get NAME", "config set NAME VALUE" or "config path".',
    );
  },
};

async function showAll(call: Call, context: CliContext): Promise<ExitCode> {
  const rows = configRows(await loadConfig(context.home, { flags: {}, environment: context.environment }));
  return answer(call, context, rows, () =>
    tableOf(
      context,
      COLUMNS,
      rows.map((row) => [row.name, valueText(row.value), row.origin, row.help]),
    ),
  );
}

async function showOne(call: Call, context: CliContext, name: OptionName): Promise<ExitCode> {
  const rows = configRows(await loadConfig(context.home, { flags: {}, environment: context.environment }));
  const row = rows.find((candidate) => candidate.name === name)!;
  return answer(call, context, row, () => `${valueText(row.value)}\n`);
}

function showPath(call: Call, context: CliContext): ExitCode {
  const { configFile } = context.home;
  return answer(call, context, { path: configFile }, () => `${configFile}\n`);
}

async function setOne(call: Call, context: CliContext, name: OptionName, text: string): Promise<ExitCode> {
  const option: Option = OPTIONS[name];
  const value = parseOptionValue(option, text);
  if (value === undefined)
    throw new MonsoonError('usage', `${name}: ${expectation(option)}, not ${JSON.stringify(text)}.`);
  await setConfigValue(context.home.configFile, name, value);
  const isRunning = await withClient(context, (client) => client.isServed());
  if (isRunning)
    context.notes.write('The node takes it up when it starts: run "monsoon stop", then "monsoon start".\n');
  return answer(call, context, { name, value }, () => `${name} = ${valueText(value)}\n`);
}

function optionName(text: string): OptionName {
  if (!Object.hasOwn(OPTIONS, text)) {
    throw new MonsoonError('usage', `There is no option "${text}". Run "monsoon config" to see them all.`);
  }
  return text as OptionName;
}

function valueText(value: unknown): string {
  return Array.isArray(value) ? value.join(',') : String(value);
}
