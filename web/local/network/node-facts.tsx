/** Who this node is, how it can be reached, and which ways into the network were tried. */
import type { JSX } from 'preact';
import type { BootstrapStatus, NodeStatus } from '../../../app/running-node.ts';
import { formatCount, formatLeft } from '../../format.ts';

/** The ways in, as people know them. */
const KINDS: Readonly<Record<BootstrapStatus['kind'], string>> = {
  cache: 'known from before',
  dns: 'a DNS name',
  dht: 'the Mainline DHT',
  lan: 'this network',
  told: 'you told',
};

export function NodeFacts({ status }: { readonly status: NodeStatus }): JSX.Element {
  return (
    <div class="cards">
      <section class="card" aria-labelledby="node-title">
        <h2 id="node-title">This node</h2>
        <dl class="facts">
          {factsOf(status).map(([name, value]) => (
            <>
              <dt>{name}</dt>
              <dd class="whole">{value}</dd>
            </>
          ))}
        </dl>
      </section>
      <section class="card" aria-labelledby="ways-title">
        <h2 id="ways-title">Ways in</h2>
        {status.bootstrap.length === 0 ? (
          <p class="hint">None is configured; the supernodes known last are asked.</p>
        ) : (
          <ul class="sources">
            {status.bootstrap.map(({ source, kind, state, found }) => (
              <li key={source} class={state}>
                <span class="whole">
                  {source} <span class="hint">{KINDS[kind]}</span>
                </span>
                <span>
                  {state}, {found} found
                </span>
              </li>
            ))}
          </ul>
        )}
      </section>
    </div>
  );
}

function factsOf(status: NodeStatus): [name: string, value: string][] {
  return [
    ['Network', status.network],
    ['Role', status.role],
    ['Port', `${status.port}, TCP and UDP`],
    ['Router', routerText(status)],
    ['Reached', reachedText(status)],
    ['Supernodes', formatCount(status.supernodes)],
    ['Listed', `${formatCount(status.listingRows)} torrents`],
    ['Running for', formatLeft(status.uptimeSeconds)],
    ['Node', status.nodeId],
  ];
}

function routerText({ portMapping }: NodeStatus): string {
  const { state, protocol, host, tcpPort, problem } = portMapping;
  if (state === 'mapped')
    return `passes on ${host}:${tcpPort} (${protocol})${problem === null ? '' : `, but ${problem}`}`;
  if (state === 'off') return 'is not asked';
  return problem ?? (state === 'searching' ? 'is being asked' : 'passes nothing on');
}

function reachedText({ reachedFrom, bind }: NodeStatus): string {
  if (bind.problem !== null) return bind.problem;
  if (reachedFrom === null) return 'by nobody so far';
  return reachedFrom === 'internet' ? 'from the internet' : 'from this network only';
}
