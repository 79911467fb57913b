/** What stands in a field whose value is kept elsewhere, and comes back from there a moment after it was told. */
import { useEffect, useRef, useState } from 'preact/hooks';

export interface Typed {
  readonly typed: string;
  /** Somebody typed. */
  readonly type: (text: string) => void;
  /** To be called with each value that is told to whoever keeps it: what is typed by the time it comes back stays. */
  readonly noteTold: (value: string) => void;
}

/** Follows the value whenever it changes by another way than by what was told. */
export function useTyped(value: string): Typed {
  const [typed, type] = useState(value);
  /** Told since the field last followed or was followed; several may come back as one. */
  const told = useRef(new Set<string>());
  const last = useRef(value);
  useEffect(() => {
    if (!told.current.has(value)) type(value);
    if (!told.current.has(value) || value === last.current) told.current.clear();
  }, [value]);
  const noteTold = (next: string): void => {
    told.current.add(next);
    last.current = next;
  };
  return { typed, type, noteTold };
}

/**
 * For the setter of a form's state, once what it had was taken: `after`, unless there is something else by now. Answers come
 * late, and what was typed meanwhile stays.
 */
export function unless<State>(taken: State, after: State): (now: State) => State {
  return (now) => (now === taken ? after : now);
}
