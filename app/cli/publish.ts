/** `monsoon publish`, `edit` and `withdraw`: what this node says in the listing under its own key. */
import { cleanText, MonsoonError } from '../../src/base/index.ts';
import { CATEGORIES } from '../../src/listing/index.ts';
import type { Claims, Said, Statement } from '../running-node.ts';
import { answer } from './answer.ts';
import { withDaemon } from './daemon-process.ts';
import type { Call, CliContext, ExitCode, Verb, VerbOption } from './verb.ts';

const NAME_LENGTH_MAX = 300;

/** What a publisher may say of a torrent; `share` takes the same. */
export const CLAIM_OPTIONS: readonly VerbOption[] = [
  { name: 'category', flag: '--cat <category>', help: 'what kind of thing it is', choices: CATEGORIES },
  { name: 'description', flag: '--desc <text>', help: 'a description for the listing' },
  { name: 'tags', flag: '--tags <tags>', help: 'tags for the listing, with commas between: at most 5, of a-z 0-9 -' },
];

export const publish: Verb = {
  name: 'publish',
  parameters: ['<torrent>'],
  summary: 'list a torrent that is here, whoever made it',
  options: CLAIM_OPTIONS,
  run: (call, context) => say(call, context, { type: 'publish', claims: claimsOf(call) }, 'listed'),
};

export const edit: Verb = {
  name: 'edit',
  parameters: ['<torrent>'],
  summary: 'change category, description or tags of what you listed',
  options: CLAIM_OPTIONS,
  run: (call, context) => {
    const claims = claimsOf(call);
    if (Object.keys(claims).length === 0) {
      throw new MonsoonError('usage', 'Say what to change: --cat, --desc or --tags. Run "monsoon edit --help".');
    }
    return say(call, context, { type: 'edit', claims }, 'changed');
  },
};

export const withdraw: Verb = {
  name: 'withdraw',
  parameters: ['<torrent>'],
  summary: 'take back what you listed; the torrent itself stays',
  options: [],
  run: (call, context) => say(call, context, { type: 'withdraw' }, 'no longer listed by you'),
};

/** The claims among a call's options. */
export function claimsOf({ options }: Call): Claims {
  const { category, description, tags } = options as Partial<Record<string, string>>;
  return {
    ...(category !== undefined && { category }),
    ...(description !== undefined && { description }),
    ...(tags !== undefined && { tags: tags.split(/[\s,]+/).filter((tag) => tag !== '') }),
  };
}

function say(call: Call, context: CliContext, statement: Statement, done: string): Promise<ExitCode> {
  return withDaemon(context, async (client) => {
    const said: Said = await client.say(call.arguments[0]!, statement);
    return answer(call, context, said, () => `${cleanText(said.name, NAME_LENGTH_MAX)}: ${done}\n`);
  });
}
