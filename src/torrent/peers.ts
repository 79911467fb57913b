/**
 * The peers of one torrent: known, connected, resting after a failure, banned. Decides whom to dial next; knows
 * nothing of sockets. Whether an address may be dialled at all is the dialler's rule.
 */
import { type Address, formatAddress, type Instant, later, type NodeId } from '../base/index.ts';
import type { LinkKind } from '../link/index.ts';
import type { FoundPeer } from './tracker-exchange.ts';

/** Most peers remembered per torrent (SAFETY, limits); the least promising leaves first. */
export const KNOWN_PEERS_MAX = 3000;
const RETRY_FIRST_MS = 15_000;
const RETRY_MAX_MS = 30 * 60_000;
/** Hosts banned at a time; the longest banned is forgotten first, for it costs a bad piece to be banned anew. */
const BANNED_MAX = 1000;
/** A peer that only ever failed is forgotten after this many tries. */
const FAILURES_MAX = 8;

/** Who told us of a peer. */
export type PeerSource = 'tracker' | 'dht' | 'pex' | 'lsd' | 'magnet' | 'incoming' | 'user';

interface KnownPeer {
  readonly address: Address;
  readonly source: PeerSource;
  /** The node that a supernode says it is. */
  nodeId: NodeId | undefined;
  /** How links to it begin, as it was heard or found out; undefined while nobody knows. */
  kind: LinkKind | undefined;
  /** It could be reached, but not in a way that hides enough. */
  isTooOpen: boolean;
  state: 'idle' | 'connecting' | 'connected';
  failures: number;
  retryAt: Instant | undefined;
}

/** A peer to dial. */
export type PeerToDial = Pick<KnownPeer, 'address' | 'source' | 'nodeId' | 'kind'>;

/** The table of one torrent. */
export class Peers {
  readonly #known = new Map<string, KnownPeer>();
  readonly #bannedHosts = new Set<string>();

  get size(): number {
    return this.#known.size;
  }

  /** Adds peers; those already known keep their history, and learn what they are if nobody knew. */
  note(peers: readonly FoundPeer[], source: PeerSource): void {
    for (const { host, port, nodeId, kind } of peers) {
      const address = { host, port };
      const key = formatAddress(address);
      const known = this.#known.get(key);
      if (known) {
        known.nodeId = nodeId ?? known.nodeId;
        known.kind = nodeId === undefined ? (known.kind ?? kind) : kind;
      }
      if (known || this.isBanned(host)) continue;
      if (this.#known.size >= KNOWN_PEERS_MAX && !this.#evict()) return;
      const history = { isTooOpen: false, state: 'idle', failures: 0, retryAt: undefined } as const;
      this.#known.set(key, { address, source, nodeId, kind, ...history });
    }
  }

  /** Forgets everybody whom another source named; without one, everybody. */
  keepOnly(source: PeerSource | undefined): void {
    for (const [key, peer] of this.#known) if (peer.source !== source) this.#known.delete(key);
  }

  knows(address: Address): boolean {
    return this.#known.has(formatAddress(address));
  }

  /** The next peer to dial, which counts as connecting from now on: the one that failed least, the longest known. */
  take(now: Instant): PeerToDial | undefined {
    let best: KnownPeer | undefined;
    for (const peer of this.#known.values()) {
      if (peer.state !== 'idle' || (peer.retryAt !== undefined && peer.retryAt > now)) continue;
      if (best === undefined || peer.failures < best.failures) best = peer;
      if (best.failures === 0) break;
    }
    if (best) best.state = 'connecting';
    return best;
  }

  /** When the next resting peer may be tried; undefined when none rests. */
  get nextRetry(): Instant | undefined {
    let next: Instant | undefined;
    for (const { state, retryAt } of this.#known.values()) {
      if (state === 'idle' && retryAt !== undefined && (next === undefined || retryAt < next)) next = retryAt;
    }
    return next;
  }

  get hasUntried(): boolean {
    for (const { state, retryAt } of this.#known.values()) if (state === 'idle' && retryAt === undefined) return true;
    return false;
  }

  /** How many peers could be reached but refused every encryption that our policy accepts. */
  get refusingEncryption(): number {
    let count = 0;
    for (const { isTooOpen } of this.#known.values()) if (isTooOpen) count++;
    return count;
  }

  /** A link is open; `kind` is how it began, and how the next one will. */
  connected(address: Address, kind: LinkKind): void {
    const peer = this.#known.get(formatAddress(address));
    if (!peer) return;
    peer.state = 'connected';
    peer.kind = kind;
    peer.isTooOpen = false;
    peer.failures = 0;
  }

  /**
   * A peer that could be reached took no way to begin a link that was tried: what was known of it is forgotten.
   * @param isTooOpen we insist on encryption
   */
  disagreed(address: Address, isTooOpen: boolean, now: Instant): void {
    const peer = this.#known.get(formatAddress(address));
    if (!peer) return;
    peer.kind = undefined;
    peer.isTooOpen = isTooOpen;
    this.closed(address, true, now);
  }

  /** A link that brings neither side anything ended: the peer rests for long. */
  retired(address: Address, now: Instant): void {
    const peer = this.#known.get(formatAddress(address));
    if (!peer) return;
    peer.state = 'idle';
    peer.retryAt = later(now, RETRY_MAX_MS);
  }

  /** Whoever dialled us is gone: it is remembered where it listens, and dialled back after a rest. */
  dialledUs(peer: FoundPeer, now: Instant): void {
    const isNew = !this.knows(peer);
    this.note([peer], 'incoming');
    if (isNew) this.closed(peer, false, now);
  }

  /** We want more than before: whoever was of no use may be now. */
  reconsider(): void {
    for (const peer of this.#known.values()) {
      if (peer.failures === 0 && peer.retryAt !== undefined) peer.retryAt = undefined;
    }
  }

  /** A link ended or a dial failed: the peer rests, twice as long after each failure in a row. */
  closed(address: Address, hasFailed: boolean, now: Instant): void {
    const key = formatAddress(address);
    const peer = this.#known.get(key);
    if (!peer) return;
    if (hasFailed && ++peer.failures >= FAILURES_MAX) {
      this.#known.delete(key);
      return;
    }
    peer.state = 'idle';
    peer.retryAt = later(now, Math.min(RETRY_FIRST_MS * 2 ** Math.max(0, peer.failures - 1), RETRY_MAX_MS));
  }

  /** Sent data that failed its hash: its host is neither dialled nor accepted again, whatever the port. */
  ban({ host }: Address): void {
    this.#bannedHosts.delete(host);
    this.#bannedHosts.add(host);
    if (this.#bannedHosts.size > BANNED_MAX) this.#bannedHosts.delete(this.#bannedHosts.values().next().value!);
    for (const [key, { address }] of this.#known) if (address.host === host) this.#known.delete(key);
  }

  isBanned(host: string): boolean {
    return this.#bannedHosts.has(host);
  }

  /** Makes room: the idle peer with most failures goes; false when all are in use. */
  #evict(): boolean {
    let worst: [string, number] | undefined;
    for (const [key, { state, failures }] of this.#known) {
      if (state === 'idle' && (worst === undefined || failures > worst[1])) worst = [key, failures];
    }
    return worst !== undefined && this.#known.delete(worst[0]);
  }
}
