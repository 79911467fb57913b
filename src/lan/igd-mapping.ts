/**
 * Mappings by UPnP-IGD: search, description, external address, one mapping per transport; renewed at half life because
 * a gateway that was restarted says so to nobody in particular. Another host's mapping is never touched: a port that is
 * taken is left, and another one tried.
 */
import { type Instant, later, parseIp, type Random, randomBelow } from '../base/index.ts';
import type { Transport } from './gateway-codec.ts';
import {
  type GatewayPlace,
  type MappingService,
  parseDescription,
  parseSearchAnswer,
  parseSoapAnswer,
  type SoapAnswer,
  searchDatagrams,
  soapRequest,
} from './igd.ts';
import {
  halfLifeMs,
  LEASE_SECONDS,
  type MappingAttempt,
  type MappingEffect,
  type MappingFact,
  type MappingVerdict,
} from './mapping-attempt.ts';

const SEARCHES_MAX = 3;
const SEARCH_AGAIN_MS = 1500;
/** External ports tried for one transport when others have them. */
const PORTS_MAX = 6;
/** Ports that a stranger's service is unlikely to be on. */
const OTHER_PORT_MIN = 20_000;
const DESCRIPTION = 'monsoon';
const CONFLICT = new Set([718, 729]);
const UNKNOWN_ACTION = new Set([401, 602]);
const ONLY_PERMANENT = 725;
/** Some devices have no better word for a lease they do not like. */
const ACTION_FAILED = 501;

type Step = 'search' | 'describe' | 'address' | Transport | 'renew' | 'release';

export class IgdMapping implements MappingAttempt {
  readonly protocol = 'upnp';
  readonly #gateway: string;
  readonly #host: string;
  readonly #port: number;
  readonly #random: Random;
  #step: Step = 'search';
  #searches = 0;
  #portsTried = 0;
  #nextAt: Instant | undefined;
  /** The one request under way; an answer to another is ignored. */
  #requestId = 0;
  #action = '';
  #place: GatewayPlace | undefined;
  /** Those not tried yet; the first is in use. */
  #services: MappingService[] = [];
  #externalHost = '';
  #wanted: number;
  #granted: { tcp?: number; udp?: number } = {};
  #leaseSeconds = LEASE_SECONDS;
  #mayPickAny = true;
  #isReleasing = false;
  #verdict: MappingVerdict = { state: 'trying' };
  #effects: MappingEffect[] = [];

  /** @param host our address in the gateway's network */
  constructor(gateway: string, host: string, port: number, random: Random) {
    this.#gateway = gateway;
    this.#host = host;
    this.#port = this.#wanted = port;
    this.#random = random;
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
        return this.#search(now);
      case 'tick':
        if (this.#nextAt !== undefined && this.#nextAt <= now) this.#due(now);
        return;
      case 'found':
        return this.#found(fact.bytes);
      case 'reply':
        if (fact.id === this.#requestId) this.#replied(fact.status, fact.body, now);
        return;
      case 'release':
        this.#nextAt = undefined;
        this.#isReleasing = true;
        // A mapping that is being asked for may be granted or another host's: only the answer says which.
        if (this.#step === 'tcp' || this.#step === 'udp') return;
        return this.#releaseNext();
    }
  }

  #search(now: Instant): void {
    this.#searches++;
    for (const bytes of searchDatagrams()) this.#effects.push({ type: 'search', bytes });
    this.#nextAt = later(now, SEARCH_AGAIN_MS);
  }

  #due(now: Instant): void {
    if (this.#step === 'search') {
      if (this.#searches < SEARCHES_MAX) this.#search(now);
      else this.#fail('no gateway answers the search');
      return;
    }
    this.#nextAt = undefined;
    this.#step = 'tcp';
    this.#map('tcp');
  }

  #found(bytes: Uint8Array): void {
    const place = this.#step === 'search' ? parseSearchAnswer(bytes, this.#gateway) : undefined;
    if (!place) return;
    this.#place = place;
    this.#step = 'describe';
    this.#nextAt = undefined;
    this.#request({ ...place, soap: undefined });
  }

