/** The supernodes: the ring as a picture, its owners, and the same as a table for whoever wants the numbers. */
import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import type { OverlayStatus, SupernodeRow } from '../../../app/running-node.ts';
import { shortHex } from '../../format.ts';
import { Badge } from '../badge.tsx';
import { RangeTable } from './range-table.tsx';
import { RingPicture } from './ring-picture.tsx';
import { arcsOf, type Owner, ownersOf, spanOf } from './ring-shape.ts';
import { roughPercent } from './ring-text.ts';
import { Swatch } from './swatch.tsx';

const LINES_MAX = 300;

interface Props {
  readonly rows: readonly SupernodeRow[];
  readonly handOff: OverlayStatus['handOff'];
}

export function Ring({ rows, handOff }: Props): JSX.Element {
  const owners = useMemo(() => ownersOf(rows), [rows]);
  const arcs = useMemo(() => arcsOf(owners), [owners]);
  if (rows.length === 0) return <p class="empty">No supernode is known yet.</p>;
  return (
    <>
      <div class="ring">
        <RingPicture arcs={arcs} owners={owners.length} handOff={handOff} />
        <ul class="owners" aria-label="Supernodes">
          {owners.slice(0, LINES_MAX).map((owner) => (
            <OwnerLine key={owner.row.nodeId} owner={owner} />
          ))}
        </ul>
      </div>
      <RangeTable arcs={arcs} handOff={handOff} linesMax={LINES_MAX} />
    </>
  );
}

function OwnerLine({ owner: { row, colour } }: { readonly owner: Owner }): JSX.Element {
  const share = row.ranges.reduce((sum, range) => sum + spanOf(range), 0) / 360;
  return (
    <li>
      <Swatch colour={colour} />
      <code title={row.nodeId}>{shortHex(row.nodeId)}</code> {roughPercent(share)} of the ring, {roughPercent(row.load)}{' '}
      busy
      {row.isSelf && <Badge kind="new">this node</Badge>}
      {row.isLeaving && <Badge>leaving</Badge>}
    </li>
  );
}
