/** The ring of hashes as a picture: who owns which arc, how busy each owner is, and what moves. */
import type { JSX } from 'preact';
import type { OverlayStatus } from '../../../app/running-node.ts';
import { formatCount, shortHex } from '../../format.ts';
import { type Arc, annulus, degreesOf, middleOf, pointAt } from './ring-shape.ts';
import { rangeText, roughPercent } from './ring-text.ts';

/** More arcs than this are thinner than a pixel. */
const ARCS_MAX = 1500;
const OUTER = 100;
const INNER = 72;
const LABELS_AT = 110;

interface Props {
  readonly arcs: readonly Arc[];
  readonly owners: number;
  readonly handOff: OverlayStatus['handOff'];
}

export function RingPicture({ arcs, owners, handOff }: Props): JSX.Element {
  const names = owners === 1 ? '1 supernode' : `${formatCount(owners)} supernodes`;
  const count = arcs.length === 1 ? '1 range' : `${formatCount(arcs.length)} ranges`;
  return (
    <svg class="picture" viewBox="-118 -118 236 236" role="img" aria-label={`${names}, ${count}; see the table`}>
      {arcs.slice(0, ARCS_MAX).map(({ owner, colour, range }) => (
        <path
          key={range.to}
          class={`arc owner-${colour}${owner.isSelf ? ' own' : ''}`}
          d={annulus(range, INNER, OUTER)}
          // Even an idle range is seen.
          fill-opacity={(0.45 + 0.55 * Math.min(1, owner.load)).toFixed(2)}
        >
          <title>{`${shortHex(owner.nodeId)}: ${rangeText(range)}, ${roughPercent(owner.load)} busy`}</title>
        </path>
      ))}
      {['0', '4', '8', 'c'].map((digit) => {
        const [x, y] = pointAt(degreesOf(digit.padEnd(40, '0')), LABELS_AT);
        return (
          <text key={digit} x={x} y={y + 3}>
            {digit}…
          </text>
        );
      })}
      {handOff && <path class="moving" d={annulus(handOff.range, INNER - 4, OUTER + 4)} />}
      {handOff && <Way arcs={arcs} handOff={handOff} />}
      <text class="count" y={-2}>
        {names}
      </text>
      <text class="of" y={14}>
        {count}
      </text>
    </svg>
  );
}

/** From the middle of what moves to the nearest arc of whoever takes it. */
function Way({ arcs, handOff }: { readonly arcs: readonly Arc[]; readonly handOff: NonNullable<Props['handOff']> }) {
  const taker = arcs.find(({ owner }) => owner.nodeId === handOff.to);
  if (!taker) return null;
  const [x1, y1] = pointAt(middleOf(handOff.range), INNER - 8);
  const [x2, y2] = pointAt(middleOf(taker.range), INNER - 8);
  return (
    <>
      <path class="way" d={`M${x1} ${y1}Q0 0 ${x2} ${y2}`} />
      <circle class="head" cx={x2} cy={y2} r={4} />
    </>
  );
}
