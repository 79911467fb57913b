/**
 * HTTP requests to other nodes and trackers. A reply is bytes within a bound and a time, or a fault; redirects come
 * back to the caller, and nothing is inflated, because both would let the other side choose what we do next.
 * Every address is shown to `mayDial` after name resolution. Refuses to know what is asked, and of whom.
 */
import type { LookupAddress } from 'node:dns';
import { isIP, isIPv6, type Socket } from 'node:net';
// Not from its index, which loads a browser's fetch, sockets and caches as well: 40 ms and 5 MiB of every start.
import request from 'undici/lib/api/api-request.js';
import buildConnector from 'undici/lib/core/connect.js';
import errors from 'undici/lib/core/errors.js';
import Agent from 'undici/lib/dispatcher/agent.js';
import Pool from 'undici/lib/dispatcher/pool.js';
import { type Address, type Fault, fault, formatAddress, isFault, type NodeId, nodeOfUrl } from '../base/index.ts';
import type { BoundNetwork } from './bound-network.ts';
import { lookUpHosts } from './dns-lookup.ts';
import type { NodeTls } from './tls-context.ts';
import { connectTls, type TlsFault } from './tls-dial.ts';

// As its index does.
Object.assign(Agent.prototype, { request });

/** Decides whether a connection to an IP literal and port may be opened (SAFETY rule 2). */
export type MayDial = (ip: string, port: number) => boolean;

export interface HttpRequest {
  /** `http://host:port`, `https://host:port`, or `https://NODEID@host:port` for a node. */
  readonly origin: string;
  readonly method: 'GET' | 'POST';
  /** Path with query, percent-encoded already; sent as it is. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** From the call to the last byte of the reply, name resolution included. */
  readonly timeoutMs: number;
  /** Most body bytes of the reply. */
  readonly bytesMax: number;
  /** Ends the request early. */
  readonly signal?: AbortSignal;
}

export interface HttpReply {
  readonly status: number;
  /** Names in lower case; the values of a repeated one joined by `, `. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export type HttpFault = Fault<
  'http-timeout' | 'http-unreachable' | 'http-wrong-node' | 'http-forbidden' | 'http-too-large' | 'http-aborted'
>;

const CONNECTIONS_PER_ORIGIN_MAX = 8;
const ORIGINS_MAX = 1000;
const CONNECT_TIMEOUT_MS = 10_000;
/** How often it is looked whether anybody waits still for a connection to a node: without, it would hold an origin for long. */
const AWAITED_MS = 2000;
const KEEP_ALIVE_MS = 4000;
/** Of connections to nodes, if they say that they keep them as long: a handshake with both keys costs more than to wait. */
const NODE_KEEP_ALIVE_MS = 75_000;
/** Addresses of one name that are tried, one after the other. */
const HOSTS_TRIED_MAX = 3;
const CONNECTOR = { timeout: CONNECT_TIMEOUT_MS, allowH2: false, maxCachedSessions: 0 };
const HEADER_BYTES_MAX = 16 * 1024;

export interface HttpSettings {
  readonly network: BoundNetwork;
  readonly mayDial: MayDial;
  /** What nodes are spoken to with; undefined speaks to them in clear (tests). */
  readonly tls: NodeTls | undefined;
  /** How long a TLS connection to a node stays open after an answer that does not say; KEEP_ALIVE_MS unless given. */
  readonly nodeIdleMs?: number;
}

/** A GET whose answer is handed on as it comes. */
export type HttpStreamRequest = Pick<HttpRequest, 'origin' | 'path' | 'headers' | 'signal'> & {
  /** Longest silence of the other side, before its answer and within it. */
  readonly silenceMs: number;
};

/** An answer without its body. */
export type HttpHead = Omit<HttpReply, 'body'>;

/** Takes the bytes of a body as they come; false wants no more. */
export type BodySink = (bytes: Uint8Array) => boolean;

/** One pool of connections with one address policy. */
export class HttpClient {
  readonly #settings: HttpSettings;
  readonly #agent: Agent;
  /** Connections to nodes that are being made; bounded by those of the pools. */
  readonly #connecting = new Set<Socket>();
  /** Requests under way, by origin; bounded by what callers wait for. */
  readonly #asked = new Map<string, number>();

