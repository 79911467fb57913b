/** Whether a node answers for a zone: its SOA is asked for on port 53, and must name that node. */
import { Resolver } from 'node:dns/promises';
import { formatAddress, type NodeId } from '../../src/base/index.ts';
import { hostName } from '../index.ts';

const TIMEOUT_MS = 2000;
const TRIES = 2;
const DNS_PORT = 53;

export interface ServerProbe {
  readonly zone: string;
  readonly nodeId: NodeId;
  /** An IP address. */
  readonly host: string;
  /** IPv4 and IPv6 addresses to ask from. */
  readonly from: { readonly four: string; readonly six: string } | undefined;
}

export async function answersForZone({ zone, nodeId, host, from }: ServerProbe): Promise<boolean> {
  const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES });
  resolver.setServers([formatAddress({ host, port: DNS_PORT })]);
  if (from) resolver.setLocalAddress(from.four, from.six);
  try {
    const { nsname } = await resolver.resolveSoa(zone);
    return nsname.toLowerCase() === hostName(nodeId, zone.toLowerCase());
  } catch {
    // Silent, refused or about something else: in each case it does not answer for the zone.
    return false;
  }
}
