/**
 * The tracker service over HTTP: an announce or scrape and the address it came from go in, the bencoded answer comes
 * out. What is noted and granted is the registrar's; this knows nothing of HTTP beyond the two statuses that carry a
 * meaning.
 */

import {
  bytesOfLatin1,
  formatAddress,
  formatIp,
  type InfoHash,
  type Instant,
  infoHashBytes,
  isFault,
  latin1,
  NODE_ID_BYTES,
  type NodeId,
  nodeOrigin,
  publicFault,
} from '../src/base/index.ts';
import type { Owner } from '../src/ports/index.ts';
import {
  type AnnounceRequest,
  PEERS_PER_ANSWER_MAX,
  parseAnnounce,
  parseScrape,
  type RequestFault,
  type ScrapeRequest,
} from './announce-request.ts';
import { AnswerBytes, token } from './answer-bytes.ts';
import { ENDPOINT4_BYTES, ENDPOINT6_BYTES } from './endpoint-sizes.ts';
import { fairCounts } from './fair-counts.ts';
import { type Registrar, type RegistrarFault, reachableAddress, type TrackingCaps } from './registrar.ts';
import { NO_SLOT } from './swarm-index.ts';
import type { SwarmCounts, SwarmTable } from './swarm-table.ts';

/** Seconds a peer should let pass in any case. */
export const MIN_INTERVAL_SECONDS = 300;

// Of the other address family, when the asker's own could fill the answer: how two families' swarms stay one.
const OTHER_FAMILY_SHARE = 0.25;
/** Status line and headers (85), and the four segments beside them of a connection with one answer, over IPv4. */
export const HTTP_OVERHEAD_BYTES = 300;
const RETRY_MINUTES = 5;
/** Sealed descriptors in a redirect: those of one owner set. */
export const REDIRECT_RECORDS_MAX = 3;
const RECORD_BYTES_MAX = 1000;

/** One answer; `body` is a view that the next answer overwrites. */
export interface TrackerAnswer {
  /** Undefined when there is no bandwidth left to answer with: the connection is to be closed. */
  readonly status: 200 | 307 | undefined;
  /** Where to ask instead, when the status is 307; one character per byte. */
  readonly location: string | undefined;
  readonly body: Uint8Array;
}

type Refusal = RequestFault | RegistrarFault;

const COMPLETE = token('d8:completei');
const DOWNLOADED = token('e10:downloadedi');
const EXTERNAL_IP = token('e11:external ip');
const INCOMPLETE = token('10:incompletei');
const SCRAPED_INCOMPLETE = token('e10:incompletei');
const INTERVAL = token('e8:intervali');
const MIN_INTERVAL = token(`e12:min intervali${MIN_INTERVAL_SECONDS}e`);
const NATIVES = token('7:natives');
const PEERS = token('5:peers');
const PEERS6 = token('6:peers6');
const FILES = token('d5:filesd');
const FAILURE_REASON = token('d14:failure reason');
const RETRY_IN = token(`8:retry ini${RETRY_MINUTES}e`);
const BUSY = token('d14:failure reason4:busy8:retry ini');
const SILENCE: TrackerAnswer = { status: undefined, location: undefined, body: new Uint8Array(0) };
const SUPERNODES = token('10:supernodesl');
const DICT_IP = token('d2:ip');
const DICT_PORT = token('4:porti');
const LIST = token('l');
const END = token('e');
const END_TWICE = token('ee');
/** What is said of a peer to native clients: nothing, or that it speaks TLS as the node whose id follows. */
const UNPROVEN = 0;
const PROVEN = 1;

/** The answers of a supernode. */
export class Tracker {
  readonly #registrar: Registrar;
  readonly #answer: AnswerBytes = new AnswerBytes();
  readonly #window4: Uint8Array = new Uint8Array(ENDPOINT4_BYTES * PEERS_PER_ANSWER_MAX);
  readonly #window6: Uint8Array = new Uint8Array(ENDPOINT6_BYTES * PEERS_PER_ANSWER_MAX);
  readonly #natives: Uint8Array = new Uint8Array((1 + NODE_ID_BYTES) * PEERS_PER_ANSWER_MAX);

