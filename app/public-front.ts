/**
 * What a node shows the world on its one port besides the tracker: supernodes, the listing in pages and for people,
 * metadata, and the place where entries are published. Read-only but for signed entries; nothing local is reachable.
 */
import { readFileSync } from 'node:fs';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import {
  type Address,
  encodeBencode,
  type Fault,
  isFault,
  type NodeId,
  SourceBudgets,
  sourceOf,
} from '../src/base/index.ts';
import { now as monotonicNow, wallNow } from '../src/io/alarm-clock.ts';
import type { ListingStore } from '../src/io/index.ts';
import { createServer } from '../src/io/node-http.ts';
import { remoteAddress } from '../src/io/one-port.ts';
import { nodeIdOf } from '../src/io/tls-context.ts';
import { FILTER_LIST_BYTES_MAX, type ListingRow, PUBLICATION_BYTES_MAX } from '../src/listing/index.ts';
import { encodeMessage, MESSAGE_BYTES_MAX, subnetOf } from '../src/overlay/index.ts';
import { listingQueryOf, PUBLIC_PAGE_POLICY, PUBLIC_STYLE, parsePageQuery, renderListingPage } from '../web/index.ts';
import { type FilterShelf, parseListQuestion } from './listing/filter-shelf.ts';
import type { ListingFront } from './listing/listing-front.ts';
import type { Log } from './log.ts';
import type { Membership } from './overlay/membership.ts';
import { ASKED_IDLE_MS, OVERLAY_PATH } from './overlay/overlay-client.ts';
import type { OverlayHost } from './overlay/overlay-host.ts';
import { bodyOf } from './request-body.ts';

const HEADERS_MS = 5000;
const REQUEST_MS = 10_000;
const HEADER_BYTES_MAX = 8192;
const CONNECTIONS_MAX = 1000;
/** A home or a campus behind one address keeps several nodes going; one slow visitor must not take every place. */
const CONNECTIONS_PER_SOURCE_MAX = 64;
/** Publications being read and checked at a time: each may be PUBLICATION_BYTES_MAX long. */
const PUBLICATIONS_MAX = 4;
/** Pages being made at a time: a search of a large listing keeps its thread for tens of milliseconds. */
const PAGES_MAX = 4;
/** Pages that the visitors from one /24 or /48 are given. */
const PAGES_PER_NETWORK = { perSecond: 2, burst: 30 };
/** Pages of the exchange and info dictionaries that the nodes in one /24 or /48 are given: a whole list comes in minutes. */
const EXCHANGES_PER_NETWORK = { perSecond: 50, burst: 1000 };
/** Bytes of lists of supernodes that the nodes in one /24 or /48 are given: one of a large network has 200 KB, and joining takes one. */
const SUPERNODE_LISTS_PER_NETWORK = { perSecond: 40_000, burst: 1_000_000 };
const NETWORKS_MAX = 1024;
const PAGE_AGAIN_SECONDS = 5;
const IDLE_MS = 5000;
const BENCODED = 'application/octet-stream';

export interface PublicFrontSettings {
  readonly network: string;
  readonly membership: Membership;
  readonly overlay: Pick<OverlayHost, 'answer'>;
  readonly store: ListingStore;
  readonly listing: ListingFront;
  readonly shelf: FilterShelf;
  readonly log: Log;
  /** The rows with what this node itself counts. */
  readonly counted: (rows: readonly ListingRow[]) => readonly ListingRow[];
  /** Answers tracker requests that come on a connection which asked for something else before; false when it is none. */
  readonly answerTracker: (request: IncomingMessage, response: ServerResponse) => boolean;
  readonly announceUrl: () => string | undefined;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string | Uint8Array;
  readonly policy?: string;
  readonly encoding?: string;
  /** When the visitor may come back. */
  readonly againSeconds?: number;
  /** Without headers that only browsers look at: nodes ask each other so often that these were most of what they sent. */
  readonly isBare?: boolean;
}

/** Serves pages and exchange bodies; connections are handed in by the port. */
export class PublicFront {
  readonly #settings: PublicFrontSettings;
  /** Those for nodes, whose connections stay, and for everybody else. */
  readonly #servers: Record<'nodes' | 'strangers', Server>;
  readonly #connections = new Map<Socket, string>();
  readonly #visits = new SourceBudgets(PAGES_PER_NETWORK, NETWORKS_MAX);
  readonly #exchanges = new SourceBudgets(EXCHANGES_PER_NETWORK, NETWORKS_MAX);
  readonly #lists = new SourceBudgets(SUPERNODE_LISTS_PER_NETWORK, NETWORKS_MAX);
  #publications = 0;
  #pages = 0;

  constructor(settings: PublicFrontSettings) {
    this.#settings = settings;
    this.#servers = { nodes: this.#open(ASKED_IDLE_MS), strangers: this.#open(IDLE_MS) };
  }

