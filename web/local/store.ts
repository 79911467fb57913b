/** A value that components follow: the smallest thing that lets several of them see the same. */
import { useEffect, useState } from 'preact/hooks';

export class Store<T> {
  #value: T;
  /** One per mounted component that follows. */
  readonly #followers = new Set<() => void>();

  constructor(value: T) {
    this.#value = value;
  }

  get value(): T {
    return this.#value;
  }

  set value(value: T) {
    if (Object.is(value, this.#value)) return;
    this.#value = value;
    for (const follower of this.#followers) follower();
  }

  /** Calls back after each change, until the function that is returned is called. */
  follow(follower: () => void): () => void {
    this.#followers.add(follower);
    return () => {
      this.#followers.delete(follower);
    };
  }
}

/** The value, and a new drawing whenever it changes. */
export function useStore<T>(store: Store<T>): T {
  const [value, setValue] = useState(store.value);
  useEffect(() => {
    const take = (): void => setValue(() => store.value);
    // It may have changed between drawing and this.
    take();
    return store.follow(take);
  }, [store]);
  return value;
}
