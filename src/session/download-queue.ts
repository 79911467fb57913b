/**
 * Which downloads may run: the first few in the order that the user gave them. What stands still for long gives its
 * turn to the next one and goes on trying, so that torrents nobody has do not hold up the others.
 */

/** A download and its number in the queue. */
export interface Placed<Key> {
  readonly key: Key;
  /** The smallest goes first. */
  readonly place: number;
}

/** One torrent that the user did not pause. */
export interface QueuedDownload<Key> extends Placed<Key> {
  readonly isRunning: boolean;
  /** It runs and has got nothing for long. */
  readonly isIdle: boolean;
}

/**
 * The downloads that may run now, of those that want to.
 * @param runningMax 0 means any number
 */
export function admittedDownloads<Key>(downloads: readonly QueuedDownload<Key>[], runningMax: number): Set<Key> {
  if (runningMax === 0) return new Set(downloads.map(({ key }) => key));
  const admitted = new Set<Key>();
  let places = runningMax;
  for (const { key, isRunning, isIdle } of downloads.toSorted((a, b) => a.place - b.place)) {
    const isGuest = isRunning && isIdle;
    if (!isGuest && places === 0) continue;
    if (!isGuest) places--;
    admitted.add(key);
  }
  return admitted;
}

/** New numbers for as few downloads as possible, so that they stand in this order after one was moved. */
export function renumbered<Key>(order: readonly Placed<Key>[], moved: Key): Map<Key, number> {
  const at = order.findIndex(({ key }) => key === moved);
  let last = (order[at - 1]?.place ?? (order[at + 1]?.place ?? 0) - 2) + 1;
  const numbers = new Map([[moved, last]]);
  for (const { key, place } of order.slice(at + 1)) {
    if (place > last) break;
    numbers.set(key, ++last);
  }
  return numbers;
}
