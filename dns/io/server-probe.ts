/** Whether a node answers for a zone: its SOA is asked for on port 53, and must name that node. */
import type { Address, NodeId } from '../../src/base/index.ts';
import { hostName } from '../index.ts';

const DNS_PORT = 53;

export interface ServerProbe {
  readonly zone: string;
  readonly nodeId: NodeId;
  /** An IP address. */
  readonly host: string;
  /** The primary server of a zone, as a name server says. */
  readonly primaryOf: (zone: string, server: Address) => Promise<string | undefined>;
}

export async function answersForZone({ zone, nodeId, host, primaryOf }: ServerProbe): Promise<boolean> {
  const primary = await primaryOf(zone, { host, port: DNS_PORT });
  return primary?.toLowerCase() === hostName(nodeId, zone.toLowerCase());
}