  constructor(settings: HttpSettings) {
    this.#settings = settings;
    this.#agent = new Agent({
      connect: guardedConnector(settings.network, settings.mayDial),
      factory: (origin, options) => this.#poolFor(origin.toString(), options as Pool.Options),
      connections: CONNECTIONS_PER_ORIGIN_MAX,
      maxOrigins: ORIGINS_MAX,
      pipelining: 1,
      allowH2: false,
      maxHeaderSize: HEADER_BYTES_MAX,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MS,
    });
  }

  /** Which node answers at an address, proven by TLS; undefined while nodes are spoken to in clear. */
  async meet(address: Address): Promise<NodeId | HttpFault | undefined> {
    const { tls } = this.#settings;
    if (!tls) return undefined;
    try {
      const { socket, peer } = await this.#connectNode(address, undefined, tls, () => true);
      socket.destroy();
      return peer;
    } catch (error) {
      return faultOf(error as Error, formatAddress(address));
    }
  }

  /** Sends one request; never rejects. */
  request(request: HttpRequest): Promise<HttpReply | HttpFault> {
    return this.#awaited(request.origin, () => this.#request(request));
  }

  async #request(request: HttpRequest): Promise<HttpReply | HttpFault> {
    const deadline = AbortSignal.timeout(request.timeoutMs);
    const signal = request.signal ? AbortSignal.any([deadline, request.signal]) : deadline;
    try {
      const asked = this.#agent.request({
        origin: request.origin,
        path: request.path,
        method: request.method,
        headers: request.headers ?? {},
        body: request.body ?? null,
        // The deadline is the only clock: undici's own are per phase and would add up.
        headersTimeout: 0,
        bodyTimeout: 0,
        signal,
      });
      const reply = await untilAborted(asked, signal);
      const body = await readBody(reply.body, request.bytesMax);
      return body ? { status: reply.statusCode, headers: joinHeaders(reply.headers), body } : tooLarge(request);
    } catch (error) {
      if (request.signal?.aborted) return fault('http-aborted', 'the request was ended');
      if (deadline.aborted) return fault('http-timeout', `${request.origin} did not answer in ${request.timeoutMs} ms`);
      return faultOf(error as Error, request.origin);
    }
  }

  /**
   * Sends one GET; never rejects. The answer has no bound but its sink's.
   * @param take decides by the head who takes the body; undefined leaves it unread
   */
  stream(request: HttpStreamRequest, take: (head: HttpHead) => BodySink | undefined): Promise<HttpHead | HttpFault> {
    return this.#awaited(request.origin, () => this.#stream(request, take));
  }

  async #stream(
    request: HttpStreamRequest,
    take: (head: HttpHead) => BodySink | undefined,
  ): Promise<HttpHead | HttpFault> {
    const { origin, path, headers = {}, silenceMs, signal = null } = request;
    const timeouts = { headersTimeout: silenceMs, bodyTimeout: silenceMs };
    try {
      const asked = this.#agent.request({ origin, path, method: 'GET', headers, signal, ...timeouts });
      const reply = await (signal ? untilAborted(asked, signal) : asked);
      const head = { status: reply.statusCode, headers: joinHeaders(reply.headers) };
      const sink = take(head);
      // Leaving the loop destroys the stream, and with it the connection.
      for await (const bytes of reply.body) if (!sink?.(bytes)) break;
      return head;
    } catch (error) {
      if (signal?.aborted) return fault('http-aborted', 'the request was ended');
      if (isSilence(error)) return fault('http-timeout', `${origin} was silent for ${silenceMs} ms`);
      return faultOf(error as Error, origin);
    }
  }

  /** Ends every connection and request. */
  async close(): Promise<void> {
    for (const socket of this.#connecting) socket.destroy();
    await this.#agent.destroy();
  }

  /** Has connections to an origin made as long as somebody waits for what they are made for. */
  async #awaited<Reply>(origin: string, ask: () => Promise<Reply>): Promise<Reply> {
    this.#asked.set(origin, (this.#asked.get(origin) ?? 0) + 1);
    try {
      return await ask();
    } finally {
      const left = this.#asked.get(origin)! - 1;
      if (left > 0) this.#asked.set(origin, left);
      else this.#asked.delete(origin);
    }
  }

  /** The connections to one origin: to a node and nobody else where it names one. */
  #poolFor(origin: string, options: Pool.Options): Pool {
    const node = nodeOfUrl(origin);
    if (!node) return new Pool(origin, options);
    const { tls, nodeIdleMs: keepAliveTimeout = KEEP_ALIVE_MS } = this.#settings;
    const at = formatAddress(node.address);
    if (!tls) return new Pool(`http://${at}`, options);
    const isAwaited = (): boolean => this.#asked.has(origin);
    const connect: buildConnector.connector = (_options, callback) => {
      this.#connectNode(node.address, node.nodeId, tls, isAwaited).then(
        ({ socket }) => callback(null, socket),
        (error) => callback(error, null),
      );
    };
    return new Pool(`https://${at}`, {
      ...options,
      connect,
      keepAliveTimeout,
      keepAliveMaxTimeout: NODE_KEEP_ALIVE_MS,
    });
  }

  /** Connects to a node, whichever it is where none is meant. */
  #connectNode(
    { host, port }: Address,
    meant: NodeId | undefined,
    tls: NodeTls,
    isAwaited: () => boolean,
  ): Promise<{ socket: Socket; peer: NodeId }> {
    const { network, mayDial } = this.#settings;
    return new Promise((resolve, reject) => {
      if (!mayDial(host, port)) return reject(forbidden(host, port));
      const timer = setTimeout(() => socket.destroy(new Error('no answer')), CONNECT_TIMEOUT_MS);
      const looking = setInterval(() => {
        if (!isAwaited()) socket.destroy(new Error('nobody waits for an answer any more'));
      }, AWAITED_MS);
      const settled = (peer: NodeId | TlsFault): void => {
        clearTimeout(timer);
        clearInterval(looking);
        this.#connecting.delete(socket);
        if (!isFault(peer)) resolve({ socket, peer });
        else reject(peer.code === 'wrong-node' ? new WrongNode(peer.text) : new Error(peer.text));
      };
      const socket = network.open(host, (from) => connectTls({ host, port, ...from }, tls, meant, settled));
      this.#connecting.add(socket.setNoDelay(true));
    });
  }
}

