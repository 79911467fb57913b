/**
 * Announces to trackers, over HTTP or UDP as their URL says, and to supernodes over TLS whatever it says. A redirect is
 * followed at most twice, never out of http and https, and never from a node to who knows whom in clear; the reply is
 * checked by pure code. Which supernodes of an owner set are asked is `OwnerAnnounces`' business.
 */
import {
  type Address,
  type Fault,
  fault,
  type InfoHash,
  isFault,
  type NodeAt,
  type NodeId,
  nodeOfUrl,
  nodeOrigin,
  parseAddress,
  type Random,
} from '../base/index.ts';
import {
  type AnnounceFacts,
  announceUrl,
  parseRedirectRecords,
  parseTrackerReply,
  REPLY_BYTES_MAX,
  retryMinutesOf,
  TrackerRefusal,
  TrackerTurns,
} from '../torrent/index.ts';
import { trustOf } from './dialler.ts';
import type { HttpClient, HttpReply } from './http-client.ts';
import { type AnnounceReply, OwnerAnnounces } from './owner-announces.ts';
import { CLIENT_NAME } from './torrent-identity.ts';
import type { UdpTrackerClient } from './udp-tracker-client.ts';

const TIMEOUT_MS = 15_000;
/** Two tries of a datagram, for each of two steps. */
const UDP_TIMEOUT_MS = 90_000;
/** A goodbye keeps the user waiting who stops a node. */
const GOODBYE_MS = 4000;
/** Requests per announce: one, and two redirects (OVERLAY: at most 3). */
const HOPS_MAX = 3;
/** What is said when somebody is not there, or somebody else is. */
const SILENT: ReadonlySet<string> = new Set([
  ...['http-timeout', 'http-unreachable', 'http-wrong-node'],
  ...['tracker-silent', 'tracker-unreachable'],
]);

export interface TrackerClientSettings {
  readonly http: HttpClient;
  /** Who asks where a URL says UDP. */
  readonly udp: Pick<UdpTrackerClient, 'announce'>;
  /** The node that is known to listen at an address. */
  readonly nodeAt: (address: Address) => NodeId | undefined;
  /** The number under which a router passes our port on, if it does. */
  readonly portOutside?: () => number | undefined;
  /** The supernodes that keep a hash, its owner first; empty while none is known. */
  readonly ownersOf?: (infoHash: InfoHash) => readonly NodeAt[];
  /** Takes sealed descriptors that a supernode's redirect brought, unread. */
  readonly learned?: (records: readonly Uint8Array[]) => void;
  /** A supernode did not answer an announce. */
  readonly silent?: (nodeId: NodeId) => void;
  readonly random?: Random;
}

/** Talks to trackers. */
export class TrackerClient {
  /** Those of all torrents that ask by this client. */
  readonly turns: TrackerTurns;
  readonly #settings: TrackerClientSettings;
  readonly #owners: OwnerAnnounces;

  constructor(settings: TrackerClientSettings) {
    this.#settings = settings;
    this.turns = new TrackerTurns(settings.random ?? Math.random);
    this.#owners = new OwnerAnnounces(
      (node, isReplica, facts) => this.#announceToNode(node, isReplica, facts),
      settings.random ?? Math.random,
    );
  }

  /** Announces once, to a supernode's whole owner set; every failure is a fault with a text for the user. */
  async announce(tracker: string, facts: AnnounceFacts): Promise<AnnounceReply | Fault> {
    const asGiven = URL.parse(tracker);
    const node = asGiven ? this.#nodeOf(asGiven) : undefined;
    const owners = node ? (this.#settings.ownersOf?.(facts.infoHash) ?? []) : [];
    if (owners.length > 0) return this.#owners.announce(owners, facts);
    const toldFacts = { ...facts, port: this.#portFor(asGiven?.hostname ?? '', facts) };
    if (asGiven?.protocol !== 'udp:') return this.#ask(announceUrl(tracker, toldFacts), tracker, facts);
    if (!node) {
      return this.#settings.udp.announce(asGiven, toldFacts, facts.event === 'stopped' ? GOODBYE_MS : UDP_TIMEOUT_MS);
    }
    // A supernode serves the same swarms over TLS, where nobody else reads along.
    return this.#ask(announceUrl(`http://${asGiven.host}/announce`, toldFacts), tracker, facts);
  }

  #announceToNode(node: NodeAt, isReplica: boolean, facts: AnnounceFacts): Promise<AnnounceReply | Fault> {
    const tracker = `${nodeOrigin(node)}/announce`;
    const url = announceUrl(tracker, { ...facts, port: this.#portFor(node.address.host, facts) });
    return this.#ask(isReplica ? `${url}&replica=1` : url, tracker, facts);
  }

  /** @param tracker what the user knows it by */
  async #ask(first: string, tracker: string, facts: AnnounceFacts): Promise<AnnounceReply | Fault> {
    let url = URL.parse(first);
    let wasNode = false;
    for (let hop = 0; hop < HOPS_MAX; hop++) {
      if (!url || !/^https?:$/.test(url.protocol))
        return fault('tracker-unsupported', `${tracker} is not a tracker we can speak to`);
      const node = this.#nodeOf(url);
      if (wasNode && !node) return fault('redirect-refused', `${tracker} redirects out of the network`);
      wasNode = node !== undefined;
      const reply = await this.#request(url, node, facts.event === 'stopped' ? GOODBYE_MS : TIMEOUT_MS);
      if (isFault(reply)) return reply;
      const location = reply.headers.location;
      if (reply.status >= 300 && reply.status < 400 && location !== undefined) {
        const records = node ? parseRedirectRecords(reply.body) : [];
        if (records.length > 0) this.#settings.learned?.(records);
        url = URL.parse(location, url.href);
        continue;
      }
      const parsed = parseTrackerReply(reply.body);
      if (!isFault(parsed)) return { ...parsed, trackerHost: bareHost(url.hostname), ...(node && { node }) };
      return reply.status === 200
        ? parsed
        : new TrackerRefusal(`it answered with HTTP ${reply.status}: ${parsed.text}`, retryMinutesOf(parsed));
    }
    return fault('redirect-loop', `${tracker} redirects in a circle`);
  }

  async #request(url: URL, node: NodeAt | undefined, timeoutMs: number): Promise<HttpReply | Fault> {
    const reply = await this.#settings.http.request({
      origin: node ? nodeOrigin(node) : url.origin,
      method: 'GET',
      path: url.pathname + url.search,
      headers: { 'user-agent': CLIENT_NAME, accept: '*/*' },
      timeoutMs,
      bytesMax: REPLY_BYTES_MAX,
    });
    if (node && isFault(reply) && isSilence(reply)) this.#settings.silent?.(node.nodeId);
    return reply;
  }

  /** The node that a URL names, or that is known to listen there. */
  #nodeOf(url: URL): NodeAt | undefined {
    const named = nodeOfUrl(url.href);
    if (named) return named;
    if (url.protocol !== 'http:' && url.protocol !== 'udp:') return undefined;
    const address = parseAddress(url.port === '' && url.protocol === 'http:' ? `${url.host}:80` : url.host);
    const nodeId = address && this.#settings.nodeAt(address);
    return nodeId && { nodeId, address };
  }

  /** A tracker on our side of the router is told the port that its other clients can reach. */
  #portFor(host: string, { port }: AnnounceFacts): number {
    return trustOf(bareHost(host)) === 'private' ? port : (this.#settings.portOutside?.() ?? port);
  }
}

/** Nobody was there, and nobody is whatever is asked. */
export function isSilence({ code }: Fault): boolean {
  return SILENT.has(code);
}

function bareHost(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '');
}
