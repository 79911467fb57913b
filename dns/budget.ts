/**
 * Response rate limiting: how many answers one network draws, so that forged queries make no flood. Over the limit
 * every second query is answered by "ask over TCP", which an honest resolver can and a forged source cannot.
 */
import { type Instant, parseIp, SourceBudgets } from '../src/base/index.ts';

/** Answers to one /24 or /48. */
export const ANSWERS_PER_NETWORK = { perSecond: 200, burst: 200 } as const;
/** Networks that are remembered. */
export const NETWORKS_MAX = 16_384;
/** One in this many refused queries is told to use TCP. */
export const SLIP = 2;

export type Verdict = 'answer' | 'truncate' | 'drop';

export class AnswerBudget {
  readonly #budgets = new SourceBudgets(ANSWERS_PER_NETWORK, NETWORKS_MAX);
  #refused = 0;

  /** Decides on one UDP query by the address it claims to come from. */
  decide(host: string, now: Instant): Verdict {
    if (this.#budgets.take(networkOf(host), 1, now)) return 'answer';
    return ++this.#refused % SLIP === 0 ? 'truncate' : 'drop';
  }
}

function networkOf(host: string): string {
  const ip = parseIp(host);
  if (!ip) return host;
  return ip.subarray(0, ip.length === 4 ? 3 : 6).join('.');
}
