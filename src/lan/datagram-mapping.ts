/**
 * Mappings by PCP or NAT-PMP: one question at a time, asked again with growing pauses, everything renewed at half life
 * or when the gateway says or shows that it was restarted. Invariant: what is mapped is released, or runs out.
 */
import { type Instant, later, reachOf } from '../base/index.ts';
import type { GatewayAnswer, GatewayCodec, Question } from './gateway-codec.ts';
import {
  type ExternalPlace,
  halfLifeMs,
  LEASE_SECONDS,
  type MappingAttempt,
  type MappingEffect,
  type MappingFact,
  type MappingVerdict,
} from './mapping-attempt.ts';

const FIRST_WAIT_MS = 250;
/** 250 ms to 2 s, so a gateway that says nothing is given up after 3.75 s. */
const TRIES_MAX = 4;
/** How much slower than ours a gateway's clock may go before it must have been restarted (RFC 6887, 8.5). */
const CLOCK_SHARE = 1 / 16;
const CLOCK_SLACK_SECONDS = 2;
const RENEW_AGAIN_MS = 30_000;

export class DatagramMapping implements MappingAttempt {
  readonly protocol: 'pcp' | 'nat-pmp';
  readonly #codec: GatewayCodec;
  readonly #host: string;
  readonly #port: number;
  /** The first is under way; at most the codec's three. */
  #asked: Question[] = [];
  #tries = 0;
  #nextAt: Instant | undefined;
  #isReleasing = false;
  #granted: { host?: string; tcp?: number; udp?: number } = {};
  #leaseSeconds = 0;
  #expiresAt: Instant | undefined;
  #epoch: { readonly seconds: number; readonly at: Instant } | undefined;
  #verdict: MappingVerdict = { state: 'trying' };
  #effects: MappingEffect[] = [];

  /** @param host our address in the gateway's network */
  constructor(codec: GatewayCodec, host: string, port: number) {
    this.#codec = codec;
    this.protocol = codec.name;
    this.#host = host;
    this.#port = port;
  }

  get verdict(): MappingVerdict {
    return this.#verdict;
  }
  get deadline(): Instant | undefined {
    return this.#nextAt;
  }

  effects(): MappingEffect[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  input(fact: MappingFact, now: Instant): void {
    switch (fact.type) {
      case 'begin':
        return this.#askAll(now);
      case 'release':
        return this.#release(now);
      case 'datagram':
        return this.#receive(fact.bytes, now);
      case 'tick':
        if (this.#nextAt !== undefined && this.#nextAt <= now) this.#due(now);
    }
  }

  #askAll(now: Instant): void {
    this.#leaseSeconds = LEASE_SECONDS;
    this.#asked = [...this.#codec.questions];
    this.#tries = 0;
    this.#ask(now);
  }

  #release(now: Instant): void {
    this.#isReleasing = true;
    // Also what was asked for and not answered yet: both protocols let us take away what is ours only.
    this.#asked = ['tcp', 'udp'];
    this.#tries = 0;
    const hasAnswered = this.#epoch !== undefined;
    this.#ask(now);
    // Who never said a word is not waited for.
    if (!hasAnswered) this.#finish({ state: 'released' });
  }

