/** Gateways that answer a port-mapping machine in memory, each one protocol, with the faults that a test switches on. */
import {
  bytesOfHex,
  type Instant,
  instant,
  latin1,
  readUint16,
  readUint32,
  utf8,
  writeUint32,
} from '../../src/base/index.ts';
import type { GatewayRequest, MappingEffect } from '../../src/lan/index.ts';
import { PortMapping, type PortMappingFact } from '../../src/lan/index.ts';

export const GATEWAY = { host: '192.168.1.1', ownHost: '192.168.1.7' };
export const PORT = 7373;
const OUTSIDE = [5, 6, 7, 8];
const DEVICE = 'urn:schemas-upnp-org:device:InternetGatewayDevice:1';

export interface FakeGateway {
  /** What follows from an effect, now. */
  answer(effect: MappingEffect, now: Instant): PortMappingFact[];
  /** Mapped external ports with the time they run out, by `tcp 7373`. */
  readonly mapped: Map<string, number>;
}

/** PCP (version 2) or NAT-PMP (version 0). */
export class DatagramGateway implements FakeGateway {
  readonly mapped: Map<string, number> = new Map();
  /** External ports that somebody else has. */
  readonly taken: Set<number> = new Set();
  result = 0;
  isSilent = false;
  startedAt: Instant = instant(0);
  readonly #version: 0 | 2;

  constructor(version: 0 | 2) {
    this.#version = version;
  }

  /** Forgets everything. */
  restart(now: Instant): void {
    this.mapped.clear();
    this.startedAt = now;
  }

