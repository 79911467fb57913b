/** `monsoon filter`: what this node neither lists nor keeps, tracks or fetches. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { cleanText, MonsoonError } from '../../src/base/index.ts';
import type { FilterStatus } from '../running-node.ts';
import { answer } from './answer.ts';
import { withDaemon } from './daemon-process.ts';
import type { Verb } from './verb.ts';

const ACTIONS = ['add', 'remove', 'import'] as const;
/** Rules sent at a time. */
const RULES_PER_CHANGE = 1000;
const RULE_LENGTH_MAX = 300;

export const filter: Verb = {
  name: 'filter',
  parameters: ['[add|remove|import]', '[rule...]'],
  summary:
    'show or change what is denied: a hash, sha256:HEX of one, by:PUBLISHER, name:PATTERN; import FILE takes a list',
  options: [],
  async run(call, context) {
    const [action, ...rules] = call.arguments;
    if (action !== undefined && (!ACTIONS.some((name) => name === action) || rules.length === 0)) {
      throw new MonsoonError('usage', 'Say "filter add RULE", "filter remove RULE" or "filter import FILE".');
    }
    const wanted = action === 'import' ? await rulesIn(rules.map((file) => resolve(context.cwd, file))) : rules;
    return withDaemon(context, async (client) => {
      let status: FilterStatus = await client.filter();
      for (let at = 0; action !== undefined && at < wanted.length; at += RULES_PER_CHANGE) {
        const part = wanted.slice(at, at + RULES_PER_CHANGE);
        status = await client.changeFilter(action === 'remove' ? { remove: part } : { add: part });
      }
      return answer(call, context, status, () => filterText(status));
    });
  },
};

async function rulesIn(files: readonly string[]): Promise<string[]> {
  const rules: string[] = [];
  for (const file of files) {
    const text = await readFile(file, 'utf8').catch((cause) => {
      throw new MonsoonError('not-found', `There is no file ${file} that can be read.`, cause);
    });
    rules.push(...text.split('\n').filter((line) => line.trim() !== ''));
  }
  return rules;
}

function filterText({ rules, total }: FilterStatus): string {
  if (total === 0) return 'Nothing is denied. "monsoon filter add name:PATTERN" denies names, a hash one torrent.\n';
  const lines = rules.map((rule) => `${cleanText(rule, RULE_LENGTH_MAX)}\n`).join('');
  return rules.length < total ? `${lines}and ${total - rules.length} more\n` : lines;
}
