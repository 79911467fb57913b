/**
 * The filter lists that a user subscribed to, and the one that this node publishes: which they are, their newest
 * versions as they were signed, and that none goes back to an older one. Kept on disk, so that they hold from the first
 * moment of the next start. Refuses to know where lists come from.
 */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isFault, MonsoonError, type NodeId, parseNodeId, utf8, type WallSeconds } from '../../src/base/index.ts';
import { wallNow } from '../../src/io/alarm-clock.ts';
import { writeFileAtomically } from '../../src/io/atomic-file.ts';
import { newDenyList } from '../../src/io/deny-rules.ts';
import { type Identity, verify } from '../../src/io/identity.ts';
import { makeFolders } from '../../src/io/make-folders.ts';
import { type FilterList, openFilterList, sealFilterList } from '../../src/listing/index.ts';
import type { Log } from '../log.ts';
import type { FilterListRow, OwnFilterList } from '../running-node.ts';

/** Lists that a user subscribes to. */
export const SUBSCRIPTIONS_MAX = 32;
const ONLY_RULE = /^\s*only:/i;
/** A list of ours may be from before the clock was set back. */
const FAR_FUTURE = Number.MAX_SAFE_INTEGER as WallSeconds;

/** A list as it was signed, and what it says. */
export interface HeldList {
  readonly bytes: Uint8Array;
  readonly list: FilterList;
}

/** The rules of one subscribed list that count here. */
export interface SubscribedRules {
  readonly author: NodeId;
  readonly title: string;
  readonly rules: string;
}

interface Subscription {
  /** Which publishers are shown is taken from it too. */
  readonly takesOnly: boolean;
  /** When a keeper was asked with success last. */
  checkedAt: WallSeconds | undefined;
}

export class Subscriptions {
  readonly #directory: string;
  readonly #identity: Pick<Identity, 'nodeId' | 'sign'>;
  /** In the order in which they were subscribed to; at most SUBSCRIPTIONS_MAX. */
  readonly #subscribed = new Map<NodeId, Subscription>();
  /** Of the subscribed, and our own. */
  readonly #held = new Map<NodeId, HeldList>();

  private constructor(directory: string, identity: Pick<Identity, 'nodeId' | 'sign'>) {
    this.#directory = directory;
    this.#identity = identity;
  }

