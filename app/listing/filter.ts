/**
 * The user's filter: his own rules, kept in one text file, and those of the lists that he subscribed to. Obeyed by
 * everything that lists, tracks, fetches or takes publications. Rules are local; others see what they like.
 */
import { readFile } from 'node:fs/promises';
import { MonsoonError, type NodeId, utf8 } from '../../src/base/index.ts';
import { writeFileAtomically } from '../../src/io/atomic-file.ts';
import { newDenyList } from '../../src/io/deny-rules.ts';
import { inTurns } from '../../src/io/in-turns.ts';
import type { ListingStore } from '../../src/io/index.ts';
import { Turnstile } from '../../src/io/turnstile.ts';
import { type DenyFacts, type DenyList, linesBesides } from '../../src/listing/index.ts';
import type { Log } from '../log.ts';
import type { RuleChange, RuleStatus } from '../running-node.ts';
import { rulesMeant } from './short-rules.ts';
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

/** Where rules come from. */
interface Sources {
  readonly rules: readonly string[];
  readonly subscribed: readonly SubscribedRules[];
}

export class Filter {
  readonly #file: string;
  readonly #store: Pick<ListingStore, 'deny'>;
  readonly #nodeId: NodeId;
  readonly #log: Log;
  readonly #turns = new Turnstile();
  #sources: Sources = { rules: [], subscribed: [] };
  /** Our own rules first, so that they have room whatever others write. */
  #list = newDenyList();
  /** The rules of each source as they count. */
  #texts: readonly string[] = [''];
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
    const refused = await filter.#use({ rules, subscribed });
    if (refused > 0) settings.log.warn('lines that are no deny rule', { file, lines: refused });
    return filter;
  }

  /** Has somebody told of each change, and whether something may be let in by it that was denied. */
  onChange(changed: (isLooser: boolean) => void): void {
    this.#changed = changed;
  }

  get status(): RuleStatus {
    return { rules: this.#sources.rules.slice(0, RULES_SHOWN_MAX), total: this.#sources.rules.length };
  }

  denies(facts: DenyFacts): boolean {
    return this.#list.reason(facts) !== undefined;
  }

  /** Throws a MonsoonError that names the rule. */
  requireAllowed(facts: DenyFacts): void {
    const refusal = this.refusal(facts);
    if (refusal !== undefined) throw new MonsoonError('refused', refusal);
  }

  /** Why something is denied and what would let it in, for people; undefined when it is not. */
  refusal(facts: DenyFacts): string | undefined {
    const reason = this.#list.reason(facts);
    if (reason === undefined) return undefined;
    const list = this.#sources.subscribed.find(({ rules }) => listOf(rules).reason(facts) !== undefined);
    if (list && listOf(this.#sources.rules.join('\n')).reason(facts) === undefined) {
      return `The list "${list.title}" denies that (${reason}). "monsoon filter unsubscribe ${list.author}" leaves it.`;
    }
    return `Your filter denies that (${reason}). "monsoon filter remove ${reason}" lets it in.`;
  }

  /** Adds and removes rules; a line that is no rule, or none of those here, refuses the whole change. */
  async change({ add = [], remove = [] }: RuleChange): Promise<void> {
    const gone = await inTurns(rulesMeant(remove, this.#sources.rules));
    const kept = this.#sources.rules.filter((rule) => !gone.has(rule));
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
    await this.#use({ rules });
  }

  /** Takes the rules of the subscribed lists in the place of those before. */
  async subscribe(subscribed: readonly SubscribedRules[]): Promise<void> {
    await this.#use({ subscribed });
  }

  /** Returns how many lines of our own are no rule. One change after the other, each from what the one before it left. */
  #use(change: Partial<Sources>): Promise<number> {
    return this.#turns.pass(async () => {
      const sources = { ...this.#sources, ...change };
      const { rules, subscribed } = sources;
      const list = newDenyList();
      const refused = await inTurns(list.addSteps(rules.join('\n')));
      for (const { author, rules: theirs } of subscribed) {
        const { length: ignored } = await inTurns(list.addSteps(theirs));
        if (ignored > 0) this.#log.info('lines of a subscribed list are no rule, or too many', { author, ignored });
      }
      const own = list.only.size > 0 ? [`only:${this.#nodeId}`] : [];
      const texts = [...own, rules.join('\n'), ...subscribed.map((each) => each.rules)];
      const before = this.#texts;
      const gone = before.filter((text) => !texts.includes(text));
      const news = texts.filter((text) => !before.includes(text));
      // A line that went to another list, which did not change, counts as gone: then a little is asked for in vain.
      const isLooser = (await inTurns(linesBesides(gone, news))).length > 0;
      this.#sources = sources;
      this.#list = list;
      if (gone.length === 0 && news.length === 0) return refused.length;
      await this.#store.deny(texts.join('\n'));
      // Only now: where the store could not be told, the same change tells it again.
      this.#texts = texts;
      this.#changed(isLooser);
      return refused.length;
    });
  }
}

function listOf(rules: string): DenyList {
  const list = newDenyList();
  list.add(rules);
  return list;
}
