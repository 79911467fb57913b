/**
 * Bugs: what can only be wrong because our own code is. Asserts stay on in production, because a node that
 * goes on after a broken invariant corrupts somebody's data.
 */

/** Ends in a thrown Error naming the broken invariant; never used for input from outside (that is a Fault). */
export function assert(condition: unknown, invariant: string): asserts condition {
  if (!condition) throw new Error(`bug: ${invariant}`);
}

/** Marks a branch that a closed union makes impossible. */
export function unreachable(value: never): never {
  throw new Error(`bug: unreachable case ${JSON.stringify(value)}`);
}
