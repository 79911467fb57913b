/**
 * Who asks this node for something, and from where: TLS proved the one, the socket shows the other. What he says of where he
 * is counts only as far as it agrees with that, so that nobody has others connect to somebody else.
 */
import { type Address, reachOf, sourceOf } from '../base/index.ts';
import type { Contact } from './overlay-facts.ts';

/** Whom an asker counts with: his address (IPv6: its /64); neighbours share one, and nobody far away can choose a private one. */
export function countedAs({ nodeId, address: { host } }: Contact): string {
  return reachOf(host) === 'public' ? sourceOf(host) : nodeId;
}

/** He comes from the address that he names, or from its /64; of a neighbour that is not known, who may be reached from outside. */
export function comesFrom({ address: { host } }: Contact, named: Address): boolean {
  return reachOf(host) !== 'public' || sourceOf(host) === sourceOf(named.host);
}

/** Places for what others have this node do: so many in all, and of them so many for one of them. */
export class Places {
  readonly #max: number;
  readonly #perSourceMax: number;
  /** Places taken, by source; bounded by their number. */
  readonly #taken = new Map<string, number>();
  #size = 0;

  constructor(max: number, perSourceMax: number) {
    this.#max = max;
    this.#perSourceMax = perSourceMax;
  }

  /** Takes a place until `free`; false when there is none. */
  take(source: string): boolean {
    const taken = this.#taken.get(source) ?? 0;
    if (this.#size >= this.#max || taken >= this.#perSourceMax) return false;
    this.#taken.set(source, taken + 1);
    this.#size++;
    return true;
  }

  free(source: string): void {
    const taken = this.#taken.get(source)!;
    if (taken > 1) this.#taken.set(source, taken - 1);
    else this.#taken.delete(source);
    this.#size--;
  }
}
