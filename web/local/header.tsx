/** The bar at the top: the views, the field to add something, and how the node is doing. */
import type { JSX } from 'preact';
import { formatRate } from '../format.ts';
import { AddBar } from './add/add-bar.tsx';
import { interruption, status, torrents } from './live.ts';
import { hrefOf, type View } from './route.ts';
import { useStore } from './store.ts';

const LINKS: readonly (readonly [View, string])[] = [
  ['listing', 'Listing'],
  ['transfers', 'Transfers'],
  ['share', 'Share'],
  ['network', 'Network'],
  ['filter', 'Filter'],
  ['settings', 'Settings'],
];

export function Header({ view }: { readonly view: View }): JSX.Element {
  const held = useStore(torrents);
  const here = view === 'add' ? 'listing' : view;
  return (
    <header class="bar">
      <a class="brand" href={hrefOf('listing')}>
        monsoon
      </a>
      <nav class="views" aria-label="Views">
        {LINKS.map(([name, label]) => (
          <a key={name} href={hrefOf(name)} aria-current={name === here ? 'page' : undefined}>
            {label}
            {name === 'transfers' && held.size > 0 && <span class="count">{held.size}</span>}
          </a>
        ))}
      </nav>
      <AddBar />
      <Pulse />
    </header>
  );
}

/** What goes in and out now, and whether the node is part of a network. */
function Pulse(): JSX.Element {
  const held = useStore(torrents);
  const now = useStore(status);
  const problem = useStore(interruption);
  const sum = (name: 'downBytesPerSecond' | 'upBytesPerSecond'): number =>
    [...held.values()].reduce((total, row) => total + row[name], 0);
  const state =
    problem !== undefined ? 'lost' : now === undefined ? 'waiting' : now.supernodes > 0 ? 'joined' : 'alone';
  return (
    <p class={`pulse ${state}`} title={titleOf(state)}>
      <span class="rate">
        <span aria-hidden="true">↓</span> <span class="hidden">down</span> {formatRate(sum('downBytesPerSecond'))}
      </span>
      <span class="rate">
        <span aria-hidden="true">↑</span> <span class="hidden">up</span> {formatRate(sum('upBytesPerSecond'))}
      </span>
      <span class="state">
        <span class="dot" aria-hidden="true" />
        {stateText(state, now?.supernodes ?? 0)}
      </span>
    </p>
  );
}

function stateText(state: string, supernodes: number): string {
  if (state === 'lost') return 'not connected';
  if (state === 'waiting') return 'connecting…';
  if (state === 'alone') return 'no supernode yet';
  return supernodes === 1 ? '1 supernode' : `${supernodes} supernodes`;
}

function titleOf(state: string): string {
  if (state === 'alone') return 'Nobody who tracks is known yet; “Network” says which ways in were tried';
  return state === 'joined' ? 'Supernodes that this node knows' : '';
}