  constructor(registrar: Registrar) {
    this.#registrar = registrar;
  }

  get swarmCount(): number {
    return this.#swarms.swarmCount;
  }

  get peerCount(): number {
    return this.#swarms.peerCount;
  }

  /** How many take part in a swarm; undefined when it is not tracked here. */
  counts(infoHash: InfoHash): SwarmCounts | undefined {
    return this.#swarms.counts(infoHashBytes(infoHash));
  }

  /** The same as the listing says it: no network is a crowd. */
  fairCounts(infoHash: InfoHash): SwarmCounts | undefined {
    return fairCounts(this.#swarms, infoHashBytes(infoHash));
  }

  /**
   * Answers one request.
   * @param query raw, as in the request target
   * @param source the 4 or 16 address bytes the request came from, IPv4-mapped ones already as 4
   * @param node who asks, proven by TLS: a native client, which is answered as such
   */
  serve(
    kind: 'announce' | 'scrape',
    query: Uint8Array,
    source: Uint8Array,
    now: Instant,
    node?: NodeId,
  ): TrackerAnswer {
    const brevity = this.#registrar.brevity(now);
    if (brevity === 'silent') return SILENCE;
    const request = kind === 'announce' ? parseAnnounce(query) : parseScrape(query);
    if (brevity === 'terse' && 'infoHashes' in request) return this.#spent(this.#busy(now));
    const answer = isFault(request)
      ? this.#refuse(request)
      : 'infoHash' in request
        ? this.#serveAnnounce(request, query, source, now, node)
        : this.#serveScrape(request, query, source, node);
    return this.#spent(answer);
  }

  /** Forgets silent peers, a part of them at each call; due once a second. */
  sweep(now: Instant): void {
    this.#registrar.sweep(now);
  }

  /** Changes the caps while it serves; see the registrar. */
  cap(caps: TrackingCaps): void {
    this.#registrar.cap(caps);
  }

  get #swarms(): SwarmTable {
    return this.#registrar.swarms;
  }

