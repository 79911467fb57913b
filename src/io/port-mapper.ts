/**
 * Hosts the port mapping: finds the gateway, carries the machine's bytes to it and nowhere else, and gives it back what
 * the gateway itself sent.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { fault, formatAddress, isFault, type Random, reachOf } from '../base/index.ts';
import {
  type Gateway,
  type GatewayRequest,
  type MappingEffect,
  type MappingProtocol,
  PortMapping,
  type PortMappingFact,
  type PortMappingState,
} from '../lan/index.ts';
import { type AlarmClock, now } from './alarm-clock.ts';
import type { BoundNetwork } from './bound-network.ts';
import { findGateway } from './default-gateway.ts';
import { HttpClient } from './http-client.ts';

const GATEWAY_PORT = 5351;
/** Where gateways say that they were restarted (RFC 6886, 3.2.1; RFC 6887, 14.1.3). */
const NOTICE_PORT = 5350;
const NOTICE_HOST = '0.0.0.0';
const SEARCH = { host: '239.255.255.250', port: 1900, hops: 2 };
const REQUEST_MS = 4000;
const REPLY_BYTES_MAX = 65_536;
/** Reading the routes costs a file on Linux and a process elsewhere. */
const LOOK_MS = process.platform === 'linux' ? 15_000 : 300_000;

export interface PortMapperSettings {
  readonly network: BoundNetwork;
  readonly port: number;
  readonly protocols: readonly MappingProtocol[];
  readonly nonce: Uint8Array;
  readonly random: Random;
  readonly alarms: AlarmClock;
  readonly log: (text: string) => void;
  /** Called when `state` is another. */
  readonly changed: () => void;
}

/** Keeps the node's port mapped while it runs. */
export class PortMapper {
  readonly #settings: PortMapperSettings;
  readonly #machine: PortMapping;
  readonly #http: HttpClient;
  readonly #wake = (): void => this.#input({ type: 'tick' });
  readonly #ended = Promise.withResolvers<void>();
  #gateway: Gateway | undefined;
  /** Of the network when the sockets were opened. */
  #signature: string | undefined;
  /** To the gateway, and for its notices. */
  #sockets: Socket[] = [];
  #look: NodeJS.Timeout | undefined;
  #state: PortMappingState;
  #isClosing = false;

  constructor(settings: PortMapperSettings) {
    this.#settings = settings;
    this.#machine = new PortMapping(settings);
    this.#state = this.#machine.state;
    this.#http = new HttpClient({
      network: settings.network,
      mayDial: (ip) => ip === this.#gateway?.host,
      tls: undefined,
    });
  }

  get state(): PortMappingState {
    return this.#state;
  }

  /** Begins, and follows the machine from network to network. */
  start(): void {
    this.#settings.network.watch(() => void this.#lookForGateway());
    void this.#lookForGateway();
  }

  /** Takes the mapping away; resolves when the gateway has heard it, or after 2 s. */
  async close(): Promise<void> {
    this.#isClosing = true;
    clearTimeout(this.#look);
    this.#input({ type: 'end' });
    await this.#ended.promise;
    this.#closeSockets();
    await this.#http.close();
  }

  async #lookForGateway(): Promise<void> {
    clearTimeout(this.#look);
    const gateway = await findGateway(this.#settings.network);
    if (this.#isClosing) return;
    clearTimeout(this.#look);
    this.#look = setTimeout(() => void this.#lookForGateway(), LOOK_MS);
    this.#look.unref();
    // A public address needs no mapping, and who gave it to us is nobody's home router.
    const useful = gateway && reachOf(gateway.ownHost) !== 'public' ? gateway : undefined;
    const { signature } = this.#settings.network;
    const isSame = useful?.host === this.#gateway?.host && useful?.ownHost === this.#gateway?.ownHost;
    if (!isSame || signature !== this.#signature) {
      this.#signature = signature;
      this.#closeSockets();
      this.#gateway = useful;
      if (useful) await this.#openSockets(useful);
    }
    if (!this.#isClosing) this.#input({ type: 'gateway', gateway: this.#gateway });
  }

  async #openSockets({ host, ownHost }: Gateway): Promise<void> {
    const asking = createSocket('udp4');
    const hearing = createSocket({ type: 'udp4', reuseAddr: true });
    this.#sockets = [asking, hearing];
    for (const socket of this.#sockets) {
      // Loss is what every protocol here expects; without the notices renewal is all there is.
      socket.on('error', () => {});
      socket.on('message', (bytes, from) => this.#receive(bytes, from, host));
    }
    const isListening = once(asking, 'listening').catch(() => {});
    const { network } = this.#settings;
    const binding = network.sharedBinding(ownHost, 0);
    const noticeBinding = network.sharedBinding(NOTICE_HOST, NOTICE_PORT);
    // The interface went meanwhile, or the system does not hold sockets to it: the next look tries again.
    if (!binding || !noticeBinding) {
      this.#closeSockets();
      this.#gateway = undefined;
      return;
    }
    asking.bind(binding);
    hearing.bind(noticeBinding);
    await isListening;
    try {
      asking.setMulticastInterface(ownHost);
      asking.setMulticastTTL(SEARCH.hops);
    } catch (error) {
      this.#settings.log(`no search for gateways: ${(error as Error).message}`);
    }
  }

  #closeSockets(): void {
    for (const socket of this.#sockets) socket.close();
    this.#sockets = [];
  }

  #receive(bytes: Uint8Array, { address, port }: RemoteInfo, gateway: string): void {
    if (address !== gateway) return;
    this.#input({ type: port === GATEWAY_PORT ? 'datagram' : 'found', bytes });
  }

  #input(fact: PortMappingFact): void {
    this.#machine.input(fact, now());
    for (const effect of this.#machine.effects()) this.#perform(effect);
    const { state, deadline } = this.#machine;
    this.#settings.alarms.set(this.#wake, deadline?.at);
    if (state.state === 'ended') this.#ended.resolve();
    if (state === this.#state) return;
    this.#state = state;
    this.#settings.changed();
  }

  #perform(effect: MappingEffect): void {
    const [asking] = this.#sockets;
    switch (effect.type) {
      case 'send':
        return asking?.send(effect.bytes, GATEWAY_PORT, this.#gateway?.host, () => {});
      case 'search':
        return asking?.send(effect.bytes, SEARCH.port, SEARCH.host, () => {});
      case 'request':
        void this.#ask(effect.id, effect.request);
    }
  }

  async #ask(id: number, { port, path, soap }: GatewayRequest): Promise<void> {
    const gateway = this.#gateway;
    const reply = gateway
      ? await this.#http.request({
          origin: `http://${formatAddress({ host: gateway.host, port })}`,
          path,
          ...(soap
            ? {
                method: 'POST',
                headers: { 'content-type': 'text/xml; charset="utf-8"', soapaction: soap.action },
                body: soap.body,
              }
            : { method: 'GET' }),
          timeoutMs: REQUEST_MS,
          bytesMax: REPLY_BYTES_MAX,
        })
      : fault('http-aborted', 'the gateway is gone');
    if (isFault(reply)) this.#settings.log(`the gateway does not answer: ${reply.text}`);
    const { status, body } = isFault(reply) ? { status: 0, body: new Uint8Array(0) } : reply;
    this.#input({ type: 'reply', id, status, body });
  }
}