  /** Reads what is kept in a folder; a list that is damaged is said, and fetched again. */
  static async open(directory: string, identity: Pick<Identity, 'nodeId' | 'sign'>, log: Log): Promise<Subscriptions> {
    const all = new Subscriptions(directory, identity);
    await makeFolders(directory, 0o700);
    const lines = (await textOf(join(directory, 'subscriptions.txt'))).split('\n');
    for (const line of lines) {
      const [key = '', only] = line.trim().split(' ');
      const author = parseNodeId(key);
      if (author && all.#subscribed.size < SUBSCRIPTIONS_MAX) all.#note(author, only === 'only');
    }
    for (const author of new Set([...all.#subscribed.keys(), identity.nodeId])) {
      const bytes = await readFile(all.#fileOf(author)).catch(() => undefined);
      const list = bytes && openFilterList(bytes, verify, FAR_FUTURE);
      if (list && !isFault(list) && list.author === author) all.#held.set(author, { bytes, list });
      else if (bytes) log.warn('a filter list on disk is damaged and will be fetched again', { author });
    }
    return all;
  }

  /** Whose lists are wanted: those of the subscribed, and our own. */
  get authors(): NodeId[] {
    const isOwnHeld = this.#held.has(this.#identity.nodeId);
    return [...new Set([...this.#subscribed.keys(), ...(isOwnHeld ? [this.#identity.nodeId] : [])])];
  }

  held(author: NodeId): HeldList | undefined {
    return this.#held.get(author);
  }

  /** The rules that count, of the lists that are here. */
  get rules(): SubscribedRules[] {
    return [...this.#subscribed].flatMap(([author, { takesOnly }]) => {
      const list = this.#held.get(author)?.list;
      if (!list) return [];
      const rules = takesOnly
        ? list.rules
        : linesOf(list.rules)
            .filter((line) => !ONLY_RULE.test(line))
            .join('\n');
      return [{ author, title: list.title, rules }];
    });
  }

  get rows(): FilterListRow[] {
    const at = wallNow();
    return [...this.#subscribed].map(([author, { takesOnly, checkedAt }]) => {
      const list = this.#held.get(author)?.list;
      return {
        author,
        title: list?.title ?? null,
        sequence: list?.sequence ?? null,
        published: list?.published ?? null,
        rules: list ? rulesIn(list.rules) : 0,
        takesOnly,
        checkedAgeSeconds: checkedAt === undefined ? null : Math.max(0, at - checkedAt),
      };
    });
  }

  /** What this node publishes. */
  get own(): OwnFilterList | null {
    const list = this.#held.get(this.#identity.nodeId)?.list;
    if (!list) return null;
    const { author, title, sequence, published, rules } = list;
    return { author, title, sequence, published, rules: rulesIn(rules) };
  }

  /** Subscribes, or changes what is taken from a list. */
  async subscribe(author: NodeId, takesOnly: boolean): Promise<void> {
    if (this.#subscribed.size >= SUBSCRIPTIONS_MAX && !this.#subscribed.has(author)) {
      throw new MonsoonError('refused', `A node subscribes to at most ${SUBSCRIPTIONS_MAX} lists: leave one.`);
    }
    this.#note(author, takesOnly);
    await this.#write();
  }

  async unsubscribe(author: NodeId): Promise<void> {
    if (!this.#subscribed.delete(author)) {
      throw new MonsoonError('not-found', `You do not subscribe to ${author}. "monsoon filter" shows what you do.`);
    }
    await this.#write();
    if (author === this.#identity.nodeId) return;
    this.#held.delete(author);
    await rm(this.#fileOf(author), { force: true });
  }

  /** Notes that somebody who keeps a list was asked. */
  noteChecked(author: NodeId): void {
    const subscription = this.#subscribed.get(author);
    if (subscription) subscription.checkedAt = wallNow();
  }

  /** Takes a version of a wanted list; false when it is none, or not newer than what is here. */
  async take(author: NodeId, bytes: Uint8Array): Promise<boolean> {
    const list = openFilterList(bytes, verify, wallNow());
    const isNews = !isFault(list) && list.author === author && list.sequence > this.#sequenceOf(author);
    if (!isNews || !this.authors.includes(author)) return false;
    await this.#hold({ bytes, list });
    return true;
  }

  /** Signs a list of ours with the next sequence; throws a MonsoonError (`usage`) that names what is no rule. */
  async publish(title: string, rules: string): Promise<void> {
    const refused = newDenyList().add(rules);
    if (refused.length > 0) throw new MonsoonError('usage', `"${refused[0]}" is no rule, or one too many.`);
    const { nodeId, sign } = this.#identity;
    const at = wallNow();
    const sequence = Math.max(at, this.#sequenceOf(nodeId) + 1);
    const list = { author: nodeId, title, sequence, published: at, rules: linesOf(rules).join('\n') };
    const bytes = sealFilterList(list, sign);
    const opened = bytes && openFilterList(bytes, verify, at);
    if (!bytes || !opened || isFault(opened)) {
      throw new MonsoonError('refused', 'The list is too long: 256 KiB are about 6,000 hashes.');
    }
    await this.#hold({ bytes, list: opened });
  }

  #note(author: NodeId, takesOnly: boolean): void {
    const checkedAt = this.#subscribed.get(author)?.checkedAt;
    this.#subscribed.set(author, { takesOnly, checkedAt });
  }

  #sequenceOf(author: NodeId): number {
    return this.#held.get(author)?.list.sequence ?? 0;
  }

  /** First on disk, so that no start goes back to an older version. */
  async #hold(held: HeldList): Promise<void> {
    await writeFileAtomically(this.#fileOf(held.list.author), held.bytes);
    this.#held.set(held.list.author, held);
  }

  async #write(): Promise<void> {
    const lines = [...this.#subscribed].map(([author, { takesOnly }]) => `${author}${takesOnly ? ' only' : ''}\n`);
    await writeFileAtomically(join(this.#directory, 'subscriptions.txt'), utf8(lines.join('')));
  }

  #fileOf(author: NodeId): string {
    return join(this.#directory, `${author}.list`);
  }
}

function textOf(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw new MonsoonError('disk', `The subscriptions ${file} cannot be read: make it readable for this user.`, error);
  });
}

/** The rules of a text, one a line. */
export function linesOf(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

function rulesIn(text: string): number {
  return linesOf(text).filter((line) => !line.startsWith('#')).length;
}