  /** What it sends to everybody after a start. */
  notice(now: Instant): PortMappingFact {
    const bytes = this.#version === 2 ? new Uint8Array(24) : new Uint8Array(12);
    bytes.set([this.#version, 0x80]);
    writeUint32(bytes, this.#version === 2 ? 8 : 4, this.#epoch(now));
    if (this.#version === 0) bytes.set(OUTSIDE, 8);
    return { type: 'datagram', bytes };
  }

  answer(effect: MappingEffect, now: Instant): PortMappingFact[] {
    if (effect.type !== 'send' || this.isSilent) return [];
    const asked = effect.bytes;
    const bytes = asked[0] !== this.#version ? this.#otherVersion() : this.#reply(asked, now);
    return [{ type: 'datagram', bytes }];
  }

  #otherVersion(): Uint8Array {
    return Uint8Array.of(this.#version, 0x80, 0, 1, 0, 0, 0, 0);
  }

  #reply(asked: Uint8Array, now: Instant): Uint8Array {
    const isPcp = this.#version === 2;
    if (!isPcp && asked.length === 2) return (this.notice(now) as { bytes: Uint8Array }).bytes;
    const reply = new Uint8Array(isPcp ? 60 : 16);
    reply.set([this.#version, 0x80 | asked[1]!]);
    reply[3] = this.result;
    const transport = asked[isPcp ? 36 : 1] === (isPcp ? 6 : 2) ? 'tcp' : 'udp';
    const lifetime = readUint32(asked, isPcp ? 4 : 8);
    let outside = readUint16(asked, isPcp ? 42 : 6);
    while (this.taken.has(outside)) outside++;
    if (this.result === 0) this.#map(`${transport} ${outside}`, lifetime, now);
    writeUint32(reply, isPcp ? 8 : 4, this.#epoch(now));
    if (isPcp) {
      reply.set(asked.subarray(24, 60), 24);
      reply.set([...bytesOfHex('00000000000000000000ffff')!, ...OUTSIDE], 44);
    } else reply.set(asked.subarray(4, 6), 8);
    reply.set([outside >>> 8, outside & 255], isPcp ? 42 : 10);
    writeUint32(reply, isPcp ? 4 : 12, lifetime);
    return reply;
  }

  /** A goodbye names no external port: it takes away what was mapped for the transport. */
  #map(key: string, lifetime: number, now: Instant): void {
    if (lifetime > 0) this.mapped.set(key, now + lifetime * 1000);
    else for (const known of this.mapped.keys()) if (known.startsWith(key.slice(0, 3))) this.mapped.delete(known);
  }

  #epoch(now: Instant): number {
    return Math.floor((now - this.startedAt) / 1000);
  }
}

/** UPnP-IGD. */
export class IgdGateway implements FakeGateway {
  readonly mapped: Map<string, number> = new Map();
  readonly taken: Set<number> = new Set();
  readonly asked: GatewayRequest[] = [];
  location: string = `http://${GATEWAY.host}:5000/root.xml`;
  /** Errors that an action answers with. */
  readonly errors: Map<string, number> = new Map();
  isPermanentOnly = false;
  externalHost = '5.6.7.8';
  readonly #version: 1 | 2;

  constructor(version: 1 | 2) {
    this.#version = version;
  }

  answer(effect: MappingEffect, now: Instant): PortMappingFact[] {
    if (effect.type === 'search') {
      return [{ type: 'found', bytes: utf8(`HTTP/1.1 200 OK\r\nST: ${DEVICE}\r\nLOCATION: ${this.location}\r\n\r\n`) }];
    }
    if (effect.type !== 'request') return [];
    this.asked.push(effect.request);
    const [status, body] = this.#reply(effect.request, now);
    return [{ type: 'reply', id: effect.id, status, body: utf8(body) }];
  }

  #reply({ soap, path }: GatewayRequest, now: Instant): [number, string] {
    if (!soap) {
      const type = `urn:schemas-upnp-org:service:WANIPConnection:${this.#version}`;
      const service = `<service><serviceType>${type}</serviceType><controlURL>/ctl</controlURL></service>`;
      return path === '/root.xml' ? [200, `<root>${service}</root>`] : [404, ''];
    }
    const action = /#(\w+)/.exec(soap.action)![1]!;
    const text = latin1(soap.body);
    const value = (name: string): string => new RegExp(`<${name}>([^<]*)<`).exec(text)?.[1] ?? '';
    const error = this.errors.get(action) ?? this.#errorOf(action, value);
    if (error !== undefined) return [500, `<E><Fault><errorCode>${error}</errorCode></Fault></E>`];
    let port = Number(value('NewExternalPort'));
    if (action === 'AddAnyPortMapping') while (this.taken.has(port)) port++;
    const key = `${value('NewProtocol').toLowerCase()} ${port}`;
    if (action.startsWith('Add')) this.mapped.set(key, now + (Number(value('NewLeaseDuration')) || 1e9) * 1000);
    if (action === 'DeletePortMapping') this.mapped.delete(key);
    const inner = `<NewExternalIPAddress>${this.externalHost}</NewExternalIPAddress><NewReservedPort>${port}</NewReservedPort>`;
    return [200, `<E><${action}Response>${action === 'AddPortMapping' ? '' : inner}</${action}Response></E>`];
  }

  #errorOf(action: string, value: (name: string) => string): number | undefined {
    if (action === 'AddAnyPortMapping' && this.#version === 1) return 401;
    if (this.isPermanentOnly && action.startsWith('Add') && value('NewLeaseDuration') !== '0') return 725;
    return action === 'AddPortMapping' && this.taken.has(Number(value('NewExternalPort'))) ? 718 : undefined;
  }
}

/** A machine with what answers it, and a clock that runs from deadline to deadline. */
export class Bench {
  now: Instant = instant(1_000_000);
  readonly machine: PortMapping;
  gateway: FakeGateway | undefined;
  readonly sent: MappingEffect[] = [];

  constructor(gateway: FakeGateway | undefined, protocols: readonly ('pcp' | 'nat-pmp' | 'upnp')[]) {
    this.gateway = gateway;
    this.machine = new PortMapping({ port: PORT, protocols, nonce: new Uint8Array(12).fill(9), random: () => 0.5 });
  }

  feed(fact: PortMappingFact): void {
    const facts = [fact];
    for (let next = facts.shift(); next; next = facts.shift()) {
      this.machine.input(next, this.now);
      for (const effect of this.machine.effects()) {
        this.sent.push(effect);
        facts.push(...(this.gateway?.answer(effect, this.now) ?? []));
      }
    }
  }

  begin(): this {
    this.feed({ type: 'gateway', gateway: GATEWAY });
    return this;
  }

  /** Lets time pass, waking the machine whenever it wants to be. */
  pass(ms: number): void {
    const end = this.now + ms;
    for (let at = this.machine.deadline?.at; at !== undefined && at <= end; at = this.machine.deadline?.at) {
      this.now = instant(Math.max(at, this.now));
      this.feed({ type: 'tick' });
    }
    this.now = instant(end);
  }
}
