/**
 * Filter rules by their beginnings: new ones as a list shows hashes and publishers, made whole by what is listed here, and
 * those that are to go, by what no other begins with.
 */
import { MonsoonError, type Steps } from '../../src/base/index.ts';
import { wallNow } from '../../src/io/alarm-clock.ts';
import type { ListingStore } from '../../src/io/index.ts';

/** Beginnings of rules in one change; more are meant as whole rules. */
const BEGINNINGS_MAX = 8;
/** Rules compared between two rests. */
const RULES_A_STEP = 4096;

type Listed = Pick<ListingStore, 'findByPrefix' | 'list'>;

/** The rule that is meant; rejects with a MonsoonError (`usage`) when the digits stand for nothing here, or for several. */
export async function wholeRule(rule: string, store: Listed): Promise<string> {
  const [, kind, digits] = /^(?:(by|only):)?([0-9a-f]{4,63})$/i.exec(rule.trim()) ?? [];
  if (digits === undefined || (kind === undefined && digits.length >= 40)) return rule;
  const start = digits.toLowerCase();
  const found = kind === undefined ? await hashesOf(start, store) : await publishersOf(start, store);
  if (found.length === 1) return kind === undefined ? found[0]! : `${kind.toLowerCase()}:${found[0]}`;
  const what = kind === undefined ? 'a hash, which has 40 digits' : 'a publisher, who has 64 digits';
  const how = found.length === 0 ? 'Nothing listed here begins with' : 'Several begin with';
  throw new MonsoonError('usage', `${how} "${digits}": write out the whole of ${what}.`);
}

async function hashesOf(start: string, store: Listed): Promise<string[]> {
  return (await store.findByPrefix(start, wallNow())).map(({ infoHash }) => infoHash);
}

/** The first and the last of them: two are enough to know. */
async function publishersOf(start: string, store: Listed): Promise<string[]> {
  const ends = [false, true].map((isReversed) =>
    store.list({ publisher: start, sort: 'by', isReversed, limit: 1 }, wallNow()),
  );
  return [...new Set((await Promise.all(ends)).flatMap(({ rows }) => rows.map(({ publisher }) => publisher)))];
}

/**
 * The rules that are meant: written so, or the only one that begins so, letters in either case. Throws a MonsoonError,
 * `not-found` or `usage`, where that is none or several.
 */
export function* rulesMeant(texts: readonly string[], rules: readonly string[]): Steps<ReadonlySet<string>> {
  const found = new Map(
    texts.map((text): [string, { whole?: string; beginning: string[] }] => [small(text), { beginning: [] }]),
  );
  const starts = texts.length <= BEGINNINGS_MAX ? [...found] : [];
  for (const [i, rule] of rules.entries()) {
    if (i % RULES_A_STEP === 0) yield;
    const text = small(rule);
    const named = found.get(text);
    if (named) named.whole = rule;
    for (const [start, { beginning }] of starts) if (start !== '' && text.startsWith(start)) beginning.push(rule);
  }
  return new Set(
    [...found].map(([text, { whole, beginning }]) => {
      const meant = whole ?? (beginning.length === 1 ? beginning[0] : undefined);
      if (meant !== undefined) return meant;
      if (beginning.length === 0)
        throw new MonsoonError('not-found', `There is no rule ${text}. "monsoon filter" shows all.`);
      throw new MonsoonError(
        'usage',
        `${beginning.length} rules begin with "${text}": write more of the one that is meant.`,
      );
    }),
  );
}

function small(rule: string): string {
  return rule.trim().toLowerCase();
}
