/** The transfers: what this node fetches and seeds. */
import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import type { TorrentRow } from '../../../app/running-node.ts';
import { torrents } from '../live.ts';
import { useNarrow } from '../narrow.ts';
import { route, showTorrent } from '../route.ts';
import { useStore } from '../store.ts';
import { Grid } from '../table/grid.tsx';
import { transferColumns } from './transfer-columns.tsx';

const ROW_HEIGHT = 46;
const NARROW_ROW_HEIGHT = 92;

export function TransfersView(): JSX.Element {
  const held = useStore(torrents);
  const { parameters } = useStore(route);
  const isNarrow = useNarrow();
  const rows = useMemo(() => [...held.values()], [held]);
  const columns = useMemo(() => transferColumns(), []);
  return (
    <section class="view transfers-view" aria-label="Transfers">
      {rows.length === 0 ? (
        <p class="empty">
          Nothing is fetched or shared yet. Press Fetch on a row of the listing, paste a magnet link, or drop a .torrent
          file here.
        </p>
      ) : (
        <Grid<TorrentRow>
          label="Transfers"
          className="transfers"
          columns={columns}
          total={rows.length}
          rowHeight={isNarrow ? NARROW_ROW_HEIGHT : ROW_HEIGHT}
          rowAt={(index) => rows[index]}
          keyOf={(row) => row.infoHash}
          rowClass={(row) => `${row.state}${row.stalledBecause === null ? '' : ' stalled'}`}
          selectedKey={parameters.get('torrent') ?? undefined}
          onOpen={(row) => showTorrent(row.infoHash)}
        />
      )}
    </section>
  );
}
