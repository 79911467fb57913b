/**
 * How many take part in a swarm, as the listing says it: one /24 or /48 of public addresses counts for a few at most, so
 * that nobody makes a crowd of one network. A large swarm is judged by a part of it.
 */

import { prefixOfIp, reachOfIp } from '../src/base/index.ts';
import { ENDPOINT4_BYTES, ENDPOINT6_BYTES } from './endpoint-sizes.ts';
import { NO_SLOT } from './swarm-index.ts';
import type { SwarmCounts, SwarmTable } from './swarm-table.ts';

/** Peers of one role that a /24 or /48 counts for. */
export const PEERS_PER_SUBNET_MAX = 8;
/** Peers of one family that are looked at. */
const LOOKED_AT_MAX = 2000;

/** Counts of a swarm; undefined when it is not tracked. */
export function fairCounts(swarms: SwarmTable, infoHash: Uint8Array): SwarmCounts | undefined {
  const slot = swarms.slotOf(infoHash);
  if (slot === NO_SLOT) return undefined;
  const [v4, v6] = [ENDPOINT4_BYTES, ENDPOINT6_BYTES].map((bytes) => fairOf(swarms, slot, bytes)) as [Fair, Fair];
  const completions = swarms.completions(slot);
  return { seeders: v4.seeders + v6.seeders, leechers: v4.leechers + v6.leechers, completions };
}

interface Fair {
  readonly seeders: number;
  readonly leechers: number;
}

function fairOf(swarms: SwarmTable, slot: number, endpointBytes: number): Fair {
  const groups = swarms.peersOf(endpointBytes);
  const size = groups.size(slot);
  // Steps spread a sample over seeders and leechers alike, who lie together.
  const step = Math.max(1, size / LOOKED_AT_MAX);
  const subnetMax = Math.max(1, Math.ceil(PEERS_PER_SUBNET_MAX / step));
  const bySubnet = new Map<string, number>();
  const endpoint = new Uint8Array(endpointBytes);
  const counted = { seeders: 0, leechers: 0 };
  for (let at = 0; at < size; at += step) {
    const position = Math.floor(at);
    groups.copyEndpoint(slot, position, endpoint, 0);
    const role = groups.isSeeder(slot, position) ? 'seeders' : 'leechers';
    const ip = endpoint.subarray(0, endpointBytes - 2);
    if (reachOfIp(ip) === 'public') {
      const subnet = role + prefixOfIp(ip, 3, 6);
      const before = bySubnet.get(subnet) ?? 0;
      if (before >= subnetMax) continue;
      bySubnet.set(subnet, before + 1);
    }
    counted[role]++;
  }
  return { seeders: Math.round(counted.seeders * step), leechers: Math.round(counted.leechers * step) };
}
