/** `monsoon filter`: what this node neither lists nor keeps, tracks or fetches, and whose lists it follows in that. */
import { readFile } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { cleanText, MonsoonError, type NodeId, parseNodeId } from '../../src/base/index.ts';
import type { FilterChange, FilterListRow, FilterStatus } from '../running-node.ts';
import { formatDuration } from '../show/quantities.ts';
import type { Column } from '../show/table.ts';
import { answer, tableOf } from './answer.ts';
import { withDaemon } from './daemon-process.ts';
import type { Call, CliContext, Verb } from './verb.ts';

/** Rules sent at a time. */
const RULES_PER_CHANGE = 1000;
const RULE_LENGTH_MAX = 300;
const USAGE =
  'Say "filter add RULE", "remove RULE", "import FILE", "subscribe KEY", "unsubscribe KEY", "show KEY" or "publish FILE".';

export const filter: Verb = {
  name: 'filter',
  parameters: ['[add|remove|import|subscribe|unsubscribe|show|publish]', '[what...]'],
  summary:
    'show or change what is denied: a hash, sha256:HEX of one, by:PUBLISHER, only:PUBLISHER, name:PATTERN; import FILE ' +
    'takes a list, subscribe KEY follows the one that others sign, publish FILE signs yours',
  options: [
    { name: 'only', flag: '--only', help: 'subscribe: show only the publishers that the list names' },
    { name: 'title', flag: '--title <text>', help: 'publish: what the list is called; its file name when absent' },
  ],
  run(call, context) {
    const [action, ...what] = call.arguments;
    return withDaemon(context, async (client) => {
      if (action === 'show' && what.length === 1) {
        const list = await client.filterList(what[0]!);
        return answer(
          call,
          context,
          list,
          () => `# ${cleanText(list.title, RULE_LENGTH_MAX)}\n${linesText(list.text)}`,
        );
      }
      let status = await client.filter();
      for (const change of await changesOf(action, what, call, context)) status = await client.changeFilter(change);
      return answer(call, context, status, () => filterText(status, context));
    });
  },
};

async function changesOf(
  action: string | undefined,
  what: readonly string[],
  call: Call,
  context: CliContext,
): Promise<FilterChange[]> {
  if (action === undefined) return [];
  const [first] = what;
  if (first === undefined) throw new MonsoonError('usage', USAGE);
  const file = (name: string): string => resolve(context.cwd, name);
  switch (action) {
    case 'add':
      return inParts(what).map((add) => ({ add }));
    case 'remove':
      return inParts(what).map((remove) => ({ remove }));
    case 'import':
      return inParts((await Promise.all(what.map((name) => textIn(file(name))))).flatMap(rulesIn)).map((add) => ({
        add,
      }));
    case 'subscribe':
      return what.map((key) => ({ subscribe: { author: keyOf(key), takesOnly: call.options.only === true } }));
    case 'unsubscribe':
      return what.map((key) => ({ unsubscribe: keyOf(key) }));
    case 'publish': {
      if (what.length > 1) throw new MonsoonError('usage', 'A node publishes one list: name one file.');
      const title = (call.options.title as string | undefined) ?? basename(first);
      return [{ publish: { title, rules: await textIn(file(first)) } }];
    }
    default:
      throw new MonsoonError('usage', USAGE);
  }
}

function inParts(rules: readonly string[]): string[][] {
  const parts: string[][] = [];
  for (let at = 0; at < rules.length; at += RULES_PER_CHANGE) parts.push(rules.slice(at, at + RULES_PER_CHANGE));
  return parts;
}

function keyOf(text: string): NodeId {
  const key = parseNodeId(text);
  if (!key) throw new MonsoonError('usage', `"${cleanText(text, 80)}" is no key: a key has 64 hex digits.`);
  return key;
}

function textIn(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((cause) => {
    throw new MonsoonError('not-found', `There is no file ${file} that can be read.`, cause);
  });
}

function rulesIn(text: string): string[] {
  return text.split('\n').filter((line) => line.trim() !== '');
}

const COLUMNS: readonly Column[] = [
  { title: 'List', shrinks: true },
  { title: 'Rules', isNumber: true },
  { title: 'Asked' },
  { title: 'Key' },
];

function filterText({ rules, total, lists, own }: FilterStatus, context: CliContext): string {
  if (total === 0 && lists.length === 0 && own === null)
    return 'Nothing is denied. "monsoon filter add name:PATTERN" denies names, a hash one torrent.\n';
  const more = rules.length < total ? `and ${total - rules.length} more\n` : '';
  const table = lists.length > 0 ? tableOf(context, COLUMNS, lists.map(cellsOf)) : '';
  const published = own
    ? `You publish "${cleanText(own.title, RULE_LENGTH_MAX)}" with ${own.rules} rules as ${own.author}.\n`
    : '';
  return `${linesText(rules.join('\n'))}${more}${table}${published}`;
}

function cellsOf({ author, title, rules, takesOnly, checkedAgeSeconds }: FilterListRow): string[] {
  const asked = checkedAgeSeconds === null ? 'not yet' : `${formatDuration(checkedAgeSeconds)} ago`;
  return [`${title ?? 'not found yet'}${takesOnly ? ' (only its publishers)' : ''}`, String(rules), asked, author];
}

/** Rules of whatever origin, one a line. */
function linesText(text: string): string {
  return rulesIn(text)
    .map((rule) => `${cleanText(rule, RULE_LENGTH_MAX)}\n`)
    .join('');
}
