/** Everything about one torrent, beside the table it was opened from. */
import type { JSX } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { TorrentDetail } from '../../../app/running-node.ts';
import { fetchTorrent } from '../add/fetch-torrent.ts';
import { read } from '../api.ts';
import { status, torrents } from '../live.ts';
import { showTorrent } from '../route.ts';
import { useStore } from '../store.ts';
import { Facts } from './facts.tsx';
import { FileList } from './file-list.tsx';
import { Hide } from './hide.tsx';
import { LinkList } from './link-list.tsx';
import { OwnEntry } from './own-entry.tsx';
import { TakeAway } from './take-away.tsx';
import { TransferControls } from './transfer-controls.tsx';
import { TransferState } from './transfer-state.tsx';

const READ_MS = 5000;

export function TorrentPanel({ infoHash }: { readonly infoHash: string }): JSX.Element {
  const { detail, problem, refresh } = useDetail(infoHash);
  const self = useStore(status)?.nodeId;
  const transfer = useStore(torrents).get(infoHash);
  const heading = useRef<HTMLHeadingElement>(null);
  // Before the next key, which may be meant for somewhere else already.
  useLayoutEffect(() => heading.current?.focus({ preventScroll: true }), []);
  const name = transfer?.name ?? detail?.name ?? infoHash;
  const listing = detail?.listing;
  const description = listing?.description ?? '';
  return (
    <aside class="panel" aria-labelledby="panel-title">
      <div class="panel-head">
        <h2 id="panel-title" ref={heading} tabIndex={-1} dir="auto">
          {name}
        </h2>
        <button
          type="button"
          class="quiet"
          aria-label="Close"
          title="Close (Esc)"
          onClick={() => showTorrent(undefined)}
        >
          ✕
        </button>
      </div>
      {problem !== undefined && <p class="problem">{problem}</p>}
      {description !== '' && (
        <p class="description" dir="auto">
          {description}
        </p>
      )}
      {transfer ? (
        <TransferState row={transfer} />
      ) : (
        <button type="button" onClick={() => void fetchTorrent(infoHash, name)}>
          Fetch
        </button>
      )}
      {detail && <TakeAway detail={detail} />}
      {listing && self === listing.publisher && <OwnEntry listing={listing} onChanged={refresh} />}
      {detail && <Facts detail={detail} />}
      {transfer && <TransferControls row={transfer} />}
      <FileList infoHash={infoHash} isHeld={transfer !== undefined} />
      {detail && detail.links.length > 0 && <LinkList links={detail.links} />}
      {listing && self !== undefined && self !== listing.publisher && <Hide listing={listing} />}
    </aside>
  );
}

interface Read {
  readonly detail: TorrentDetail | undefined;
  readonly problem: string | undefined;
}

/** Read anew every few seconds while it is looked at, and when something was changed. */
function useDetail(infoHash: string): Read & { readonly refresh: () => void } {
  const [turn, setTurn] = useState(0);
  const [known, setKnown] = useState<Read>({ detail: undefined, problem: undefined });
  useEffect(() => {
    const ends = new AbortController();
    const take = async (): Promise<void> => {
      try {
        const detail = await read<TorrentDetail>(`/api/info/${infoHash}`, ends.signal);
        setKnown({ detail, problem: undefined });
      } catch (error) {
        if (!ends.signal.aborted) setKnown(({ detail }) => ({ detail, problem: (error as Error).message }));
      }
    };
    void take();
    const timer = setInterval(() => void take(), READ_MS);
    return () => {
      clearInterval(timer);
      ends.abort();
    };
  }, [infoHash, turn]);
  return { ...known, refresh: () => setTurn((before) => before + 1) };
}