  /** Takes a paused connection and the bytes read from it. */
  accept(socket: Socket, unread: Buffer): void {
    const source = sourceOf(remoteAddress(socket)?.host ?? '');
    const ofSource = [...this.#connections.values()].filter((other) => other === source).length;
    if (this.#connections.size >= CONNECTIONS_MAX || ofSource >= CONNECTIONS_PER_SOURCE_MAX) {
      socket.destroy();
      return;
    }
    this.#connections.set(socket, source);
    socket.on('close', () => this.#connections.delete(socket));
    socket.unshift(unread);
    this.#servers[nodeIdOf(socket) ? 'nodes' : 'strangers'].emit('connection', socket);
    socket.resume();
  }

  close(): void {
    for (const server of Object.values(this.#servers)) {
      server.close();
      server.closeAllConnections();
    }
  }

  #open(keepAliveTimeout: number): Server {
    const server = createServer(
      {
        headersTimeout: HEADERS_MS,
        requestTimeout: REQUEST_MS,
        keepAliveTimeout,
        maxHeaderSize: HEADER_BYTES_MAX,
        connectionsCheckingInterval: 1000,
      },
      (request, response) => this.#serve(request, response),
    );
    // The server never listens itself, but only listening makes it look at its time limits.
    server.emit('listening');
    return server;
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    // What a proxy is asked for; a server has to understand it too (RFC 9112, 3.2.2).
    request.url = request.url?.replace(/^https?:\/\/[^/?]*/i, '') || '/';
    if (this.#settings.answerTracker(request, response)) return;
    this.#answer(request).then(
      (answer) => send(response, answer, request),
      (error: unknown) => {
        if (request.socket.destroyed) return;
        this.#settings.log.warn('a public request failed', { url: request.url, because: `${error}` });
        send(response, text(500, 'this node has a problem'), request);
      },
    );
  }

  async #answer(request: IncomingMessage): Promise<Answer> {
    const [path = '/', query = ''] = (request.url ?? '/').split('?', 2);
    if (request.method === 'POST' && path === '/listing') return this.#publish(request);
    if (request.method === 'POST' && path === '/filter-lists') return this.#takeList(request);
    if (request.method === 'POST' && path === OVERLAY_PATH) return this.#overlay(request);
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return text(405, `only GET, and POST to /listing, /filter-lists and ${OVERLAY_PATH}`);
    if (path === '/') return this.#visit(request, query);
    if (path === '/page.css') return stylesheet();
    if (path === '/supernodes') return this.#supernodes(request);
    const takesGzip = /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''));
    if (path === '/listing') return this.#exchange(request, () => this.#listing(query, takesGzip));
    if (path === '/counts') return this.#counts(query);
    if (path.startsWith('/filter-lists/')) return this.#filterList(path, query);
    const metadata = /^\/metadata\/([0-9a-f]{40})$/i.exec(path);
    if (metadata) return this.#exchange(request, () => this.#metadata(metadata[1]!));
    return text(404, 'nothing here');
  }

  /** A page for people, as long as they leave time for everybody else's. */
  async #visit(request: IncomingMessage, search: string): Promise<Answer> {
    if (!mayTake(request, this.#visits)) return tooMany();
    if (this.#pages >= PAGES_MAX) return { ...text(503, 'busy; come back'), againSeconds: PAGE_AGAIN_SECONDS };
    this.#pages++;
    return this.#page(search).finally(() => this.#pages--);
  }

  /** A question of 60 bytes, answered by thousands of times as many: a network that asks often is asked to come back. */
  #supernodes(request: IncomingMessage): Answer {
    const list = this.#settings.membership.exchange(remoteAddress(request.socket));
    return mayTake(request, this.#lists, list.length) ? bencoded(list) : tooMany();
  }

  /** What nodes ask of the listing's thread, which has others to serve. */
  async #exchange(request: IncomingMessage, answer: () => Promise<Answer>): Promise<Answer> {
    return mayTake(request, this.#exchanges) ? answer() : tooMany();
  }

  async #page(search: string): Promise<Answer> {
    const { store, network, counted, announceUrl } = this.#settings;
    const query = parsePageQuery(search);
    const now = wallNow();
    const { rows, total, corrected } = await store.list(listingQueryOf(query), now);
    const tracker = announceUrl();
    const view = {
      query,
      rows: counted(rows),
      total,
      network,
      now,
      ...(tracker !== undefined && { announceUrl: tracker }),
      ...(corrected !== undefined && { corrected }),
    };
    return { status: 200, type: 'text/html; charset=utf-8', body: renderListingPage(view), policy: PUBLIC_PAGE_POLICY };
  }

  async #listing(query: string, takesGzip: boolean): Promise<Answer> {
    const page = await this.#settings.listing.page(new URLSearchParams(query), takesGzip);
    if (isFault(page)) return refused(page);
    return { ...bencoded(page.bytes), ...(page.isCompressed && { encoding: 'gzip' }) };
  }

  #counts(query: string): Answer {
    const counts = this.#settings.listing.counts(new URLSearchParams(query));
    return isFault(counts) ? refused(counts) : bencoded(counts);
  }

  async #metadata(hash: string): Promise<Answer> {
    const raw = await this.#settings.listing.metadata(hash);
    return raw ? bencoded(raw) : text(404, 'no such metadata here');
  }

  /** Another node's question to the overlay; who asks is proven, or it is not heard. */
  async #overlay(request: IncomingMessage): Promise<Answer> {
    const from = nodeIdOf(request.socket);
    const address = remoteAddress(request.socket);
    if (!from || !address) return text(403, 'only nodes, over TLS');
    return { ...(await this.#question(request, from, address)), isBare: true };
  }

  async #question(request: IncomingMessage, from: NodeId, address: Address): Promise<Answer> {
    const body = await bodyOf(request, MESSAGE_BYTES_MAX);
    if (!body) return text(413, `a message has at most ${MESSAGE_BYTES_MAX} bytes`);
    const answer = await this.#settings.overlay.answer(body, from, address);
    if (answer === 'busy') return text(503, 'busy; ask again');
    return answer === 'malformed' ? text(400, 'that is no message') : bencoded(encodeMessage(answer));
  }

  #filterList(path: string, query: string): Answer {
    const question = parseListQuestion(path, new URLSearchParams(query));
    if (!question) return text(400, 'ask /filter-lists/KEY?from=SEQUENCE');
    const list = this.#settings.shelf.newerThan(...question);
    if (list === 'same') return { status: 204, type: BENCODED, body: '' };
    return list ? bencoded(list) : text(404, 'no list as new as that here');
  }

  #publish(request: IncomingMessage): Promise<Answer> {
    const { listing } = this.#settings;
    return this.#take(request, PUBLICATION_BYTES_MAX, (body, host) => listing.publish(body, host));
  }

  #takeList(request: IncomingMessage): Promise<Answer> {
    const { shelf } = this.#settings;
    return this.#take(request, FILTER_LIST_BYTES_MAX, async (body, host) => shelf.offer(body, host));
  }

  /** Takes what somebody signed, a few at a time. */
  async #take(
    request: IncomingMessage,
    bytesMax: number,
    take: (body: Uint8Array, host: string) => Promise<true | Fault>,
  ): Promise<Answer> {
    if (this.#publications >= PUBLICATIONS_MAX) return text(503, 'busy with other publications; try again');
    this.#publications++;
    try {
      const body = await bodyOf(request, bytesMax);
      if (!body) return text(413, `a publication has at most ${bytesMax} bytes`);
      const accepted = await take(body, askerNetwork(request));
      return isFault(accepted) ? refused(accepted) : bencoded(encodeBencode({ accepted: 1 }));
    } finally {
      this.#publications--;
    }
  }
}

