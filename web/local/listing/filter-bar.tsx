/** Search, categories and filters: each change is a place in the page's address, and shows at once. */
import type { ComponentChildren, JSX, TargetedKeyboardEvent } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { go, here, route } from '../route.ts';
import { useStore } from '../store.ts';
import { useTyped } from '../use-typed.ts';
import { FilterField } from './filter-field.tsx';
import { CATEGORIES, FILTERS, isFiltered, withChanges } from './question.ts';

/** Longer than the gap between two letters of a quick typist. */
const TYPING_MS = 120;

interface Props {
  /** The search is left by a key for the rows, if there are any. */
  readonly onLeave: () => void;
  readonly children: ComponentChildren;
}

export function FilterBar({ onLeave, children }: Props): JSX.Element {
  const { parameters } = useStore(route);
  const [isOpen, setOpen] = useState(isFiltered(parameters));
  return (
    <div class="tools">
      <SearchField text={parameters.get('q') ?? ''} onLeave={onLeave} />
      <fieldset class="chips">
        <legend class="hidden">Category</legend>
        {['', ...CATEGORIES].map((category) => (
          <button
            key={category}
            type="button"
            aria-pressed={(parameters.get('category') ?? '') === category}
            onClick={() => change({ category })}
          >
            {category || 'all'}
          </button>
        ))}
      </fieldset>
      <button
        type="button"
        class="quiet"
        aria-expanded={isOpen}
        aria-controls="filters"
        onClick={() => setOpen(!isOpen)}
      >
        Filters
      </button>
      {children}
      <div id="filters" class="filters" hidden={!isOpen}>
        {FILTERS.map(({ name, label, hint }) => (
          <FilterField
            key={name}
            label={label}
            hint={hint}
            value={parameters.get(name) ?? ''}
            onChange={(text) => change({ [name]: text })}
          />
        ))}
        {isFiltered(parameters) && (
          <button
            type="button"
            class="quiet"
            onClick={() => change(Object.fromEntries(FILTERS.map(({ name }) => [name, ''])))}
          >
            Clear
          </button>
        )}
      </div>
    </div>
  );
}

/**
 * Asks as one types; the letters stay here until a pause, and no answer takes one away that was typed since. ArrowDown and Enter
 * go on to the rows; Escape clears the text, and goes on to the rows when there is none.
 */
function SearchField({ text, onLeave }: { readonly text: string; readonly onLeave: () => void }): JSX.Element {
  const { typed, type, noteTold } = useTyped(text);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const ask = (next: string): void => {
    noteTold(next.trim());
    change({ q: next.trim(), sort: '', reverse: '' }, 'replace');
  };
  const askSoon = (next: string): void => {
    type(next);
    clearTimeout(timer.current);
    const before = searchNow();
    // Whoever went elsewhere meanwhile, or chose another search by a link, is not called back.
    timer.current = setTimeout(() => searchNow() === before && ask(next), TYPING_MS);
  };
  useEffect(() => () => clearTimeout(timer.current), []);
  const onKeyDown = (event: TargetedKeyboardEvent<HTMLInputElement>): void => {
    const { key, currentTarget: field } = event;
    if (event.isComposing || !['ArrowDown', 'Enter', 'Escape'].includes(key)) return;
    event.preventDefault();
    // What stands in the field and in the address, neither of which may have been drawn yet.
    const asked = field.value;
    if (key === 'Escape' && asked !== '') return askSoon('');
    clearTimeout(timer.current);
    if (asked.trim() !== (here().parameters.get('q') ?? '')) ask(asked);
    field.blur();
    onLeave();
  };
  return (
    <label class="search">
      <span class="hidden">Search the listing</span>
      <input
        id="search"
        type="search"
        value={typed}
        placeholder="Search"
        title={'Words in any order. "a phrase", -without, this OR that, a hash, size:>1G, seeds:>5, age:<7d'}
        maxLength={512}
        spellcheck={false}
        autocomplete="off"
        onInput={(event) => askSoon(event.currentTarget.value)}
        onKeyDown={onKeyDown}
      />
    </label>
  );
}

/** Where somebody is, and what for. */
function searchNow(): string {
  const { view, parameters } = here();
  return `${view} ${parameters.get('q') ?? ''}`;
}

function change(changes: Readonly<Record<string, string>>, how: 'push' | 'replace' = 'push'): void {
  const { view, parameters } = route.value;
  const next = withChanges(parameters, changes);
  go(view, next, how);
}
