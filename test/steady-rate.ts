/**
 * The rate of a count that was read many times: the slope of the line that fits the readings best. A machine that was late
 * at one moment, be it the first or the last, says little about it.
 */
export class SteadyRate {
  #readings = 0;
  #firstMs = 0;
  #lastMs = 0;
  #first = 0;
  #last = 0;
  #sumX = 0;
  #sumY = 0;
  #sumXx = 0;
  #sumXy = 0;

  /** @param atMs of `performance.now()` */
  note(count: number, atMs: number): void {
    if (this.#readings++ === 0) [this.#firstMs, this.#first] = [atMs, count];
    [this.#lastMs, this.#last] = [atMs, count];
    const [x, y] = [atMs - this.#firstMs, count - this.#first];
    this.#sumX += x;
    this.#sumY += y;
    this.#sumXx += x * x;
    this.#sumXy += x * y;
  }

  /** What it rose by since the first reading. */
  get risen(): number {
    return this.#last - this.#first;
  }
  /** Milliseconds since the first reading. */
  get lastedMs(): number {
    return this.#lastMs - this.#firstMs;
  }
  get perSecond(): number {
    const n = this.#readings;
    return (1000 * (n * this.#sumXy - this.#sumX * this.#sumY)) / (n * this.#sumXx - this.#sumX ** 2);
  }
}
