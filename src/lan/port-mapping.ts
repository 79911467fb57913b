/**
 * The one port's way through the gateway: tries PCP, NAT-PMP and UPnP-IGD in this order, keeps what it got, and starts
 * over when that fails or the network changes. Invariant: one attempt at a time; what was mapped is released before the
 * end. Knows which address it talks to, and no socket.
 */
import { type Deadline, earliest, type Instant, later, type Machine, type Random, reachOf } from '../base/index.ts';
import { DatagramMapping } from './datagram-mapping.ts';
import { IgdMapping } from './igd-mapping.ts';
import type { ExternalPlace, MappingAttempt, MappingEffect, MappingFact } from './mapping-attempt.ts';
import { natPmpCodec } from './nat-pmp.ts';
import { pcpCodec } from './pcp.ts';

export type MappingProtocol = MappingAttempt['protocol'];
export const MAPPING_PROTOCOLS: readonly MappingProtocol[] = ['pcp', 'nat-pmp', 'upnp'];
/** Why nothing is mapped where there is nobody to ask. */
export const NO_GATEWAY = 'there is no gateway';

/** Where nobody maps, somebody may have switched it on later. */
const RETRY_MS = 10 * 60_000;
/** Gateways that lose mappings at once are not asked without end. */
const RETRY_SOON_MS = 10_000;
/** A goodbye keeps the user waiting who stops a node. */
const RELEASE_MS = 2000;

/** A gateway, and our address in its network. */
export interface Gateway {
  readonly host: string;
  readonly ownHost: string;
}

export type PortMappingFact =
  | MappingFact
  /** The gateway of the network we are in now; undefined when there is none. */
  | { readonly type: 'gateway'; readonly gateway: Gateway | undefined }
  | { readonly type: 'end' };

export type PortMappingState =
  | { readonly state: 'searching' | 'ended' }
  | { readonly state: 'mapped'; readonly protocol: MappingProtocol; readonly external: ExternalPlace }
  | { readonly state: 'none'; readonly because: string };

export interface PortMappingSettings {
  readonly port: number;
  /** Tried in this order. */
  readonly protocols: readonly MappingProtocol[];
  /** Tells the gateway that mappings are ours, also after a restart of this node: 12 bytes. */
  readonly nonce: Uint8Array;
  readonly random: Random;
}

/** The machine. */
export class PortMapping implements Machine<PortMappingFact, MappingEffect> {
  readonly #settings: PortMappingSettings;
  #gateway: Gateway | undefined;
  #attempt: MappingAttempt | undefined;
  /** Still to be tried. */
  #left: MappingProtocol[] = [];
  #failures: string[] = [];
  #state: PortMappingState = { state: 'searching' };
  /** When to start over or, once ending, to wait no longer. */
  #retryAt: Instant | undefined;
  #isEnding = false;
  #effects: MappingEffect[] = [];

  constructor(settings: PortMappingSettings) {
    this.#settings = settings;
  }

  get state(): PortMappingState {
    return this.#state;
  }

  get deadline(): Deadline | undefined {
    if (this.#state.state === 'ended') return undefined;
    const at = earliest(this.#attempt?.deadline, this.#retryAt);
    return at === undefined ? undefined : { at, why: 'the port mapping' };
  }

  effects(): MappingEffect[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  input(fact: PortMappingFact, now: Instant): void {
    if (this.#state.state === 'ended') return;
    if (fact.type === 'gateway') return this.#useGateway(fact.gateway, now);
    if (fact.type === 'end') return this.#end(now);
    if (fact.type === 'tick' && this.#retryAt !== undefined && this.#retryAt <= now) {
      if (this.#isEnding) this.#state = { state: 'ended' };
      else this.#begin(now);
      return;
    }
    this.#attempt?.input(fact, now);
    this.#follow(now);
  }

  #useGateway(gateway: Gateway | undefined, now: Instant): void {
    const isSame = gateway?.host === this.#gateway?.host && gateway?.ownHost === this.#gateway?.ownHost;
    if (this.#isEnding || (isSame && (gateway || this.#state.state === 'none'))) return;
    // What an old gateway still maps runs out: it cannot be told from another network.
    this.#gateway = gateway;
    this.#begin(now);
  }

  #begin(now: Instant): void {
    this.#retryAt = undefined;
    this.#attempt = undefined;
    this.#failures = [];
    this.#left = [...this.#settings.protocols];
    if (!this.#gateway) {
      this.#state = { state: 'none', because: NO_GATEWAY };
      return;
    }
    this.#state = { state: 'searching' };
    this.#next(now);
  }

  #next(now: Instant): void {
    const protocol = this.#left.shift();
    if (!protocol) {
      this.#attempt = undefined;
      this.#state = { state: 'none', because: this.#failures.join('; ') };
      this.#retryAt = later(now, RETRY_MS);
      return;
    }
    this.#attempt = this.#attemptBy(protocol, this.#gateway!);
    this.#attempt.input({ type: 'begin' }, now);
    this.#follow(now);
  }

  #attemptBy(protocol: MappingProtocol, { host, ownHost }: Gateway): MappingAttempt {
    const { port, nonce, random } = this.#settings;
    if (protocol === 'upnp') return new IgdMapping(host, ownHost, port, random);
    return new DatagramMapping(protocol === 'pcp' ? pcpCodec(nonce) : natPmpCodec, ownHost, port);
  }

  /** Takes what the attempt wants done, and its verdict. */
  #follow(now: Instant): void {
    const attempt = this.#attempt;
    if (!attempt) return;
    this.#effects.push(...attempt.effects());
    const { verdict, protocol } = attempt;
    if (verdict.state === 'released') this.#state = { state: 'ended' };
    else if (verdict.state === 'mapped') this.#noteMapped(protocol, verdict.external);
    else if (verdict.state === 'failed') this.#failed(protocol, verdict.because, now);
  }

  #noteMapped(protocol: MappingProtocol, external: ExternalPlace): void {
    if (this.#isEnding || (this.#state.state === 'mapped' && this.#state.external === external)) return;
    this.#state = { state: 'mapped', protocol, external };
  }

  #failed(protocol: MappingProtocol, because: string, now: Instant): void {
    const wasMapped = this.#state.state === 'mapped';
    this.#attempt = undefined;
    if (wasMapped) {
      this.#state = { state: 'none', because: `${protocol}: ${because}` };
      this.#retryAt = later(now, RETRY_SOON_MS);
      return;
    }
    this.#failures.push(`${protocol}: ${because}`);
    this.#next(now);
  }

  #end(now: Instant): void {
    if (!this.#attempt) {
      this.#state = { state: 'ended' };
      this.#retryAt = undefined;
      return;
    }
    this.#isEnding = true;
    this.#retryAt = later(now, RELEASE_MS);
    this.#attempt.input({ type: 'release' }, now);
    this.#follow(now);
  }
}

/** Whether the whole internet can reach that place: a gateway can itself stand behind a NAT. */
export function isPublicPlace({ host }: ExternalPlace): boolean {
  return reachOf(host) === 'public';
}
