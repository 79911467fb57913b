/** The question whether a magnet link that came from another page shall be fetched. */
import type { JSX } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { go, here, type View } from '../route.ts';
import { fetchTorrent } from './fetch-torrent.ts';

/** The link that an address asks about; empty where there is none. */
export function magnetIn(parameters: URLSearchParams): string {
  return parameters.get('magnet') ?? '';
}

export function AddDialog({ magnet }: { readonly magnet: string }): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  // Before the next key: none may reach the page behind.
  useLayoutEffect(() => dialog.current?.showModal(), []);
  const { name, infoHash } = readable(magnet);
  /** A dialog tells late that it was closed, and fetching takes time: whoever went elsewhere is not called back. */
  const leaveFor = (next: View, parameters: [string, string][] = []): void => {
    if (isAskedAbout(magnet)) go(next, parameters, 'replace');
  };
  const leave = (): void => leaveFor('listing');
  const fetch = async (): Promise<void> => {
    const row = await fetchTorrent(magnet);
    if (row) leaveFor('transfers', [['torrent', row.infoHash]]);
    else leave();
  };
  return (
    <dialog ref={dialog} aria-labelledby="add-title" onClose={leave}>
      {/* Nobody shall fetch by a key that was meant for the page before. */}
      <h2 id="add-title" tabIndex={-1} autofocus>
        Fetch this torrent?
      </h2>
      {infoHash === undefined ? (
        <p>The link that led here is no magnet link of a torrent.</p>
      ) : (
        <>
          <p class="title" dir="auto">
            {name}
          </p>
          <p class="hint">
            <code>{infoHash}</code>
          </p>
        </>
      )}
      <div class="group">
        {infoHash !== undefined && (
          <button type="button" onClick={fetch}>
            Fetch
          </button>
        )}
        <button type="button" class="quiet" onClick={leave}>
          Leave it
        </button>
      </div>
    </dialog>
  );
}

/** Whether this link is still asked about. */
function isAskedAbout(magnet: string): boolean {
  const { view, parameters } = here();
  return view === 'add' && magnetIn(parameters) === magnet;
}

/** What a person can compare; the node reads the link itself, and strictly. */
function readable(magnet: string): { readonly name: string; readonly infoHash: string | undefined } {
  const [, search = ''] = /^magnet:\?(.*)$/is.exec(magnet) ?? [];
  const parameters = new URLSearchParams(search);
  const [, infoHash] = /^urn:(?:btih|btmh):([0-9a-z]{32,72})$/i.exec(parameters.get('xt') ?? '') ?? [];
  // Signs that turn text around would make one name look like another.
  const name = (parameters.get('dn') ?? '').replace(/[\p{Cc}\p{Cf}]/gu, '').slice(0, 300);
  return { name: name || 'A torrent without a name', infoHash };
}
