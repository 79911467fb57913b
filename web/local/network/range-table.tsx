/** Every range of the ring as a line: the same as the picture, for screen readers and for reading numbers. */
import type { JSX } from 'preact';
import type { OverlayStatus } from '../../../app/running-node.ts';
import { formatCount, shortHex } from '../../format.ts';
import { Badge } from '../badge.tsx';
import { type Arc, isWithin, spanOf } from './ring-shape.ts';
import { rangeText, roughPercent } from './ring-text.ts';
import { Swatch } from './swatch.tsx';

interface Props {
  readonly arcs: readonly Arc[];
  readonly handOff: OverlayStatus['handOff'];
  readonly linesMax: number;
}

export function RangeTable({ arcs, handOff, linesMax }: Props): JSX.Element {
  const left = arcs.length - linesMax;
  return (
    <>
      <div class="wide-table">
        <table class="ranges">
          <caption class="hidden">Ranges of the ring and their owners</caption>
          <thead>
            <tr>
              <th scope="col">Owner</th>
              <th scope="col" class="detail">
                Range
              </th>
              <th scope="col" class="number">
                Share
              </th>
              <th scope="col" class="number">
                Load
              </th>
              <th scope="col" class="number detail">
                Epoch
              </th>
              <th scope="col" class="number detail">
                Term
              </th>
              <th scope="col">By</th>
            </tr>
          </thead>
          <tbody>
            {arcs.slice(0, linesMax).map((arc) => (
              <RangeLine key={arc.range.to} arc={arc} handOff={handOff} />
            ))}
          </tbody>
        </table>
      </div>
      {left > 0 && <p class="hint">and {formatCount(left)} more ranges</p>}
    </>
  );
}

function RangeLine({ arc, handOff }: { readonly arc: Arc; readonly handOff: OverlayStatus['handOff'] }): JSX.Element {
  const { owner, colour, range } = arc;
  return (
    <tr>
      <td class="owner">
        <Swatch colour={colour} />
        <code title={owner.nodeId}>{shortHex(owner.nodeId)}</code>
        {owner.isSelf && <Badge kind="new">this node</Badge>}
        {owner.isSelf && handOff && isWithin(handOff.range.to, range) && <Badge>hands over</Badge>}
      </td>
      <td class="detail">
        <code>{rangeText(range)}</code>
      </td>
      <td class="number share">{roughPercent(spanOf(range) / 360)}</td>
      <td class="number">{roughPercent(owner.load)}</td>
      <td class="number detail">{range.epoch}</td>
      <td class="number detail">{owner.term}</td>
      <td>{range.by === 'grant' ? 'a hand-off' : 'its election'}</td>
    </tr>
  );
}
