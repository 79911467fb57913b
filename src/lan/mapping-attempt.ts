/**
 * What every way to get a mapping looks like from outside: facts in, effects out, a verdict. Effects name no host, so
 * that no answer of a gateway can make us talk to anybody else: the host sends them to the gateway and nowhere else.
 */
import type { Instant } from '../base/index.ts';

export type MappingFact =
  | { readonly type: 'begin' | 'tick' | 'release' }
  /** From the gateway's port 5351. */
  | { readonly type: 'datagram'; readonly bytes: Uint8Array }
  /** From any other port of the gateway: an answer to `search`. */
  | { readonly type: 'found'; readonly bytes: Uint8Array }
  /** `status` 0: no answer, or none within the bounds. */
  | { readonly type: 'reply'; readonly id: number; readonly status: number; readonly body: Uint8Array };

export type MappingEffect =
  /** To the gateway's UDP port 5351. */
  | { readonly type: 'send'; readonly bytes: Uint8Array }
  /** To the SSDP group, 239.255.255.250:1900, on the gateway's network. */
  | { readonly type: 'search'; readonly bytes: Uint8Array }
  /** HTTP to the gateway; exactly one `reply` follows. */
  | { readonly type: 'request'; readonly id: number; readonly request: GatewayRequest };

export interface GatewayRequest {
  readonly port: number;
  readonly path: string;
  /** The `SOAPAction` header and the body of a POST; undefined is a GET. */
  readonly soap: { readonly action: string; readonly body: Uint8Array } | undefined;
}

/** What the world can reach us by. */
export interface ExternalPlace {
  readonly host: string;
  readonly tcpPort: number;
  readonly udpPort: number;
}

export type MappingVerdict =
  | { readonly state: 'trying' | 'released' }
  | { readonly state: 'mapped'; readonly external: ExternalPlace }
  | { readonly state: 'failed'; readonly because: string };

/** One protocol's attempt. */
export interface MappingAttempt {
  readonly protocol: 'pcp' | 'nat-pmp' | 'upnp';
  readonly verdict: MappingVerdict;
  readonly deadline: Instant | undefined;
  input(fact: MappingFact, now: Instant): void;
  effects(): MappingEffect[];
}

/** How long a mapping is asked for: short enough that a node which vanished is forgotten soon. */
export const LEASE_SECONDS = 1800;
/** A gateway may say less or more than we asked; between these we believe it. */
const LEASE_MIN_SECONDS = 60;
const LEASE_MAX_SECONDS = 86_400;

/** Half of a lease, in milliseconds: when it is renewed. */
export function halfLifeMs(leaseSeconds: number): number {
  return Math.min(Math.max(leaseSeconds, LEASE_MIN_SECONDS), LEASE_MAX_SECONDS) * 500;
}
