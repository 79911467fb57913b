/**
 * Response rate limiting: how many answers one network draws, so that forged queries make no flood. Over the limit some
 * queries are answered by "ask over TCP", which an honest resolver can and a forged source cannot: the first one of
 * each address in a second, so that a resolver beside the victim gets through at once, and every second one of the rest
 * up to a bound, so that these small answers make no flood either.
 */
import { type Instant, prefixOfIp, SourceBudgets, sourceOfIp } from '../src/base/index.ts';

/** Networks that are remembered, and addresses. */
export const NETWORKS_MAX = 16_384;
export const ADDRESSES_MAX = 16_384;
/** One in this many refused queries is told to use TCP. */
export const SLIP = 2;
/** Answers of that kind to one network: a second's worth of them is 6 KB, and of first ones 15 KB. */
const SLIPPED_PER_NETWORK = { perSecond: 100, burst: 100 } as const;
const FIRST_PER_NETWORK = { perSecond: 256, burst: 256 } as const;
const FIRST_PER_ADDRESS = { perSecond: 1, burst: 1 } as const;

export type Verdict = 'answer' | 'truncate' | 'drop';

export class AnswerBudget {
  readonly #answers: SourceBudgets | undefined;
  readonly #slipped = new SourceBudgets(SLIPPED_PER_NETWORK, NETWORKS_MAX);
  readonly #first = new SourceBudgets(FIRST_PER_NETWORK, NETWORKS_MAX);
  readonly #addresses = new SourceBudgets(FIRST_PER_ADDRESS, ADDRESSES_MAX);
  #refused = 0;

  /** @param perSecond answers to one /24 or /48; 0 means any number */
  constructor(perSecond: number) {
    this.#answers = perSecond > 0 ? new SourceBudgets({ perSecond, burst: perSecond }, NETWORKS_MAX) : undefined;
  }

  /** Decides on one UDP query by the address (4 or 16 bytes) that it claims to come from. */
  decide(ip: Uint8Array, now: Instant): Verdict {
    if (!this.#answers) return 'answer';
    const network = prefixOfIp(ip, 3, 6);
    if (this.#answers.take(network, 1, now)) return 'answer';
    const address = sourceOfIp(ip);
    if (this.#addresses.take(address, 1, now) && this.#first.take(network, 1, now)) return 'truncate';
    const isTurn = ++this.#refused % SLIP === 0;
    return isTurn && this.#slipped.take(network, 1, now) ? 'truncate' : 'drop';
  }
}
