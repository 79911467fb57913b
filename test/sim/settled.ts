/**
 * A network that has been there for long: everybody serves, and everybody knows everybody. Seats and votes are made as in
 * elections, the votes by those whom the ring of all names, and they are as old as in a network in which somebody renews his at
 * any time: so nodes check and believe what comes later as ever. Only the joining did not happen, which costs as much as
 * the square of the number.
 */
import { assert, type Random, randomBelow, type WallSeconds, wallSeconds } from '../../src/base/index.ts';
import {
  CERTIFICATE_SECONDS,
  type Certificate,
  certificateOf,
  type Descriptor,
  ownTokensFor,
  RENEWAL_SECONDS,
  Ring,
  type Seat,
  sealDescriptor,
  votedBytes,
  WITNESSES,
  witnessPosition,
} from '../../src/overlay/index.ts';
import { sha1 } from './fake-keys.ts';
import type { SimNode } from './sim-node.ts';
import { streamOf } from './streams.ts';
import type { World } from './world.ts';

const TERM = 1;
const NETWORK = 'monsoon';

/** Starts all nodes at once. */
export function startSettled(nodes: readonly SimNode[], world: World): void {
  const own = descriptorsOf(nodes, world);
  for (const [i, node] of nodes.entries()) {
    node.start((overlay) => {
      assert(overlay.view !== undefined && overlay.resume !== undefined, 'this machine cannot begin in the midst');
      for (const descriptor of own) if (descriptor !== own[i]) overlay.view.offer(descriptor);
      overlay.resume(own[i]!);
    });
  }
}

/** What each node says of itself, by votes of those who are there. */
function descriptorsOf(nodes: readonly SimNode[], world: World): readonly Descriptor[] {
  const random = streamOf(world.seed, 'settled');
  const issued = nodes.map(({ plan }) => {
    const age = random() * RENEWAL_SECONDS;
    return wallSeconds(plan.clock.wall(world.now) - age);
  });
  const elected = nodes.map((node, i) =>
    sealed(node, votesOf(node, issued[i]!, undefined, drawn(nodes, node, random))),
  );
  const ring = new Ring(elected);
  const byId = new Map(nodes.map((node) => [node.nodeId, node]));
  return nodes.map((node, i) => {
    const position = witnessPosition(node.nodeId, TERM, sha1);
    const witnesses = ring.membersAfter(position, WITNESSES, node.nodeId).map(({ nodeId }) => byId.get(nodeId)!);
    return sealed(node, votesOf(node, issued[i]!, elected[i]!.seat, witnesses));
  });
}

function votesOf(node: SimNode, issued: WallSeconds, seat: Seat | undefined, by: readonly SimNode[]): Certificate {
  const { nodeId, endpoint } = node;
  const message = votedBytes({ network: NETWORK, nodeId, host: endpoint.address.host, term: TERM, issued, seat });
  const votes = by.map((witness) => ({ witness: witness.nodeId, signature: witness.plan.sign(message) }));
  return certificateOf(votes, issued, seat);
}

function sealed({ nodeId, endpoint, plan }: SimNode, certificate: Certificate): Descriptor {
  const { issued } = certificate;
  const statement = {
    network: NETWORK,
    addresses: [endpoint.address],
    sequence: issued,
    issued,
    expires: wallSeconds(issued + CERTIFICATE_SECONDS),
    capacity: plan.capacity,
    load: 0,
    roles: 0,
    term: TERM,
    certificate,
    ownTokens: ownTokensFor(plan.capacity.announcesPerSecond),
  };
  return sealDescriptor(statement, nodeId, plan.sign, sha1);
}

/** Some others. */
function drawn(nodes: readonly SimNode[], except: SimNode, random: Random): readonly SimNode[] {
  const others = new Set<SimNode>();
  const count = Math.min(WITNESSES, nodes.length - 1);
  while (others.size < count) {
    const other = nodes[randomBelow(random, nodes.length)]!;
    if (other !== except) others.add(other);
  }
  return [...others];
}
