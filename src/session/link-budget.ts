/** How many links a node may have in all, shared by its torrents; one that is refused waits for its next turn. */

/** A counter with a ceiling; every `take` that said true is followed by one `give`. */
export class LinkBudget {
  readonly #linksMax: number;
  #taken = 0;

  constructor(linksMax: number) {
    this.#linksMax = linksMax;
  }

  /** Reserves one link. */
  take(): boolean {
    if (this.#taken >= this.#linksMax) return false;
    this.#taken++;
    return true;
  }

  give(): void {
    this.#taken--;
  }
}
