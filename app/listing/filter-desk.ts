/** The user's filter as he sees and changes it: rules of his own, subscribed lists, and the list that he publishes. */
import { MonsoonError, type NodeId, parseNodeId } from '../../src/base/index.ts';
import type { ListingStore } from '../../src/io/index.ts';
import { Turnstile } from '../../src/io/turnstile.ts';
import type { FilterChange, FilterListText, FilterStatus } from '../running-node.ts';
import type { Filter } from './filter.ts';
import type { FilterExchange } from './filter-exchange.ts';
import { wholeRule } from './short-rules.ts';
import type { Subscriptions } from './subscriptions.ts';

export class FilterDesk {
  readonly #nodeId: NodeId;
  readonly #filter: Filter;
  readonly #subscriptions: Subscriptions;
  readonly #exchange: FilterExchange;
  readonly #store: ListingStore;
  readonly #turns = new Turnstile();

  constructor(
    nodeId: NodeId,
    filter: Filter,
    subscriptions: Subscriptions,
    exchange: FilterExchange,
    store: ListingStore,
  ) {
    this.#store = store;
    this.#nodeId = nodeId;
    this.#filter = filter;
    this.#subscriptions = subscriptions;
    this.#exchange = exchange;
  }

  get status(): FilterStatus {
    const { rows, own } = this.#subscriptions;
    return { ...this.#filter.status, lists: rows, own };
  }

  /** @param key of an author, or `own` */
  list(key: string): FilterListText {
    const author = key === 'own' ? this.#nodeId : parseNodeId(key);
    const list = author && this.#subscriptions.held(author)?.list;
    if (!list) throw new MonsoonError('not-found', `The list of ${key} is not here. "monsoon filter" shows which are.`);
    const { rules: text, ...rest } = list;
    return { ...rest, rules: text.split('\n').filter((line) => line.trim() !== '').length, text };
  }

  /** Resolves once the change counts here and the keepers of a list that it is about were asked. */
  async change(change: FilterChange): Promise<FilterStatus> {
    // One after the other: each is made of what the one before it left.
    await this.#turns.pass(() => this.#perform(change));
    const { subscribe, publish } = change;
    const asked = [subscribe?.author, publish && this.#nodeId].filter((author) => author !== undefined);
    for (const author of asked) await this.#exchange.hurry(author);
    return this.status;
  }

  async #perform({ add, remove, subscribe, unsubscribe, publish }: FilterChange): Promise<void> {
    if (add || remove) await this.#filter.change({ add: await this.#whole(add ?? []), remove });
    if (unsubscribe) await this.#subscriptions.unsubscribe(unsubscribe);
    if (subscribe) await this.#subscriptions.subscribe(subscribe.author, subscribe.takesOnly);
    if (publish) await this.#subscriptions.publish(publish.title, publish.rules);
    if (subscribe || unsubscribe || publish) await this.#filter.subscribe(this.#subscriptions.rules);
  }

  async #whole(rules: readonly string[]): Promise<string[]> {
    const whole: string[] = [];
    for (const rule of rules) whole.push(await wholeRule(rule, this.#store));
    return whole;
  }
}
