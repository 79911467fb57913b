const TRIALS = 5;

/** How many milliseconds some work takes when nothing is in its way: of a few times the shortest. */
export function fastestMs(work: () => unknown): number {
  const times = Array.from({ length: TRIALS }, () => {
    const begun = performance.now();
    work();
    return performance.now() - begun;
  });
  return Math.min(...times);
}
