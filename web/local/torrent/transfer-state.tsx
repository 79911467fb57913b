/** How far a torrent of ours is, how fast, and why it stands still. */
import type { JSX } from 'preact';
import type { TorrentRow } from '../../../app/running-node.ts';
import { formatLeft, formatPercent, formatRate, formatSize } from '../../format.ts';
import { ProgressBar } from './progress-bar.tsx';

export function TransferState({ row }: { readonly row: TorrentRow }): JSX.Element {
  const { state, progress, downBytesPerSecond, upBytesPerSecond, peers, secondsLeft, stalledBecause } = row;
  return (
    <div class={`transfer-state ${state} ${stalledBecause === null ? '' : 'stalled'}`}>
      <ProgressBar row={row} />
      <p>
        {state} {formatPercent(progress)} · ↓ {formatRate(downBytesPerSecond)} · ↑ {formatRate(upBytesPerSecond)} ·{' '}
        {peers} {peers === 1 ? 'peer' : 'peers'}
        {secondsLeft !== null && ` · ${formatLeft(secondsLeft)} left`}
      </p>
      {stalledBecause !== null && <p class="reason">{stalledBecause}</p>}
      <p class="hint whole">
        {formatSize(row.bytesDownloaded)} came, {formatSize(row.bytesUploaded)} went; it lies in {row.path}
      </p>
    </div>
  );
}