function mayTake(request: IncomingMessage, budgets: SourceBudgets, cost = 1): boolean {
  return budgets.take(askerNetwork(request), cost, monotonicNow());
}

function tooMany(): Answer {
  return { ...text(429, 'too many questions from your network at once'), againSeconds: PAGE_AGAIN_SECONDS };
}

/** The network that an asker is in, as far as others may be in it too: its /24 or /48, or itself where it is private. */
function askerNetwork({ socket }: IncomingMessage): string {
  const address = remoteAddress(socket);
  return address ? (subnetOf({ addresses: [address] }) ?? address.host) : '';
}

const STATUS_OF: Readonly<Record<string, number>> = { 'not-owner': 421, denied: 403, 'too-many': 429 };

function refused(fault: Fault): Answer {
  return text(STATUS_OF[fault.code] ?? 400, fault.mayLeave ? fault.text : 'refused');
}

function bencoded(body: Uint8Array): Answer {
  return { status: 200, type: BENCODED, body };
}

function text(status: number, body: string): Answer {
  return { status, type: 'text/plain; charset=utf-8', body: `${body}\n` };
}

/** The page without its style is still the page: a checkout that was not built has none. */
function stylesheet(): Answer {
  const { file, type } = PUBLIC_STYLE;
  try {
    return { status: 200, type, body: readFileSync(file) };
  } catch {
    return text(404, 'the style of this page was not built');
  }
}

function send(response: ServerResponse, answer: Answer, request: IncomingMessage): void {
  const { status, body, policy, encoding, againSeconds, isBare = false } = answer;
  if (isBare) {
    response.sendDate = false;
    // Open is what a connection of HTTP/1.1 stays without a word.
    response.removeHeader('connection');
  }
  response.writeHead(status, {
    // Nothing follows a 204, not even a length (RFC 9110, 8.6).
    ...(status !== 204 && { 'content-length': Buffer.byteLength(body) }),
    ...(!isBare && headersForBrowsers(answer)),
    // A body that nobody reads to its end would be taken for the next request, or never end.
    ...(!request.complete && { connection: 'close' }),
    ...(policy !== undefined && { 'content-security-policy': policy }),
    ...(againSeconds !== undefined && { 'retry-after': `${againSeconds}` }),
    ...(encoding !== undefined && { 'content-encoding': encoding, vary: 'accept-encoding' }),
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}

function headersForBrowsers({ status, type }: Answer): Record<string, string> {
  return {
    ...(status !== 204 && { 'content-type': type }),
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
  };
}
