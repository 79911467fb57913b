/**
 * Whom we upload to: tit for tat while downloading, the fastest takers while seeding, and one optimistic slot that
 * rotates so that newcomers get a start (BEP 3). Only a decision; the transfer machine carries it out.
 */
import { type Random, randomBelow } from '../base/index.ts';
import type { LinkId } from './ledger.ts';

/** How often the choice is made, and how often the optimistic slot moves. */
export const CHOKE_ROUND_MS = 10_000;
export const OPTIMISTIC_ROUNDS = 3;

/** One interested link. */
export interface ChokeCandidate {
  readonly link: LinkId;
  /** What it gives us (downloading) or takes from us (seeding), bytes/s. */
  readonly bytesPerSecond: number;
  /** Owes us blocks and sends none: it gets a slot only by luck. */
  readonly isSnubbing: boolean;
}

export interface ChokeChoice {
  readonly unchoked: ReadonlySet<LinkId>;
  readonly optimistic: LinkId | undefined;
}

/** Chooses at most `slots` links; one of them is the optimistic one, kept when it is still a candidate. */
export function chooseUnchoked(
  candidates: readonly ChokeCandidate[],
  slots: number,
  optimisticBefore: LinkId | undefined,
  random: Random,
): ChokeChoice {
  const ranked = candidates
    .filter((candidate) => !candidate.isSnubbing)
    .toSorted((a, b) => b.bytesPerSecond - a.bytesPerSecond);
  const unchoked = new Set(ranked.slice(0, Math.max(0, slots - 1)).map((candidate) => candidate.link));
  const rest = candidates.filter((candidate) => !unchoked.has(candidate.link));
  const optimistic =
    rest.find((candidate) => candidate.link === optimisticBefore) ?? rest[randomBelow(random, rest.length)];
  if (optimistic !== undefined && slots > 0) unchoked.add(optimistic.link);
  return { unchoked, optimistic: optimistic?.link };
}
