/**
 * Announces to trackers, over HTTP or UDP as their URL says, and to supernodes over TLS whatever it says. A redirect is
 * followed at most twice, never out of http and https, and never from a node to who knows whom in clear; the reply is
 * checked by pure code.
 */
import {
  type Address,
  type Fault,
  fault,
  isFault,
  type NodeId,
  nodeOfUrl,
  nodeOrigin,
  parseAddress,
} from '../base/index.ts';
import {
  type AnnounceFacts,
  announceUrl,
  parseTrackerReply,
  REPLY_BYTES_MAX,
  type TrackerReply,
} from '../torrent/index.ts';
import { trustOf } from './dialler.ts';
import type { HttpClient } from './http-client.ts';
import { CLIENT_NAME } from './torrent-identity.ts';
import type { UdpTrackerClient } from './udp-tracker-client.ts';

const TIMEOUT_MS = 15_000;
/** Two tries of a datagram, for each of two steps. */
const UDP_TIMEOUT_MS = 90_000;
/** A goodbye keeps the user waiting who stops a node. */
const GOODBYE_MS = 4000;
/** Requests per announce: one, and two redirects (OVERLAY: at most 3). */
const HOPS_MAX = 3;

/** A reply, and the host that gave it. */
export type AnnounceReply = TrackerReply & { readonly trackerHost: string };

export interface TrackerClientSettings {
  readonly http: HttpClient;
  /** Who asks where a URL says UDP. */
  readonly udp: Pick<UdpTrackerClient, 'announce'>;
  /** The node that is known to listen at an address. */
  readonly nodeAt: (address: Address) => NodeId | undefined;
  /** The number under which a router passes our port on, if it does. */
  readonly portOutside?: () => number | undefined;
}

/** Talks to trackers. */
export class TrackerClient {
  readonly #http: HttpClient;
  readonly #udp: TrackerClientSettings['udp'];
  readonly #nodeAt: (address: Address) => NodeId | undefined;
  readonly #portOutside: () => number | undefined;

  constructor({ http, udp, nodeAt, portOutside = () => undefined }: TrackerClientSettings) {
    this.#http = http;
    this.#udp = udp;
    this.#nodeAt = nodeAt;
    this.#portOutside = portOutside;
  }

  /** Announces once; every failure is a fault with a text for the user. */
  async announce(tracker: string, facts: AnnounceFacts): Promise<AnnounceReply | Fault> {
    const isGoodbye = facts.event === 'stopped';
    const asGiven = URL.parse(tracker);
    // A tracker on our side of the router is told the port that its other clients can reach.
    const host = asGiven?.hostname.replace(/^\[|\]$/g, '') ?? '';
    const port = trustOf(host) === 'private' ? facts.port : (this.#portOutside() ?? facts.port);
    const isUdp = asGiven?.protocol === 'udp:';
    const address = isUdp ? parseAddress(asGiven.host) : undefined;
    if (isUdp && !(address && this.#nodeAt(address))) {
      return this.#udp.announce(asGiven, { ...facts, port }, isGoodbye ? GOODBYE_MS : UDP_TIMEOUT_MS);
    }
    // A supernode serves the same swarms over TLS, where nobody else reads along.
    let url = URL.parse(announceUrl(isUdp ? `http://${asGiven.host}/announce` : tracker, { ...facts, port }));
    let wasNode = false;
    for (let hop = 0; hop < HOPS_MAX; hop++) {
      if (!url || !/^https?:$/.test(url.protocol))
        return fault('tracker-unsupported', `${tracker} is not a tracker we can speak to`);
      const origin = this.#originOf(url);
      const isNode = nodeOfUrl(origin) !== undefined;
      if (wasNode && !isNode) return fault('redirect-refused', `${tracker} redirects out of the network`);
      wasNode = isNode;
      const reply = await this.#http.request({
        origin,
        method: 'GET',
        path: url.pathname + url.search,
        headers: { 'user-agent': CLIENT_NAME, accept: '*/*' },
        timeoutMs: isGoodbye ? GOODBYE_MS : TIMEOUT_MS,
        bytesMax: REPLY_BYTES_MAX,
      });
      if (isFault(reply)) return reply;
      const location = reply.headers.location;
      if (reply.status >= 300 && reply.status < 400 && location !== undefined) {
        url = URL.parse(location, url.href);
        continue;
      }
      const parsed = parseTrackerReply(reply.body);
      if (!isFault(parsed)) return { ...parsed, trackerHost: url.hostname.replace(/^\[|\]$/g, '') };
      return reply.status === 200
        ? parsed
        : fault('tracker-refused', `it answered with HTTP ${reply.status}: ${parsed.text}`);
    }
    return fault('redirect-loop', `${tracker} redirects in a circle`);
  }

  /** Where a URL is asked: at the node that it names, or that is known to listen there. */
  #originOf(url: URL): string {
    const named = nodeOfUrl(url.href);
    if (named) return nodeOrigin(named);
    const address = url.protocol === 'http:' ? parseAddress(url.port === '' ? `${url.host}:80` : url.host) : undefined;
    const nodeId = address && this.#nodeAt(address);
    return nodeId ? nodeOrigin({ nodeId, address }) : url.origin;
  }
}
