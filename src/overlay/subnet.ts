/** Subnets: who has one address has its neighbours too, so that many keys in few subnets count as few supernodes. */
import { type Address, parseIp, prefixOfIp, reachOf } from '../base/index.ts';

/** The /24 or /48 of a supernode's first address; undefined where it is not public. */
export function subnetOf({ addresses }: { readonly addresses: readonly Address[] }): string | undefined {
  const host = addresses[0]?.host;
  if (host === undefined || reachOf(host) !== 'public') return undefined;
  const ip = parseIp(host)!;
  return prefixOfIp(ip, 3, 6);
}
