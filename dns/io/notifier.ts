/**
 * Tells secondaries that the zone changed (RFC 1996): each is told until it answers or until it was told often enough;
 * whoever misses it asks by itself, as often as the zone says.
 */
import { randomInt } from 'node:crypto';
import { type BindOptions, createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { type Address, formatAddress, type WallSeconds, wallSeconds } from '../../src/base/index.ts';
import { type AnswerTable, encodeNotify, isNotifyReply, type Tsig } from '../index.ts';

const TRIES = 4;
const RETRY_MS = 3000;
const IDS = 2 ** 16;

/** How a socket is bound that speaks to a host; undefined while it may not be spoken to. */
export type BindingTowards = (host: string) => BindOptions | undefined;

export class Notifier {
  readonly #secondaries: readonly Address[];
  readonly #bindingTowards: BindingTowards;
  readonly #tsig: Tsig | undefined;
  /** One socket for each secondary that was told and did not answer yet. */
  readonly #told = new Map<string, { socket: Socket; timer: NodeJS.Timeout }>();

  constructor(secondaries: readonly Address[], tsig: Tsig | undefined, bindingTowards: BindingTowards) {
    this.#secondaries = secondaries;
    this.#bindingTowards = bindingTowards;
    this.#tsig = tsig;
  }

  tell(table: AnswerTable): void {
    for (const secondary of this.#secondaries) this.#tellOne(secondary, table);
  }

  close(): void {
    for (const key of [...this.#told.keys()]) this.#end(key);
  }

  #tellOne(secondary: Address, table: AnswerTable): void {
    const key = formatAddress(secondary);
    this.#end(key);
    const binding = this.#bindingTowards(secondary.host);
    if (!binding) return;
    const id = randomInt(IDS);
    const plain = encodeNotify(id, table);
    const message = this.#tsig?.sign(plain, undefined, wallNow()).bytes ?? plain;
    const socket = createSocket(isIPv6(secondary.host) ? 'udp6' : 'udp4');
    let tries = 0;
    const send = (): void => {
      if (++tries > TRIES) this.#end(key);
      else socket.send(message, secondary.port, secondary.host, () => undefined);
    };
    socket.on('message', (bytes) => {
      if (isNotifyReply(bytes, id)) this.#end(key);
    });
    // A secondary that cannot be reached asks when it can.
    socket.on('error', () => this.#end(key));
    this.#told.set(key, { socket, timer: setInterval(send, RETRY_MS).unref() });
    socket.bind(binding, send);
  }

  #end(key: string): void {
    const told = this.#told.get(key);
    if (!told) return;
    this.#told.delete(key);
    clearInterval(told.timer);
    told.socket.close();
  }
}

function wallNow(): WallSeconds {
  return wallSeconds(Date.now() / 1000);
}
