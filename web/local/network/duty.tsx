/** What this node does for the network, and how much of what it lends is used. */
import type { JSX } from 'preact';
import type { NodeStatus, OverlayStatus } from '../../../app/running-node.ts';
import { formatCount, formatLeft, formatRate, shortHex } from '../../format.ts';

export function Duty({ status }: { readonly status: NodeStatus }): JSX.Element {
  return (
    <dl class="duty">
      {factsOf(status).map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function factsOf({ role, overlay, caps }: NodeStatus): [name: string, value: string][] {
  const { used, term, termEndsInSeconds, lastElection, handOff } = overlay;
  const facts: [string, string][] = [['This node', role === 'leaving' ? 'hands over what it owns' : role]];
  if (termEndsInSeconds !== null) facts.push(['Term', `${term}, ends in ${formatLeft(termEndsInSeconds)}`]);
  facts.push(
    ['Bandwidth', `${formatRate(used.trackingBytesPerSecond)} of ${formatRate(caps.trackingBytesPerSecond)}`],
    ['Hashes', `${formatCount(used.hashes)} of ${formatCount(caps.hashes)}`],
    ['Peers', `${formatCount(used.peers)} of ${formatCount(caps.peers)}`],
  );
  if (lastElection) facts.push(['Elected', `${agoOf(lastElection.at)} ago`]);
  if (handOff) facts.push(['Hands over', `to ${shortHex(handOff.to)}, ${handOff.step}`]);
  else if (overlay.lastHandOff) facts.push(['Last hand-off', handOffText(overlay.lastHandOff)]);
  return facts;
}

function handOffText({ at, to, failedAt }: NonNullable<OverlayStatus['lastHandOff']>): string {
  return `${failedAt === null ? 'to' : 'failed with'} ${shortHex(to)}, ${agoOf(at)} ago`;
}

function agoOf(at: number): string {
  return formatLeft(Math.max(1, Date.now() / 1000 - at));
}
