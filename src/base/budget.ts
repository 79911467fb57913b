/**
 * Budgets: how much of something may happen per second, with a reserve for bursts, in all or per source. Nothing
 * here waits; whoever is refused decides what that means.
 */
import type { Instant } from './instant.ts';

/** A rate and the reserve that lets it be exceeded for a moment. */
export interface BudgetLimits {
  readonly perSecond: number;
  readonly burst: number;
}

/** One budget (a token bucket): full at first, refilled evenly. */
export class Budget {
  readonly #limits: BudgetLimits;
  #left: number;
  #at: Instant;

  constructor(limits: BudgetLimits, now: Instant) {
    this.#limits = limits;
    this.#left = limits.burst;
    this.#at = now;
  }

  /** Spends `cost` if it is there; otherwise spends nothing and returns false. */
  take(cost: number, now: Instant): boolean {
    const elapsedMs = Math.max(0, now - this.#at);
    this.#at = now;
    this.#left = Math.min(this.#limits.burst, this.#left + (elapsedMs * this.#limits.perSecond) / 1000);
    if (this.#left < cost) return false;
    this.#left -= cost;
    return true;
  }
}

/**
 * A budget for each source. At most `sourcesMax` are remembered, the longest unseen is forgotten first: whoever
 * wants a fresh budget must show up as that many other sources, which costs more than it brings.
 */
export class SourceBudgets {
  readonly #limits: BudgetLimits;
  readonly #sourcesMax: number;
  readonly #budgets = new Map<string, Budget>();

  constructor(limits: BudgetLimits, sourcesMax: number) {
    this.#limits = limits;
    this.#sourcesMax = sourcesMax;
  }

  /** Spends from the budget of one source, as `Budget.take`. */
  take(source: string, cost: number, now: Instant): boolean {
    const budget = this.#budgets.get(source) ?? new Budget(this.#limits, now);
    // Set anew, so that the map's order is the order of last use.
    this.#budgets.delete(source);
    this.#budgets.set(source, budget);
    if (this.#budgets.size > this.#sourcesMax) this.#budgets.delete(this.#budgets.keys().next().value!);
    return budget.take(cost, now);
  }
}
