/** The frame: what is always there, and the view that the address names. */
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { AddDialog, magnetIn } from './add/add-dialog.tsx';
import { DropZone } from './add/drop-zone.tsx';
import { FilterView } from './filter/filter-view.tsx';
import { Header } from './header.tsx';
import { ListingView } from './listing/listing-view.tsx';
import { interruption } from './live.ts';
import { NetworkView } from './network/network-view.tsx';
import { NoticeBar } from './notice-bar.tsx';
import { route, showTorrent, type View } from './route.ts';
import { SettingsView } from './settings/settings-view.tsx';
import { ShareView } from './share/share-view.tsx';
import { useStore } from './store.ts';
import { TorrentPanel } from './torrent/torrent-panel.tsx';
import { TransfersView } from './transfers/transfers-view.tsx';

const VIEW_OF: Readonly<Record<View, () => JSX.Element>> = {
  listing: ListingView,
  transfers: TransfersView,
  share: ShareView,
  network: NetworkView,
  filter: FilterView,
  settings: SettingsView,
  // A link from elsewhere: the question stands before the listing.
  add: ListingView,
};

export function Page(): JSX.Element {
  const { view, parameters } = useStore(route);
  const problem = useStore(interruption);
  const torrent = parameters.get('torrent');
  const Shown = VIEW_OF[view];
  useEffect(() => {
    document.addEventListener('keydown', onShortcut);
    return () => document.removeEventListener('keydown', onShortcut);
  }, []);
  return (
    <>
      <Header view={view} />
      {problem !== undefined && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      <NoticeBar />
      <main class={torrent === null ? '' : 'with-panel'}>
        <Shown />
        {torrent !== null && <TorrentPanel key={torrent} infoHash={torrent} />}
      </main>
      {view === 'add' && <AddDialog key={magnetIn(parameters)} magnet={magnetIn(parameters)} />}
      <DropZone />
    </>
  );
}

/** Keys that mean something wherever one is, unless one is writing. */
function onShortcut(event: KeyboardEvent): void {
  const { target } = event;
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return;
  const isWriting = target instanceof HTMLElement && target.matches('input, select, textarea');
  if (
    event.key === 'Escape' &&
    route.value.parameters.has('torrent') &&
    !(isWriting && target.matches('[type="search"]'))
  ) {
    showTorrent(undefined);
    document.querySelector<HTMLElement>('[role="grid"]')?.focus();
  } else if (event.key === '/' && !isWriting) {
    const field =
      document.querySelector<HTMLInputElement>('#search') ?? document.querySelector<HTMLInputElement>('#what');
    field?.focus();
    field?.select();
    event.preventDefault();
  }
}