class ForbiddenAddress extends Error {}
class WrongNode extends Error {}

function faultOf(error: Error, where: string): HttpFault {
  if (error instanceof ForbiddenAddress) return fault('http-forbidden', error.message);
  if (error instanceof WrongNode) return fault('http-wrong-node', `${where}: ${error.message}`);
  return fault('http-unreachable', `${where}: ${error.message}`);
}

/** What comes of a request, or its end: undici sees to a signal only once there is a connection. */
function untilAborted<Reply>(asked: Promise<Reply>, signal: AbortSignal): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    asked.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

function isSilence(error: unknown): boolean {
  return error instanceof errors.HeadersTimeoutError || error instanceof errors.BodyTimeoutError;
}

function guardedConnector(network: BoundNetwork, mayDial: MayDial): buildConnector.connector {
  const anyWay = (port: number): buildConnector.connector =>
    // undici opens the socket with these options, and Node asks `lookup` for names only, never for IP literals.
    buildConnector({
      ...CONNECTOR,
      autoSelectFamily: true,
      lookup: (hostname, options, callback) => {
        allowedHosts(network, hostname, port, mayDial).then(
          (hosts) =>
            options.all
              ? callback(null, hosts.map(withFamily))
              : callback(null, hosts[0]!, withFamily(hosts[0]!).family),
          (error) => callback(error, []),
        );
      },
    });
  const oneWay = buildConnector(CONNECTOR);
  return (options, callback) => {
    const port = Number(options.port) || (options.protocol === 'https:' ? 443 : 80);
    const host = options.hostname.replace(/^\[|\]$/g, '');
    if (isIP(host) !== 0 && !mayDial(host, port)) return callback(forbidden(host, port), null);
    if (!network.isRestricted) return anyWay(port)(options, callback);
    const connectTo = (ip: string): Promise<Socket> =>
      new Promise((resolve, reject) => {
        const settle: buildConnector.Callback = (error, socket) => (socket ? resolve(socket) : reject(error));
        // For HTTP a server name that is not the address would make undici look that up first.
        const named = options.protocol === 'https:' && isIP(host) === 0 ? { servername: host } : {};
        // The connector returns the socket, which its type does not say.
        network.open(ip, (from) => oneWay({ ...options, ...named, ...from, hostname: ip }, settle) as never);
      });
    connectBound(network, host, port, mayDial, connectTo).then(
      (socket) => callback(null, socket),
      (error) => callback(error, null),
    );
  };
}

/** Connects by the way that the user bound us to, to the first address of a name that answers. */
async function connectBound(
  network: BoundNetwork,
  host: string,
  port: number,
  mayDial: MayDial,
  connectTo: (ip: string) => Promise<Socket>,
): Promise<Socket> {
  if (network.problem !== undefined) throw new Error(network.problem);
  if (isIP(host) !== 0) return connectTo(host);
  const hosts = await allowedHosts(network, host, port, mayDial);
  let failure: unknown;
  for (const each of hosts.slice(0, HOSTS_TRIED_MAX)) {
    try {
      return await connectTo(each);
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

/** The addresses of a name that may be connected to; rejects when there is none. */
async function allowedHosts(network: BoundNetwork, name: string, port: number, mayDial: MayDial): Promise<string[]> {
  const found = await lookUpHosts(name, network);
  if (found.length === 0) throw new Error(`${name} does not resolve`);
  const allowed = found.filter((host) => mayDial(host, port));
  if (allowed.length === 0) throw forbidden(name, port);
  return allowed;
}

function withFamily(address: string): LookupAddress {
  return { address, family: isIPv6(address) ? 6 : 4 };
}

function forbidden(host: string, port: number): ForbiddenAddress {
  return new ForbiddenAddress(`${host} port ${port} is not an address to connect to`);
}

/** The whole body, or undefined as soon as it is longer than allowed. */
async function readBody(body: AsyncIterable<Uint8Array>, bytesMax: number): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    // Leaving the loop destroys the stream, and with it the connection.
    if (length > bytesMax) return undefined;
    chunks.push(chunk);
  }
  return chunks.length === 1 ? chunks[0] : Buffer.concat(chunks, length);
}

function tooLarge(request: HttpRequest): HttpFault {
  return fault('http-too-large', `${request.origin} answered with more than ${request.bytesMax} bytes`);
}

function joinHeaders(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  const joined: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) joined[name] = typeof value === 'string' ? value : value.join(', ');
  }
  return joined;
}
