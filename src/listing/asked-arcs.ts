/**
 * Arcs in a question for a page: `FROM-TO`, commas between them, each position by its first 12 hex digits, which is as
 * much of a hash as the listing is ordered by. Both ends belong to it.
 */
import type { Arc } from '../ports/index.ts';

/** Arcs in one question. */
export const ASKED_ARCS_MAX = 64;
const ASKED_ARC = /^([0-9a-f]{12})-([0-9a-f]{12})$/;
const DIGITS = 12;
const POSITION_DIGITS = 40;

export function formatArcs(arcs: readonly Arc[]): string {
  return arcs.map(({ from, to }) => `${from.slice(0, DIGITS)}-${to.slice(0, DIGITS)}`).join();
}

/** The arcs of a question; undefined when it holds anything else, or too many. */
export function parseArcs(text: string): Arc[] | undefined {
  const arcs = text.split(',', ASKED_ARCS_MAX + 1).map((part) => {
    const [, from, to] = ASKED_ARC.exec(part) ?? [];
    return from && to ? { from: from.padEnd(POSITION_DIGITS, '0'), to: to.padEnd(POSITION_DIGITS, 'f') } : undefined;
  });
  const whole = arcs.filter((arc) => arc !== undefined);
  return whole.length === arcs.length && arcs.length <= ASKED_ARCS_MAX ? whole : undefined;
}
