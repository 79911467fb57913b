/** Memories with a bound: what they hold longest makes room for what comes. */

/** Forgets what was set first, where a map or set holds as many as it may. */
export function makeRoom<Key>(held: Map<Key, unknown> | Set<Key>, most: number): void {
  if (held.size >= most) held.delete(held.keys().next().value!);
}
