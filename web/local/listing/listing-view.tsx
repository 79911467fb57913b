/** The listing: what is shared in the network, as this node knows it. */
import type { JSX } from 'preact';
import { useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { ListingRow } from '../../../app/running-node.ts';
import { formatCount } from '../../format.ts';
import { fetchTorrent } from '../add/fetch-torrent.ts';
import { torrents } from '../live.ts';
import { useNarrow } from '../narrow.ts';
import { go, route, showTorrent } from '../route.ts';
import { useStore } from '../store.ts';
import { Grid } from '../table/grid.tsx';
import { FilterBar } from './filter-bar.tsx';
import { listingColumns } from './listing-columns.tsx';
import { questionOf, sortingOf, withChanges } from './question.ts';
import type { RowPages } from './row-pages.ts';
import { useRows } from './use-rows.ts';

const ROW_HEIGHT = 30;
const NARROW_ROW_HEIGHT = 58;

export function ListingView(): JSX.Element {
  const { parameters } = useStore(route);
  const held = useStore(torrents);
  const isNarrow = useNarrow();
  const [isStill, setStill] = useState(false);
  const enterRows = useRef<(() => void) | null>(null);
  // The search was left for rows when there were none: whoever has gone nowhere else since is among them when they come.
  const isAwaited = useRef(false);
  const leaveSearch = (): void => {
    isAwaited.current = !enterRows.current;
    enterRows.current?.();
  };
  useLayoutEffect(() => {
    if (!isAwaited.current || !enterRows.current) return;
    isAwaited.current = false;
    if (document.activeElement === document.body) enterRows.current();
  });
  const question = questionOf(parameters).toString();
  const { shown: pages, isCurrent, isOld, want, refresh } = useRows(question, isStill);
  const total = pages.total ?? 0;
  // Rows are drawn again only when the columns are others: when the progress of something that is here has moved.
  const progress = JSON.stringify([...held.values()].map((row) => [row.infoHash, Math.floor(row.progress * 1000)]));
  const columns = useMemo(
    () => listingColumns({ onFetch: fetchRow, progressOf: (infoHash) => torrents.value.get(infoHash)?.progress }),
    [progress],
  );
  const sort = ({ sort: name, isReversed }: { sort: string; isReversed: boolean }): void =>
    go('listing', withChanges(parameters, { sort: name, reverse: isReversed ? '1' : '' }));
  return (
    <section class="view listing-view" aria-label="Listing">
      <FilterBar onLeave={leaveSearch}>
        <p class="shown" role="status">
          {countText(pages)}
        </p>
        {isOld && isStill && (
          <button type="button" class="quiet" onClick={refresh}>
            Show what is new
          </button>
        )}
      </FilterBar>
      {total === 0 && pages.total !== undefined ? (
        <p class="empty">{emptyText(question)}</p>
      ) : (
        <Grid<ListingRow>
          label="Listing"
          className="listing"
          columns={columns}
          total={total}
          rowHeight={isNarrow ? NARROW_ROW_HEIGHT : ROW_HEIGHT}
          rowAt={(index) => pages.rowAt(index)}
          keyOf={(row) => row.infoHash}
          selectedKey={parameters.get('torrent') ?? undefined}
          sorting={sortingOf(parameters)}
          onSort={sort}
          onOpen={(row) => showTorrent(row.infoHash)}
          onLetter={(letter, row) => letter === 'f' && fetchRow(row)}
          onSpan={want}
          onScrolled={(isAtTop) => setStill(!isAtTop)}
          question={question}
          isCurrent={isCurrent}
          enter={enterRows}
        />
      )}
    </section>
  );
}

function fetchRow({ infoHash, name }: ListingRow): void {
  void fetchTorrent(infoHash, name);
}

function countText({ total, corrected, problem }: RowPages): string {
  if (problem !== undefined) return problem;
  if (total === undefined) return 'reading…';
  const count = total === 1 ? '1 torrent' : `${formatCount(total)} torrents`;
  return corrected === undefined ? count : `${count} for “${corrected}”`;
}

function emptyText(question: string): string {
  const isNarrowed = ['q', 'category', '-', 'age', 'seeds'].some((name) => question.includes(name));
  if (isNarrowed) return 'Nothing in the listing fits this. Try fewer words, or another category.';
  return 'Nothing is listed yet. Share something, or wait for the first supernode.';
}
