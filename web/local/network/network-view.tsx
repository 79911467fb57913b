/** The network as this node sees it. */
import type { JSX } from 'preact';
import { status, supernodes } from '../live.ts';
import { useStore } from '../store.ts';
import { Duty } from './duty.tsx';
import { HostList } from './host-list.tsx';
import { NodeFacts } from './node-facts.tsx';
import { Ring } from './ring.tsx';

export function NetworkView(): JSX.Element {
  const now = useStore(status);
  const rows = useStore(supernodes);
  return (
    <section class="view page-view" aria-labelledby="network-title">
      <h1 id="network-title">Network</h1>
      <p class="lead">
        Every hash is a place on this ring. The supernode that owns the arc around it keeps its swarm, and the next two
        keep copies. The stronger the colour, the busier its owner.
      </p>
      {now && <Duty status={now} />}
      {rows && <Ring rows={rows} handOff={now?.overlay.handOff ?? null} />}
      {now && <NodeFacts status={now} />}
      <HostList />
    </section>
  );
}
