/** How far a torrent is, as a bar. */
import type { JSX } from 'preact';
import type { TorrentRow } from '../../../app/running-node.ts';
import { formatPercent } from '../../format.ts';

export function ProgressBar({ row }: { readonly row: TorrentRow }): JSX.Element {
  return (
    <progress max={1} value={row.progress} aria-label={`${row.name}: ${formatPercent(row.progress)}`}>
      {formatPercent(row.progress)}
    </progress>
  );
}
