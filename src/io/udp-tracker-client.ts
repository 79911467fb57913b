/**
 * Hosts the exchange with UDP trackers on the node's UDP port: resolves names, and asks nobody whom the address rule
 * refuses, which it is asked again for every address behind a name.
 */
import { randomInt } from 'node:crypto';
import { type Address, type Fault, fault, isFault } from '../base/index.ts';
import { type AnnounceFacts, type TrackerReply, UdpExchange } from '../torrent/index.ts';
import { type AlarmClock, now } from './alarm-clock.ts';
import { lookUpHosts } from './dns-lookup.ts';
import type { MayDial } from './http-client.ts';
import type { UdpPort } from './udp-port.ts';

const RANDOM_STEPS = 2 ** 32;

/** A reply, and the host that gave it. */
type Answer = TrackerReply & { readonly trackerHost: string };

/** Talks to UDP trackers. */
export class UdpTrackerClient {
  readonly #udp: UdpPort;
  readonly #mayDial: MayDial;
  readonly #alarms: AlarmClock;
  readonly #exchange: UdpExchange;
  /** Bounded by the announces that the exchange takes. */
  readonly #waiting = new Map<number, (result: TrackerReply | Fault) => void>();
  #calls = 0;

  constructor(udp: UdpPort, mayDial: MayDial, alarms: AlarmClock) {
    this.#udp = udp;
    this.#mayDial = mayDial;
    this.#alarms = alarms;
    this.#exchange = new UdpExchange(unguessable);
    udp.read('tracker-reply', (bytes, from) => {
      this.#exchange.input({ type: 'heard', from, bytes }, now());
      this.#pump();
    });
  }

  /** Announces once; every failure is a fault with a text for the user. */
  async announce(tracker: URL, facts: AnnounceFacts, timeoutMs: number): Promise<Answer | Fault> {
    const address = await this.#addressOf(tracker);
    if (isFault(address)) return address;
    const call = this.#calls++;
    const { pathname, search } = tracker;
    const urlData = pathname + search === '/' ? '' : pathname + search;
    const { promise, resolve } = Promise.withResolvers<TrackerReply | Fault>();
    this.#waiting.set(call, resolve);
    const timer = setTimeout(() => {
      this.#exchange.input({ type: 'forget', call }, now());
      this.#settle(call, fault('tracker-silent', `${tracker.host} did not answer in ${timeoutMs} ms`));
    }, timeoutMs);
    // A node that stopped waits for nobody.
    timer.unref();
    this.#exchange.input({ type: 'ask', call, tracker: address, urlData, facts }, now());
    this.#pump();
    const result = await promise;
    clearTimeout(timer);
    return isFault(result) ? result : { ...result, trackerHost: address.host };
  }

  /** Where a tracker is: the first of its addresses that we may and can ask, IPv4 before IPv6. */
  async #addressOf({ hostname, port }: URL): Promise<Address | Fault> {
    const name = hostname.replace(/^\[|\]$/g, '');
    if (port === '') return fault('tracker-unsupported', `${hostname}: a UDP tracker needs a port`);
    const hosts = await lookUpHosts(name, this.#udp.network);
    if (hosts.length === 0) return fault('tracker-unreachable', `${name} does not resolve`);
    const allowed = hosts.filter((host) => this.#mayDial(host, Number(port)));
    if (allowed.length === 0) return fault('tracker-forbidden', `${name} port ${port} is not an address to ask`);
    const host = allowed.toSorted(familyOrder).find((candidate) => this.#udp.hasFamilyOf(candidate));
    return host === undefined
      ? fault('tracker-unreachable', `${name} has no address of a family that we have`)
      : { host, port: Number(port) };
  }

  #pump(): void {
    for (const effect of this.#exchange.effects()) {
      if (effect.type === 'send') this.#udp.send(effect.bytes, effect.to);
      else this.#settle(effect.call, effect.result);
    }
    this.#alarms.set(this.#wake, this.#exchange.deadline?.at);
  }

  readonly #wake = (): void => {
    this.#exchange.input({ type: 'tick' }, now());
    this.#pump();
  };

  #settle(call: number, result: TrackerReply | Fault): void {
    this.#waiting.get(call)?.(result);
    this.#waiting.delete(call);
  }
}

/** Whoever guesses a transaction could answer for a tracker. */
function unguessable(): number {
  return randomInt(RANDOM_STEPS) / RANDOM_STEPS;
}

function familyOrder(a: string, b: string): number {
  return Number(a.includes(':')) - Number(b.includes(':'));
}
