/**
 * The authoritative responder: UDP and TCP sockets on one port of every place, the zone that is rebuilt as supernodes come and go, and
 * the secondaries that are told. Every byte passes `readQuery` first; nothing is kept of a query once it is answered.
 */
import { randomBytes } from 'node:crypto';
import { type Address, instant, MonsoonError, wallSeconds } from '../../src/base/index.ts';
import {
  AnswerBudget,
  Authority,
  Cookies,
  type Moment,
  type Tsig,
  wireName,
  type Zone,
  type ZoneContent,
} from '../index.ts';
import { Fronts, type Where } from './fronts.ts';
import { LiveZone, type Serials, ZONE_AGE_MAX_MS } from './live-zone.ts';
import { type BindingTowards, Notifier } from './notifier.ts';
import { TcpFront } from './tcp-front.ts';
import { serveUdp } from './udp-front.ts';

/** Every name we put below the zone must fit 255 bytes. */
const ORIGIN_BYTES_MAX = 200;
const COOKIE_SECRET_BYTES = 16;

export interface ResponderOptions extends Where {
  /** The name to answer for, such as `sn.example.org`. */
  readonly zone: string;
  readonly ttlSeconds: number;
  /** Answers a second to one /24 or /48 without a cookie; 0 means any number. */
  readonly answersPerSecond: number;
  /** Everybody who may be named now; asked at most every 5 s. */
  readonly content: () => ZoneContent;
  readonly serials: Serials;
  /** Name servers that may fetch the zone, and where they are told of changes. */
  readonly secondaries: readonly Address[];
  readonly tsig: Tsig | undefined;
  readonly bindingTowards: BindingTowards;
}
export interface Responder {
  readonly port: number;
  /** What is answered now. */
  zone(): Zone;
  close(): Promise<void>;
}

/** Binds and answers; rejects with a MonsoonError when the zone is no name or the port cannot be had. */
export async function openResponder(options: ResponderOptions): Promise<Responder> {
  const origin = originOf(options.zone);
  const zone = new LiveZone({ ...options, origin });
  const authority = new Authority({
    budget: new AnswerBudget(options.answersPerSecond),
    cookies: new Cookies(randomBytes(COOKIE_SECRET_BYTES)),
    secondaries: new Set(options.secondaries.map(({ host }) => host)),
    tsig: options.tsig,
  });
  const notifier = new Notifier(options.secondaries, options.tsig, options.bindingTowards);
  let served: number | undefined;
  const refresh = (): Moment => {
    const now = instant(performance.now());
    const table = zone.table(now);
    const isNews = table.zone.serial !== served;
    served = table.zone.serial;
    authority.table = table;
    if (isNews) notifier.tell(table);
    return { now, wallNow: wallSeconds(Date.now() / 1000) };
  };
  const connections = new TcpFront((bytes, ip) => authority.answerStream(bytes, ip, refresh()));
  const fronts = await Fronts.open(options, ({ udp, exchange, tcp }) => {
    serveUdp(udp, exchange, (bytes, ip, reply) => authority.answerDatagram(bytes, ip, refresh(), reply));
    connections.serve(tcp);
  });
  refresh();
  // Who is to be told of changes cannot wait for a query to find them.
  const watch = options.secondaries.length > 0 ? setInterval(refresh, ZONE_AGE_MAX_MS).unref() : undefined;
  return {
    get port() {
      return fronts.port;
    },
    zone() {
      refresh();
      return authority.table.zone;
    },
    async close() {
      clearInterval(watch);
      notifier.close();
      await fronts.close();
      await connections.closeAll();
      await options.serials.close();
    },
  };
}

/** The zone's name as records have it; throws a MonsoonError when it is none. */
function originOf(zone: string): string {
  const wire = wireName(zone);
  if (wire === undefined || wire.length > ORIGIN_BYTES_MAX) {
    throw new MonsoonError('config', `--zone ${zone} is not a domain name: use one such as sn.example.org.`);
  }
  return zone.toLowerCase().replace(/\.$/, '');
}
