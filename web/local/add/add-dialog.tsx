/** The question whether a magnet link that came from another page shall be fetched. */
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { go } from '../route.ts';
import { fetchTorrent } from './fetch-torrent.ts';

export function AddDialog({ magnet }: { readonly magnet: string }): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const { name, infoHash } = readable(magnet);
  const leave = (): void => go('listing', [], 'replace');
  const fetch = async (): Promise<void> => {
    const row = await fetchTorrent(magnet);
    if (row) go('transfers', [['torrent', row.infoHash]], 'replace');
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

/** What a person can compare; the node reads the link itself, and strictly. */
function readable(magnet: string): { readonly name: string; readonly infoHash: string | undefined } {
  const [, search = ''] = /^magnet:\?(.*)$/is.exec(magnet) ?? [];
  const parameters = new URLSearchParams(search);
  const [, infoHash] = /^urn:(?:btih|btmh):([0-9a-z]{32,72})$/i.exec(parameters.get('xt') ?? '') ?? [];
  // Signs that turn text around would make one name look like another.
  const name = (parameters.get('dn') ?? '').replace(/[\p{Cc}\p{Cf}]/gu, '').slice(0, 300);
  return { name: name || 'A torrent without a name', infoHash };
}
