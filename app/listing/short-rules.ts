/** Filter rules as a list shows hashes and publishers, by their first digits: made whole by what is listed here. */
import { MonsoonError } from '../../src/base/index.ts';
import { wallNow } from '../../src/io/alarm-clock.ts';
import type { ListingStore } from '../../src/io/index.ts';

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
