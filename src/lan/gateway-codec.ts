/**
 * What PCP and NAT-PMP have in common, as far as one node with one port needs them: questions to the gateway's UDP port
 * 5351, and answers that carry a mapping, the external address, or only the gateway's age.
 */
import type { Fault } from '../base/index.ts';

export type Transport = 'tcp' | 'udp';

/** What can be asked of a gateway; NAT-PMP tells the external address apart from the mappings. */
export type Question = Transport | 'address';

/** A mapping that is asked for. */
export interface MappingWish {
  readonly transport: Transport;
  /** Our address in the gateway's network. */
  readonly host: string;
  /** Our port. */
  readonly port: number;
  /** The port we would like to have outside; 0 leaves it to the gateway. */
  readonly externalPort: number;
  /** 0 takes the mapping away. */
  readonly lifetimeSeconds: number;
}

/** An answer or, as `notice`, what a gateway says unasked after it has started. */
export interface GatewayAnswer {
  readonly to: Question | 'notice';
  /** Seconds since the gateway forgot everything; a smaller one than expected means it did so again. */
  readonly epochSeconds: number;
  /** The external address, where the answer tells it. */
  readonly host: string | undefined;
  readonly externalPort: number;
  readonly lifetimeSeconds: number;
}

/** `foreign` is not for us and ignored; the others end the attempt. */
export type GatewayFault = Fault<'foreign' | 'other-version' | 'refused'>;

/** One protocol's bytes. */
export interface GatewayCodec {
  readonly name: 'pcp' | 'nat-pmp';
  /** In the order to ask them. */
  readonly questions: readonly Question[];
  encode(question: Question, wish: MappingWish): Uint8Array;
  /** Checks a datagram from the gateway; `ours` is our port, as the answer must repeat it. */
  parse(datagram: Uint8Array, ours: number): GatewayAnswer | GatewayFault;
}
