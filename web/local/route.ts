/** Where in the page somebody is, kept in the address after `#`, so that a reload and the back button work. */
import { Store } from './store.ts';

export const VIEWS = ['listing', 'transfers', 'share', 'network', 'filter', 'settings', 'add'] as const;
export type View = (typeof VIEWS)[number];

export interface Route {
  readonly view: View;
  readonly parameters: URLSearchParams;
}

export const route = new Store<Route>(here());

window.addEventListener('hashchange', () => {
  route.value = here();
});

/** Reads what stands after `#`; whatever is not understood is the listing. */
export function parseRoute(hash: string): Route {
  const [path = '', search = ''] = hash.replace(/^#\/?/, '').split(/\?(.*)/s);
  return { view: VIEWS.find((view) => view === path) ?? 'listing', parameters: new URLSearchParams(search) };
}

/** The address of a place. */
export function hrefOf(view: View, parameters: Iterable<readonly [string, string]> = []): string {
  const search = new URLSearchParams([...parameters].map(([name, value]): [string, string] => [name, value]));
  return `#/${view === 'listing' ? '' : view}${search.size > 0 ? `?${search}` : ''}`;
}

/** Goes there; `replace` leaves no step for the back button, as while somebody types. */
export function go(
  view: View,
  parameters: Iterable<readonly [string, string]>,
  how: 'push' | 'replace' = 'push',
): void {
  const href = hrefOf(view, parameters);
  if (href === location.hash) return;
  history[how === 'push' ? 'pushState' : 'replaceState'](null, '', href);
  route.value = parseRoute(href);
}

/** Where the address says that somebody is; `route` learns of it a moment later. */
export function here(): Route {
  return parseRoute(location.hash);
}

/** Closes a torrent, if it is still the one that is open: answers come late. */
export function closeTorrent(infoHash: string): void {
  if (here().parameters.get('torrent') === infoHash) showTorrent(undefined);
}

/** Opens a torrent beside what is shown, or closes it. */
export function showTorrent(infoHash: string | undefined): void {
  const { view, parameters } = route.value;
  const next = new URLSearchParams(parameters);
  if (infoHash === undefined) next.delete('torrent');
  else next.set('torrent', infoHash);
  go(view, next);
}