  #serveAnnounce(
    request: AnnounceRequest,
    query: Uint8Array,
    source: Uint8Array,
    now: Instant,
    node: NodeId | undefined,
  ): TrackerAnswer {
    const registered = this.#registrar.register(request, source, node, now);
    if (isFault(registered)) return this.#refuse(registered, node);
    if ('nodeId' in registered && this.#registrar.brevity(now) !== 'free') return this.#busy(now);
    if ('nodeId' in registered) return this.#redirect('announce', registered, request.infoHash, query, source, node);
    const { slot, endpoint, intervalSeconds, peersWanted, leechersOnly } = registered;
    if (registered.isTerse) return this.#busy(now);
    this.#writeCounts(request.infoHash, source, intervalSeconds);
    const form = !request.isCompact ? 'dictionaries' : node === undefined ? 'compact' : 'native';
    this.#writePeers(slot, peersWanted, endpoint, leechersOnly, form);
    return this.#answered();
  }

  #serveScrape(request: ScrapeRequest, query: Uint8Array, source: Uint8Array, node: NodeId | undefined): TrackerAnswer {
    const owners = request.infoHashes.map((infoHash) => this.#registrar.ownerOf(infoHash));
    const [first] = owners;
    if (!owners.includes('self')) {
      if (isFault(first)) return this.#refuse(first);
      return this.#redirect('scrape', first as Owner, request.infoHashes[0]!, query, source, node);
    }
    this.#answer.begin();
    this.#answer.raw(FILES);
    // A reader may insist on sorted keys (BEP 3), and on each standing once.
    const own = new Map(
      request.infoHashes.filter((_, i) => owners[i] === 'self').map((infoHash) => [latin1(infoHash), infoHash]),
    );
    for (const [, infoHash] of [...own].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const slot = this.#swarms.slotOf(infoHash);
      this.#answer.string(infoHash);
      this.#answer.raw(COMPLETE);
      this.#answer.digits(slot === NO_SLOT ? 0 : this.#swarms.seeders(slot));
      this.#answer.raw(DOWNLOADED);
      this.#answer.digits(slot === NO_SLOT ? 0 : this.#swarms.completions(slot));
      this.#answer.raw(SCRAPED_INCOMPLETE);
      this.#answer.digits(slot === NO_SLOT ? 0 : this.#swarms.leechers(slot));
      this.#answer.raw(END_TWICE);
    }
    this.#answer.raw(END_TWICE);
    return this.#answered();
  }

  #redirect(
    kind: 'announce' | 'scrape',
    owner: Owner,
    infoHash: Uint8Array,
    query: Uint8Array,
    source: Uint8Array,
    node: NodeId | undefined,
  ): TrackerAnswer {
    const address = reachableAddress(owner, source);
    if (!address) return this.#refuse(publicFault('owner-unknown', 'no supernode is known to track this hash'), node);
    const origin =
      node === undefined ? `http://${formatAddress(address)}` : nodeOrigin({ nodeId: owner.nodeId, address });
    const location = `${origin}/${kind}?${latin1(query)}`;
    this.#writeFailure('another supernode tracks this hash');
    // Others would only pay for bytes that they cannot read.
    if (node !== undefined) this.#writeRecords(infoHash);
    this.#answer.raw(END);
    return { status: 307, location, body: this.#answer.written };
  }

  #writeRecords(infoHash: Uint8Array): void {
    const records = this.#registrar.recordsOf(infoHash).filter(({ length }) => length <= RECORD_BYTES_MAX);
    this.#answer.raw(SUPERNODES);
    for (const record of records.slice(0, REDIRECT_RECORDS_MAX)) this.#answer.string(record);
    this.#answer.raw(END);
  }

  /** A node hears of owners itself, and is told no time to wait for one. */
  #refuse(refusal: Refusal, node?: NodeId): TrackerAnswer {
    this.#writeFailure(refusal.text);
    const isForLater = refusal.code === 'tracker-full' || (refusal.code === 'owner-unknown' && node === undefined);
    if (isForLater) this.#answer.raw(RETRY_IN);
    this.#answer.raw(END);
    return this.#answered();
  }

  /** The shortest answer that a client understands (BEP 31). */
  #busy(now: Instant): TrackerAnswer {
    this.#answer.begin();
    this.#answer.raw(BUSY);
    this.#answer.digits(this.#registrar.busyMinutes(now));
    this.#answer.raw(END_TWICE);
    return this.#answered();
  }

  /** Counts an answer, and the query that a Location repeats. */
  #spent(answer: TrackerAnswer): TrackerAnswer {
    this.#registrar.spend(answer.body.length + (answer.location?.length ?? 0) + HTTP_OVERHEAD_BYTES);
    return answer;
  }

  #writeFailure(text: string): void {
    this.#answer.begin();
    this.#answer.raw(FAILURE_REASON);
    this.#answer.string(bytesOfLatin1(text));
  }

  #answered(): TrackerAnswer {
    return { status: 200, location: undefined, body: this.#answer.written };
  }

  /** Everything before the peers. */
  #writeCounts(infoHash: Uint8Array, source: Uint8Array, intervalSeconds: number): void {
    const slot = this.#swarms.slotOf(infoHash);
    const answer = this.#answer;
    answer.begin();
    answer.raw(COMPLETE);
    answer.digits(slot === NO_SLOT ? 0 : this.#swarms.seeders(slot));
    answer.raw(DOWNLOADED);
    answer.digits(slot === NO_SLOT ? 0 : this.#swarms.completions(slot));
    answer.raw(EXTERNAL_IP);
    answer.string(source);
    answer.raw(INCOMPLETE);
    answer.digits(slot === NO_SLOT ? 0 : this.#swarms.leechers(slot));
    answer.raw(INTERVAL);
    answer.digits(intervalSeconds);
    answer.raw(MIN_INTERVAL);
  }

  #writePeers(
    slot: number,
    wanted: number,
    asker: Uint8Array,
    leechersOnly: boolean,
    form: 'compact' | 'native' | 'dictionaries',
  ): void {
    const isAsker4 = asker.length === ENDPOINT4_BYTES;
    const ofOther = wanted === 0 ? 0 : this.#wantedOfOther(slot, wanted, asker.length, leechersOnly);
    const wanted4 = isAsker4 ? wanted - ofOther : ofOther;
    const peers4 = this.#peersOf(slot, this.#window4, ENDPOINT4_BYTES, wanted4, leechersOnly, asker);
    const peers6 = this.#peersOf(slot, this.#window6, ENDPOINT6_BYTES, wanted - wanted4, leechersOnly, asker);
    if (form === 'native') this.#writeNatives(peers4, peers6);
    this.#answer.raw(PEERS);
    if (form === 'dictionaries') {
      this.#answer.raw(LIST);
      this.#writePeerDicts(peers4, ENDPOINT4_BYTES);
      this.#writePeerDicts(peers6, ENDPOINT6_BYTES);
      this.#answer.raw(END);
    } else {
      this.#answer.string(peers4);
      if (peers6.length > 0) {
        this.#answer.raw(PEERS6);
        this.#answer.string(peers6);
      }
    }
    this.#answer.raw(END);
  }

  /** For each peer, in the order in which they follow, a flag byte, and the id where it says so. */
  #writeNatives(peers4: Uint8Array, peers6: Uint8Array): void {
    let at = 0;
    const say = (endpoint: Uint8Array): void => {
      const id = this.#registrar.nodes.at(endpoint);
      this.#natives[at++] = id ? PROVEN : UNPROVEN;
      if (!id) return;
      this.#natives.set(id, at);
      at += NODE_ID_BYTES;
    };
    for (let i = 0; i < peers4.length; i += ENDPOINT4_BYTES) say(peers4.subarray(i, i + ENDPOINT4_BYTES));
    for (let i = 0; i < peers6.length; i += ENDPOINT6_BYTES) say(peers6.subarray(i, i + ENDPOINT6_BYTES));
    this.#answer.raw(NATIVES);
    this.#answer.string(this.#natives.subarray(0, at));
  }

  /** How many peers of the family that is not the asker's. */
  #wantedOfOther(slot: number, wanted: number, askerBytes: number, leechersOnly: boolean): number {
    const otherBytes = askerBytes === ENDPOINT4_BYTES ? ENDPOINT6_BYTES : ENDPOINT4_BYTES;
    const ofOwn = this.#swarms.available(slot, askerBytes, leechersOnly);
    const share = Math.max(Math.floor(wanted * OTHER_FAMILY_SHARE), wanted - ofOwn);
    return Math.min(share, this.#swarms.available(slot, otherBytes, leechersOnly));
  }

  /** Fills a window with endpoints of `width` bytes each. */
  #peersOf(
    slot: number,
    window: Uint8Array,
    width: number,
    wanted: number,
    leechersOnly: boolean,
    asker: Uint8Array,
  ): Uint8Array {
    const copied = wanted > 0 ? this.#swarms.copyWindow(slot, width, wanted, leechersOnly, asker, window, 0) : 0;
    return window.subarray(0, copied * width);
  }

  /** Peers as dictionaries of `ip` and `port`; peer ids are not kept, so every answer is as `no_peer_id=1` asks. */
  #writePeerDicts(peers: Uint8Array, width: number): void {
    for (let at = 0; at < peers.length; at += width) {
      const port = at + width - 2;
      this.#answer.raw(DICT_IP);
      this.#answer.string(bytesOfLatin1(formatIp(peers.subarray(at, port))));
      this.#answer.raw(DICT_PORT);
      this.#answer.digits((peers[port]! << 8) | peers[port + 1]!);
      this.#answer.raw(END_TWICE);
    }
  }
}
