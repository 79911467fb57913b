/** The authoritative DNS of a volunteer: the zone it was given, filled from the supernodes it knows. */
import type { Config } from '../config/index.ts';
import { openResponder, type Responder } from '../dns/io/index.ts';
import { MonsoonError, type NodeId } from '../src/base/index.ts';
import type { BoundNetwork } from '../src/io/bound-network.ts';
import type { Membership } from './membership.ts';

/** Opens the responder when a zone is configured; a zone of a node that never serves is a configuration error. */
export async function openDnsFor(
  config: Config,
  network: BoundNetwork,
  membership: Membership,
  self: NodeId,
): Promise<Responder | undefined> {
  if (config.zone === '') return undefined;
  if (config.role === 'client') {
    throw new MonsoonError('config', 'a client answers for no zone: add --role supernode, or leave out --zone');
  }
  return openResponder({
    zone: config.zone,
    port: config.dnsPort,
    bind: network.isRestricted ? network.hosts()[0]! : config.bind,
    records: () => ({
      network: config.network,
      self,
      hosts: membership.all().map(({ nodeId, addresses }) => ({ nodeId, addresses, answersDns: nodeId === self })),
    }),
  });
}