  #ask(now: Instant): void {
    const [question] = this.#asked;
    if (question === undefined) return;
    const transport = question === 'address' ? 'tcp' : question;
    const wish = {
      transport,
      host: this.#host,
      port: this.#port,
      // One number for both is what others expect, so the second asks for what the first was given.
      externalPort: this.#isReleasing ? 0 : (this.#granted[transport] ?? this.#granted.tcp ?? this.#port),
      lifetimeSeconds: this.#isReleasing ? 0 : LEASE_SECONDS,
    };
    this.#effects.push({ type: 'send', bytes: this.#codec.encode(question, wish) });
    this.#nextAt = later(now, FIRST_WAIT_MS * 2 ** this.#tries++);
  }

  #due(now: Instant): void {
    if (this.#asked.length === 0) return this.#askAll(now);
    if (this.#tries < TRIES_MAX) return this.#ask(now);
    if (this.#isReleasing) return this.#finish({ state: 'released' });
    // A mapping that could not be renewed holds until it runs out.
    if (this.#verdict.state === 'mapped' && this.#expiresAt !== undefined && this.#expiresAt > now) {
      this.#asked = [];
      this.#nextAt = later(now, RENEW_AGAIN_MS);
      return;
    }
    this.#finish({ state: 'failed', because: 'it does not answer' });
  }

  #receive(bytes: Uint8Array, now: Instant): void {
    const answer = this.#codec.parse(bytes, this.#port);
    if ('code' in answer) {
      if (answer.code === 'foreign' || this.#asked.length === 0) return;
      return this.#finish(this.#isReleasing ? { state: 'released' } : { state: 'failed', because: answer.text });
    }
    // A gateway that says it has just started has forgotten us, even where its clock was too young to tell.
    const isNotice = answer.to === 'notice' || (answer.to === 'address' && this.#asked[0] !== 'address');
    const hasJustStarted = isNotice && answer.epochSeconds <= CLOCK_SLACK_SECONDS;
    const hasForgotten = this.#noteEpoch(answer.epochSeconds, now) || hasJustStarted;
    if (this.#asked[0] === answer.to) return this.#take(answer, now);
    if (hasForgotten && this.#asked.length === 0 && !this.#isReleasing) this.#askAll(now);
  }

  #take(answer: GatewayAnswer, now: Instant): void {
    this.#asked.shift();
    this.#tries = 0;
    if (!this.#isReleasing) {
      const because = this.#grant(answer);
      if (because !== undefined) return this.#finish({ state: 'failed', because });
    }
    if (this.#asked.length > 0) return this.#ask(now);
    if (this.#isReleasing) return this.#finish({ state: 'released' });
    this.#noteMapped(this.#external());
    this.#nextAt = later(now, halfLifeMs(this.#leaseSeconds));
    this.#expiresAt = later(now, 2 * halfLifeMs(this.#leaseSeconds));
  }

  /** Keeps what was given; returns why that is of no use. */
  #grant({ to, host, externalPort, lifetimeSeconds }: GatewayAnswer): string | undefined {
    if (host !== undefined) {
      if (reachOf(host) === 'forbidden' && host.startsWith('0.')) return 'it has no external address';
      this.#granted.host = host;
    }
    if (to === 'notice' || to === 'address') return undefined;
    if (externalPort === 0 || lifetimeSeconds === 0) return 'it gives no port';
    this.#granted[to] = externalPort;
    this.#leaseSeconds = Math.min(this.#leaseSeconds, lifetimeSeconds);
    return undefined;
  }

  #noteMapped(external: ExternalPlace): void {
    const last = this.#verdict.state === 'mapped' ? this.#verdict.external : undefined;
    const isSame =
      last?.host === external.host && last.tcpPort === external.tcpPort && last.udpPort === external.udpPort;
    if (!isSame) this.#verdict = { state: 'mapped', external };
  }

  #external(): ExternalPlace {
    const { host = '', tcp = this.#port, udp = this.#port } = this.#granted;
    return { host, tcpPort: tcp, udpPort: udp };
  }

  /** True when the gateway's clock shows that it was restarted and has forgotten our mappings. */
  #noteEpoch(seconds: number, now: Instant): boolean {
    const last = this.#epoch;
    this.#epoch = { seconds, at: now };
    if (last === undefined) return false;
    const passed = (now - last.at) / 1000;
    return seconds + CLOCK_SLACK_SECONDS < last.seconds + passed * (1 - CLOCK_SHARE);
  }

  #finish(verdict: MappingVerdict): void {
    this.#verdict = verdict;
    this.#asked = [];
    this.#nextAt = undefined;
  }
}