  #replied(status: number, body: Uint8Array, now: Instant): void {
    if (this.#step === 'describe') {
      this.#services = status === 200 ? parseDescription(body, this.#gateway, this.#place!) : [];
      return this.#askAddress();
    }
    const answer = parseSoapAnswer(this.#action, status, body);
    if (this.#step === 'address') return this.#tookAddress(answer);
    if (this.#step === 'tcp' || this.#step === 'udp') return this.#mapped(this.#step, answer, now);
    if (this.#step === 'release') this.#releaseNext();
  }

  #askAddress(): void {
    if (this.#services.length === 0) return this.#fail('it offers no port mapping');
    this.#step = 'address';
    this.#call('GetExternalIPAddress');
  }

  /** A device can have several connections, of which one is up: the one that has an address. */
  #tookAddress(answer: SoapAnswer): void {
    const host = answer.isGood ? answer.value('NewExternalIPAddress') : undefined;
    const ip = host === undefined ? undefined : parseIp(host);
    if (ip?.some((byte) => byte !== 0)) {
      this.#externalHost = host!;
      this.#step = 'tcp';
      return this.#map('tcp');
    }
    this.#services.shift();
    if (this.#services.length > 0) this.#askAddress();
    else this.#fail('it has no external address');
  }

  #map(transport: Transport): void {
    const isRenewal = this.#granted[transport] !== undefined;
    const mayPick = !isRenewal && this.#mayPickAny && this.#services[0]!.type.endsWith(':2');
    this.#call(mayPick ? 'AddAnyPortMapping' : 'AddPortMapping', {
      NewRemoteHost: '',
      NewExternalPort: this.#granted[transport] ?? this.#wanted,
      NewProtocol: transport.toUpperCase(),
      NewInternalPort: this.#port,
      NewInternalClient: this.#host,
      NewEnabled: 1,
      NewPortMappingDescription: DESCRIPTION,
      NewLeaseDuration: this.#leaseSeconds,
    });
  }

  #mapped(transport: Transport, answer: SoapAnswer, now: Instant): void {
    if (!answer.isGood) return this.#isReleasing ? this.#releaseNext() : this.#refused(transport, answer);
    const given = Number(answer.value('NewReservedPort') ?? this.#granted[transport] ?? this.#wanted);
    if (!(given >= 1 && given <= 65_535)) return this.#fail('it gives no port');
    this.#granted[transport] = given;
    this.#portsTried = 0;
    if (this.#isReleasing) return this.#releaseNext();
    if (transport === 'tcp') {
      // One number for both is what others expect.
      this.#wanted = given;
      this.#step = 'udp';
      return this.#map('udp');
    }
    const { tcp = given } = this.#granted;
    const last = this.#verdict.state === 'mapped' ? this.#verdict.external : undefined;
    if (last?.tcpPort !== tcp || last.udpPort !== given) {
      this.#verdict = { state: 'mapped', external: { host: this.#externalHost, tcpPort: tcp, udpPort: given } };
    }
    this.#step = 'renew';
    // A permanent mapping is written anew as often: the device may have been restarted.
    this.#nextAt = later(now, halfLifeMs(LEASE_SECONDS));
  }

  #refused(transport: Transport, { code, text }: Extract<SoapAnswer, { isGood: false }>): void {
    if (UNKNOWN_ACTION.has(code) && this.#action === 'AddAnyPortMapping') {
      this.#mayPickAny = false;
      return this.#map(transport);
    }
    if ((code === ONLY_PERMANENT || code === ACTION_FAILED) && this.#leaseSeconds !== 0) {
      this.#leaseSeconds = 0;
      return this.#map(transport);
    }
    if (CONFLICT.has(code) && ++this.#portsTried < PORTS_MAX) {
      delete this.#granted[transport];
      this.#wanted = OTHER_PORT_MIN + randomBelow(this.#random, 65_536 - OTHER_PORT_MIN);
      return this.#map(transport);
    }
    this.#fail(CONFLICT.has(code) ? 'every port that was tried is taken' : text);
  }

  /** Takes our mappings away one after the other, whatever the device says to it. */
  #releaseNext(): void {
    this.#step = 'release';
    const transport = this.#granted.tcp !== undefined ? 'tcp' : this.#granted.udp !== undefined ? 'udp' : undefined;
    if (!transport) {
      this.#verdict = { state: 'released' };
      return;
    }
    const port = this.#granted[transport]!;
    delete this.#granted[transport];
    this.#call('DeletePortMapping', {
      NewRemoteHost: '',
      NewExternalPort: port,
      NewProtocol: transport.toUpperCase(),
    });
  }

  #call(action: string, parameters: Readonly<Record<string, string | number>> = {}): void {
    this.#action = action;
    this.#request(soapRequest(this.#services[0]!, action, parameters));
  }

  #request(request: Extract<MappingEffect, { type: 'request' }>['request']): void {
    this.#effects.push({ type: 'request', id: ++this.#requestId, request });
  }

  #fail(because: string): void {
    this.#verdict = { state: 'failed', because };
    this.#nextAt = undefined;
  }
}
