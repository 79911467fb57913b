/**
 * The user's filter: his own rules, kept in one text file, and those of the lists that he subscribed to. Obeyed by
 * everything that lists, tracks, fetches or takes publications. Rules are local; others see what they like.
 */
import { readFile } from 'node:fs/promises';
import { MonsoonError, type NodeId, utf8 } from '../../src/base/index.ts';
import { writeFileAtomically } from '../../src/io/atomic-file.ts';
import { newDenyList } from '../../src/io/deny-rules.ts';
import type { ListingStore } from '../../src/io/index.ts';
import type { DenyFacts, DenyList } from '../../src/listing/index.ts';
import type { Log } from '../log.ts';
import type { RuleChange, RuleStatus } from '../running-node.ts';
import { linesOf, type SubscribedRules } from './subscriptions.ts';

/** Bytes of all rules. */
const RULES_BYTES_MAX: number = 64 * 2 ** 20;
/** Rules shown in one answer. */
const RULES_SHOWN_MAX = 1000;

export interface FilterSettings {
  readonly store: Pick<ListingStore, 'deny'>;
  /** Whose rows are always shown: our own. */
  readonly nodeId: NodeId;
  readonly log: Log;
}

export class Filter {
  readonly #file: string;
  readonly #store: Pick<ListingStore, 'deny'>;
  readonly #nodeId: NodeId;
  readonly #log: Log;
  #rules: readonly string[] = [];
  #subscribed: readonly SubscribedRules[] = [];
  /** Our own rules first, so that they have room whatever others write. */
  #list = newDenyList();
  #text = '';
  #changed: (isLooser: boolean) => void = () => {};

  private constructor(file: string, { store, nodeId, log }: FilterSettings) {
    this.#file = file;
    this.#store = store;
    this.#nodeId = nodeId;
    this.#log = log;
  }

  /** Reads the rules; what is no rule is said and left in the file. */
  static async open(
    file: string,
    settings: FilterSettings,
    subscribed: readonly SubscribedRules[] = [],
  ): Promise<Filter> {
    const filter = new Filter(file, settings);
    const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return '';
      throw new MonsoonError('disk', `The deny rules ${file} cannot be read: make it readable for this user.`, error);
    });
    const rules = linesOf(text);
    const refused = await filter.#use(rules, subscribed);
    if (refused > 0) settings.log.warn('lines that are no deny rule', { file, lines: refused });
    return filter;
  }

  /** Has somebody told of each change, and whether something may be let in by it that was denied. */
  onChange(changed: (isLooser: boolean) => void): void {
    this.#changed = changed;
  }

  get status(): RuleStatus {
    return { rules: this.#rules.slice(0, RULES_SHOWN_MAX), total: this.#rules.length };
  }

  denies(facts: DenyFacts): boolean {
    return this.#list.reason(facts) !== undefined;
  }

  /** Throws a MonsoonError that names the rule. */
  requireAllowed(facts: DenyFacts): void {
    const reason = this.#list.reason(facts);
    if (reason === undefined) return;
    const list = this.#subscribed.find(({ rules }) => listOf(rules).reason(facts) !== undefined);
    if (list && listOf(this.#rules.join('\n')).reason(facts) === undefined) {
      throw new MonsoonError(
        'refused',
        `The list "${list.title}" denies that (${reason}). "monsoon filter unsubscribe ${list.author}" leaves it.`,
      );
    }
    throw new MonsoonError(
      'refused',
      `Your filter denies that (${reason}). "monsoon filter remove ${reason}" lets it in.`,
    );
  }

  /** Adds and removes rules; a line that is no rule refuses the whole change. */
  async change({ add = [], remove = [] }: RuleChange): Promise<void> {
    const gone = new Set(remove.map((rule) => rule.trim().toLowerCase()));
    const kept = this.#rules.filter((rule) => !gone.has(rule.toLowerCase()));
    const missing = remove.length > 0 && kept.length === this.#rules.length;
    if (missing) throw new MonsoonError('not-found', `There is no rule ${remove[0]}. "monsoon filter" shows all.`);
    const rules = [...new Set([...kept, ...add.flatMap(linesOf)])];
    const bytes = utf8(`${rules.join('\n')}\n`);
    if (bytes.length > RULES_BYTES_MAX) throw new MonsoonError('refused', 'There are too many deny rules.');
    const refused = newDenyList().add(rules.join('\n'));
    if (refused.length > 0) {
      throw new MonsoonError(
        'usage',
        `"${refused[0]}" is no rule. Rules are a hash, sha256:HEX of one, by:PUBLISHER, only:PUBLISHER or name:PATTERN.`,
      );
    }
    await writeFileAtomically(this.#file, bytes);
    await this.#use(rules, this.#subscribed);
  }

  /** Takes the rules of the subscribed lists in the place of those before. */
  async subscribe(lists: readonly SubscribedRules[]): Promise<void> {
    await this.#use(this.#rules, lists);
  }

  /** Returns how many lines of our own are no rule. */
  async #use(rules: readonly string[], subscribed: readonly SubscribedRules[]): Promise<number> {
    const list = newDenyList();
    const refused = list.add(rules.join('\n')).length;
    for (const { author, rules: theirs } of subscribed) {
      const ignored = list.add(theirs).length;
      if (ignored > 0) this.#log.info('lines of a subscribed list are no rule, or too many', { author, ignored });
    }
    const own = list.only.size > 0 ? [`only:${this.#nodeId}`] : [];
    const text = [...own, ...rules, ...subscribed.map((each) => each.rules)].join('\n');
    const isLooser = !isWithin(this.#text, text);
    this.#rules = rules;
    this.#subscribed = subscribed;
    this.#list = list;
    if (text === this.#text) return refused;
    this.#text = text;
    await this.#store.deny(text);
    this.#changed(isLooser);
    return refused;
  }
}

function listOf(rules: string): DenyList {
  const list = newDenyList();
  list.add(rules);
  return list;
}

/** Whether each line of one text is in another one too. */
function isWithin(text: string, other: string): boolean {
  const lines = new Set(other.split('\n'));
  return text.split('\n').every((line) => line === '' || lines.has(line));
}
