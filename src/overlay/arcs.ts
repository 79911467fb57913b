/** Arithmetic of arcs: which covers which, and what of one is not in others. Positions compare as texts. */
import type { Arc } from '../ports/index.ts';

/** True when a position is in an arc. */
export function isInArc({ from, to }: Arc, position: string): boolean {
  if (from < to) return position > from && position <= to;
  return position > from || position <= to;
}

/** True when every position of `inner` is in `outer`. */
export function covers(outer: Arc, inner: Arc): boolean {
  if (outer.from === outer.to) return true;
  if (inner.from === inner.to || !isInArc(outer, inner.to)) return false;
  return inner.from === outer.from || isInArc({ from: outer.from, to: inner.to }, inner.from);
}

/** True when some position is in both. */
export function overlap(a: Arc, b: Arc): boolean {
  return isInArc(a, b.to) || isInArc(b, a.to);
}

/** What of an arc is not in any of some others; more than that where it would be several pieces. */
export function missingOf(arc: Arc, others: readonly Arc[]): Arc | undefined {
  if (others.some((other) => covers(other, arc))) return undefined;
  for (const other of others) {
    if (!covers(arc, other)) continue;
    if (other.to === arc.to) return { from: arc.from, to: other.from };
    if (other.from === arc.from) return { from: other.to, to: arc.to };
  }
  return arc;
}

/** Arcs with one more among them: those within it are left out, and neighbours become one. */
export function joined(arcs: readonly Arc[], added: Arc): Arc[] {
  const ring = [added, ...arcs].find(({ from, to }) => from === to);
  if (ring) return [ring];
  let whole = added;
  let rest = arcs.filter((arc) => !covers(added, arc));
  for (;;) {
    const neighbour = rest.find(({ from, to }) => from === whole.to || to === whole.from);
    if (!neighbour) return [...rest, whole];
    const isAfter = neighbour.from === whole.to;
    // What reaches back into the other one makes it all of the ring.
    if (isInArc(whole, isAfter ? neighbour.to : neighbour.from)) return [{ from: whole.from, to: whole.from }];
    whole = isAfter ? { from: whole.from, to: neighbour.to } : { from: neighbour.from, to: whole.to };
    if (whole.from === whole.to) return [whole];
    rest = rest.filter((arc) => arc !== neighbour);
  }
}
