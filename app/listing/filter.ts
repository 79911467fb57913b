/**
 * The user's deny rules: kept in one text file, and obeyed by everything that lists, tracks, fetches or takes
 * publications. Rules are local; others see what they like.
 */
import { readFile } from 'node:fs/promises';
import { MonsoonError, utf8 } from '../../src/base/index.ts';
import { writeFileAtomically } from '../../src/io/atomic-file.ts';
import { newDenyList } from '../../src/io/deny-rules.ts';
import type { ListingStore } from '../../src/io/index.ts';
import type { DenyFacts, DenyList } from '../../src/listing/index.ts';
import type { Log } from '../log.ts';
import type { FilterChange, FilterStatus } from '../running-node.ts';

/** Bytes of all rules. */
const RULES_BYTES_MAX: number = 64 * 2 ** 20;
/** Rules shown in one answer. */
const RULES_SHOWN_MAX = 1000;

export class Filter {
  readonly #file: string;
  readonly #store: Pick<ListingStore, 'deny'>;
  #rules: readonly string[] = [];
  #list = newDenyList();

  private constructor(file: string, store: Pick<ListingStore, 'deny'>) {
    this.#file = file;
    this.#store = store;
  }

  /** Reads the rules; what is no rule is said and left in the file. */
  static async open(file: string, store: Pick<ListingStore, 'deny'>, log: Log): Promise<Filter> {
    const filter = new Filter(file, store);
    const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return '';
      throw new MonsoonError('disk', `The deny rules ${file} cannot be read: make it readable for this user.`, error);
    });
    const rules = linesOf(text);
    const list = newDenyList();
    const refused = list.add(rules.join('\n'));
    await filter.#use(rules, list);
    if (refused.length > 0) log.warn('lines that are no deny rule', { file, first: refused[0], lines: refused.length });
    return filter;
  }

  get status(): FilterStatus {
    return { rules: this.#rules.slice(0, RULES_SHOWN_MAX), total: this.#rules.length };
  }

  denies(facts: DenyFacts): boolean {
    return this.#list.reason(facts) !== undefined;
  }

  /** Throws a MonsoonError that names the rule. */
  requireAllowed(facts: DenyFacts): void {
    const reason = this.#list.reason(facts);
    if (reason === undefined) return;
    throw new MonsoonError(
      'refused',
      `Your filter denies that (${reason}). "monsoon filter remove ${reason}" lets it in.`,
    );
  }

  /** Adds and removes rules; a line that is no rule refuses the whole change. */
  async change({ add = [], remove = [] }: FilterChange): Promise<FilterStatus> {
    const gone = new Set(remove.map((rule) => rule.trim().toLowerCase()));
    const kept = this.#rules.filter((rule) => !gone.has(rule.toLowerCase()));
    const missing = remove.length > 0 && kept.length === this.#rules.length;
    if (missing) throw new MonsoonError('not-found', `There is no rule ${remove[0]}. "monsoon filter" shows all.`);
    const rules = [...new Set([...kept, ...add.flatMap(linesOf)])];
    const bytes = utf8(`${rules.join('\n')}\n`);
    if (bytes.length > RULES_BYTES_MAX) throw new MonsoonError('refused', 'There are too many deny rules.');
    const list = newDenyList();
    const refused = list.add(rules.join('\n'));
    if (refused.length > 0) {
      throw new MonsoonError(
        'usage',
        `"${refused[0]}" is no rule. Rules are a hash, sha256:HEX of one, by:PUBLISHER or name:PATTERN.`,
      );
    }
    await writeFileAtomically(this.#file, bytes);
    await this.#use(rules, list);
    return this.status;
  }

  /** @param list made from these rules */
  async #use(rules: readonly string[], list: DenyList): Promise<void> {
    this.#rules = rules;
    this.#list = list;
    await this.#store.deny(rules.join('\n'));
  }
}

function linesOf(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => line.trim());
}
