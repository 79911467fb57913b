/**
 * The authoritative responder: UDP and TCP sockets on one port, and the zone that is rebuilt as supernodes come and
 * go. Every byte passes `parseQuery` first; nothing is kept of a query once it is answered.
 */
import { createSocket, type RemoteInfo, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, isIPv6, type Server } from 'node:net';
import { assert, type Instant, instant, MonsoonError, wallSeconds } from '../../src/base/index.ts';
import {
  AnswerBudget,
  answerQuery,
  buildZone,
  type CompiledZone,
  compileZone,
  contentKey,
  encodeTruncated,
  nextSerial,
  parseQuery,
  type Query,
  TCP_BYTES_MAX,
  udpLimitOf,
  wireName,
  type ZoneContent,
} from '../index.ts';
import { encodeRecord } from './codec.ts';
import { serveTcp } from './tcp-front.ts';

/** How long one sample of supernodes is served. */
const ZONE_AGE_MAX_MS = 5000;
/** Every name we put below the zone must fit 255 bytes. */
const ORIGIN_BYTES_MAX = 200;
/** Tries at a free port that is free for UDP and TCP alike. */
const PORT_TRIES = 10;

export interface ResponderOptions {
  /** The name to answer for, such as `sn.example.org`. */
  readonly zone: string;
  /** 0 picks a port that is free for UDP and TCP. */
  readonly port: number;
  /** The address to listen on; `::` means every one. */
  readonly bind: string;
  /** What is known now; asked at most every 5 s. */
  readonly records: () => ZoneContent;
}
export interface Responder {
  readonly port: number;
  close(): Promise<void>;
}

/** Binds and answers; rejects with a MonsoonError when the zone is no name or the port cannot be had. */
export async function openResponder(options: ResponderOptions): Promise<Responder> {
  const origin = wireName(options.zone);
  if (origin === undefined || origin.length > ORIGIN_BYTES_MAX) {
    throw new MonsoonError('config', `--zone ${options.zone} is not a domain name: use one such as sn.example.org.`);
  }
  const zone = new LiveZone(options.zone.toLowerCase().replace(/\.$/, ''), options.records);
  const { udp, tcp, port } = await bindBoth(options);
  const budget = new AnswerBudget();
  udp.on('message', (bytes, source) => {
    const reply = source.port > 0 ? udpReply(zone, budget, bytes, source) : undefined;
    if (reply) udp.send(reply, source.port, source.address, ignoreLoss);
  });
  const connections = serveTcp(tcp, (bytes) =>
    replyTo(bytes, (query) => answerQuery(zone.now(), query, TCP_BYTES_MAX)),
  );
  return {
    port,
    async close() {
      const closed = Promise.all([once(udp, 'close'), once(tcp, 'close')]);
      udp.close();
      tcp.close();
      await connections.closeAll();
      await closed;
    },
  };
}

/** The zone as of the last few seconds. */
class LiveZone {
  readonly #origin: string;
  readonly #records: () => ZoneContent;
  #compiled: CompiledZone | undefined;
  #builtAt: Instant = instant(Number.NEGATIVE_INFINITY);
  #serial = 0;
  #key = '';

  constructor(origin: string, records: () => ZoneContent) {
    this.#origin = origin;
    this.#records = records;
  }

  /** Rebuilt on demand, so that an idle responder costs nothing and a busy one builds once for many answers. */
  now(): CompiledZone {
    const now = monotonicNow();
    if (!this.#compiled || now - this.#builtAt > ZONE_AGE_MAX_MS) {
      const content = this.#records();
      const key = contentKey(content);
      if (key !== this.#key) this.#serial = nextSerial(this.#serial, wallSeconds(Date.now() / 1000));
      this.#key = key;
      this.#compiled = compileZone(buildZone(this.#origin, content, this.#serial, Math.random), encodeRecord);
      this.#builtAt = now;
    }
    return this.#compiled;
  }
}

function udpReply(zone: LiveZone, budget: AnswerBudget, bytes: Buffer, source: RemoteInfo): Uint8Array | undefined {
  const verdict = budget.decide(source.address, monotonicNow());
  if (verdict === 'drop') return undefined;
  return replyTo(bytes, (query) =>
    verdict === 'truncate' ? encodeTruncated(query) : answerQuery(zone.now(), query, udpLimitOf(query)),
  );
}

function replyTo(bytes: Uint8Array, answer: (query: Query) => Uint8Array): Uint8Array | undefined {
  const query = parseQuery(bytes);
  if (!('drop' in query)) return answer(query);
  return query.drop ? undefined : query.reply;
}

async function bindBoth(options: ResponderOptions): Promise<{ udp: UdpSocket; tcp: Server; port: number }> {
  for (let attempt = 1; ; attempt++) {
    const tcp = createServer();
    const udp = createSocket({ type: isIPv6(options.bind) ? 'udp6' : 'udp4' });
    try {
      tcp.listen({ port: options.port, host: options.bind });
      await once(tcp, 'listening');
      const bound = tcp.address();
      assert(bound !== null && typeof bound === 'object', 'a listening TCP server has a port');
      udp.bind({ port: bound.port, address: options.bind });
      await once(udp, 'listening');
      udp.on('error', ignoreLoss);
      tcp.on('error', ignoreLoss);
      return { udp, tcp, port: bound.port };
    } catch (cause) {
      tcp.close();
      udp.close();
      const isTaken = (cause as NodeJS.ErrnoException).code === 'EADDRINUSE';
      if (options.port !== 0 || !isTaken || attempt === PORT_TRIES) throw bindFailure(options, cause);
    }
  }
}

function bindFailure({ port, bind }: ResponderOptions, cause: unknown): MonsoonError {
  const { code, message } = cause as NodeJS.ErrnoException;
  if (code === 'EACCES') {
    const text = `DNS may not use port ${port}: choose --dns-port above 1023, or run setcap cap_net_bind_service=+ep ${process.execPath}.`;
    return new MonsoonError('permission', text, cause);
  }
  if (code === 'EADDRINUSE') {
    const text = `DNS cannot use port ${port} of ${bind}, another program has it: stop that, or choose another --dns-port.`;
    return new MonsoonError('port-taken', text, cause);
  }
  return new MonsoonError('config', `DNS cannot listen on port ${port} of ${bind}: ${message}.`, cause);
}

/** A datagram or connection that fails is the asker's loss: resolvers ask again. */
function ignoreLoss(): void {}

function monotonicNow(): Instant {
  return instant(performance.now());
}
