/** The columns of the transfers: name and what keeps it, progress, rates, peers, time left, and pause. */
import type { TorrentRow } from '../../../app/running-node.ts';
import { formatLeft, formatPercent, formatRate, formatSize } from '../../format.ts';
import { ActionButton } from '../action-button.tsx';
import type { Column } from '../table/column.ts';
import { act, isResting } from '../torrent/act.ts';
import { ProgressBar } from '../torrent/progress-bar.tsx';

/** Makes the columns. */
export function transferColumns(): readonly Column<TorrentRow>[] {
  return [
    {
      ...{ label: 'Name', className: 'name' },
      cell: (row) => (
        <>
          <span class="title" dir="auto">
            {row.name}
          </span>
          <span class="about">
            {row.stalledBecause ?? `${stateText(row)}${row.size > 0 ? ` · ${formatSize(row.size)}` : ''}`}
          </span>
        </>
      ),
      title: (row) => [row.name, row.stalledBecause, row.path].filter(Boolean).join('\n'),
    },
    {
      ...{ label: 'Progress', className: 'progress' },
      cell: (row) => (
        <>
          <ProgressBar row={row} />
          <span class="about">{formatPercent(row.progress)}</span>
        </>
      ),
    },
    { label: 'Down', className: 'rate down number', cell: (row) => formatRate(row.downBytesPerSecond) },
    { label: 'Up', className: 'rate up number', cell: (row) => formatRate(row.upBytesPerSecond) },
    { label: 'Peers', className: 'peers number', cell: (row) => row.peers },
    {
      ...{ label: 'Left', className: 'left number' },
      cell: (row) => (row.secondsLeft === null ? '–' : formatLeft(row.secondsLeft)),
      cellClass: (row) => (row.secondsLeft === null ? 'unknown' : ''),
    },
    {
      ...{ label: 'Pause or resume', className: 'action', isLabelHidden: true },
      cell: (row) => {
        const label = isResting(row) ? 'Resume' : 'Pause';
        return (
          <ActionButton
            label={`${label} ${row.name}`}
            tabIndex={-1}
            onAct={() => act(row, { type: isResting(row) ? 'resume' : 'pause' })}
          >
            {label}
          </ActionButton>
        );
      },
    },
  ];
}

function stateText({ state, queuePlace }: TorrentRow): string {
  if (state === 'metadata') return 'asking for its metadata';
  return state === 'queued' && queuePlace !== null ? `queued, number ${queuePlace}` : state;
}
