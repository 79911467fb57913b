/**
 * The Mainline DHT (BEP 5) by the bittorrent-dht package, which is imported here alone and never bare: it speaks
 * through a GuardedSocket, and its answers are cut to what a hostile asker may draw. IPv4 only, as the package is.
 */
import Dht, { type KrpcSocket } from 'bittorrent-dht';
import {
  type Address,
  concatBytes,
  type InfoHash,
  infoHashBytes,
  infoHashOfBytes,
  type NodeId,
  nodeIdBytes,
  nodeIdOfBytes,
  type Sign,
  utf8,
} from '../base/index.ts';
import type { BoundNetwork } from './bound-network.ts';
import { lookUpHosts } from './dns-lookup.ts';
import { type GuardCounts, GuardedSocket } from './guarded-socket.ts';
import { sha1 } from './hash.ts';
import { verify } from './identity.ts';
import type { UdpPort } from './udp-port.ts';

/** How long an announced peer is handed out. */
const PEER_AGE_MS = 30 * 60_000;
const PEERS_MAX = 10_000;
const PEERS_PER_SWARM_MAX = 500;
/** One host is not a crowd: ports beyond these would only steer a swarm at it. */
const PEERS_PER_HOST_MAX = 3;
const PEERS_PER_ANSWER_MAX = 50;
const CONTACTS_PER_ANSWER_MAX = 8;
/** Largest value of an item, as the package takes it. */
export const ITEM_BYTES_MAX = 990;
/** Lookups whose closest nodes are kept for the announce that follows. */
const TABLES_MAX = 100;
/** BEP 44 items kept for others, of at most 1,000 bytes each. */
const ITEMS_MAX = 500;

/** What to speak on, whom to start from. */
export interface MainlineDhtOptions {
  /** Its socket must have IPv4. */
  readonly udp: UdpPort;
  /** Nodes to start from; host names are looked up each time anew. */
  readonly bootstrap: readonly Address[];
  /** Lets queries go to loopback and private addresses (development and tests). */
  readonly allowLocal: boolean;
}

/** A node of the Mainline DHT. */
export interface MainlineDht {
  readonly guard: GuardCounts;
  /** Walks towards the hash and reports each peer found, repeats included; resolves when the walk ends or on close. */
  lookup(infoHash: InfoHash, onPeer: (peer: Address) => void): Promise<void>;
  /** Announces a TCP port of this host; resolves to the number of nodes that took it, 0 when there was none. */
  announce(infoHash: InfoHash, port: number): Promise<number>;
  /** Stores a signed item (BEP 44); resolves to the number of nodes that took it. */
  put(item: DhtItem): Promise<number>;
  /** The newest signed item of a key and salt; undefined when there is none. */
  get(key: NodeId, salt: string): Promise<Uint8Array | undefined>;
  close(): Promise<void>;
}

/** A mutable item (BEP 44). */
export interface DhtItem {
  readonly key: NodeId;
  readonly sign: Sign;
  readonly salt: string;
  /** Of two items the one with the higher number stays. */
  readonly sequence: number;
  /** At most ITEM_BYTES_MAX. */
  readonly value: Uint8Array;
}

/** Starts; the socket stays open after the close. */
export async function openMainlineDht(options: MainlineDhtOptions): Promise<MainlineDht> {
  const socket = new GuardedSocket(options.udp, options.allowLocal);
  const dht = new Dht({
    socket,
    bootstrap: options.bootstrap,
    maxAge: PEER_AGE_MS,
    maxPeers: PEERS_MAX,
    maxTables: TABLES_MAX,
    maxValues: ITEMS_MAX,
    verify: isSignedBy,
  });
  boundAnswers(dht);
  dht._rpc.socket._resolveAndQuery = resolving(dht._rpc.socket, options.udp.network);
  await listening(dht);
  // The package gives up its callbacks when it is destroyed in the middle of a walk; these end what still waits.
  const endings = new Set<() => void>();
  const untilClosed = <Result>(start: (done: (result: Result) => void) => void, atClose: Result): Promise<Result> =>
    new Promise((resolve) => {
      const done = (result: Result): void => {
        endings.delete(end);
        resolve(result);
      };
      const end = (): void => done(atClose);
      endings.add(end);
      start(done);
    });
  return {
    get guard() {
      return socket.counts;
    },
    async lookup(infoHash, onPeer) {
      const hear = (peer: Address, found: Buffer): void => {
        if (infoHashOfBytes(found) === infoHash) onPeer({ host: peer.host, port: peer.port });
      };
      dht.on('peer', hear);
      await untilClosed<void>((done) => dht.lookup(infoHashBytes(infoHash), () => done()), undefined);
      dht.off('peer', hear);
    },
    announce: (infoHash, port) =>
      untilClosed((done) => dht.announce(infoHashBytes(infoHash), port, (_error, takers) => done(takers ?? 0)), 0),
    put: ({ key, sign, salt, sequence, value }) => {
      const item = { k: Buffer.from(nodeIdBytes(key)), salt: Buffer.from(salt), seq: sequence, v: Buffer.from(value) };
      const signing = (signed: Uint8Array): Buffer => Buffer.from(sign(signed));
      return untilClosed((done) => dht.put({ ...item, sign: signing }, (_error, _key, takers) => done(takers ?? 0)), 0);
    },
    get: (key, salt) =>
      untilClosed<Uint8Array | undefined>((done) => {
        const target = sha1(concatBytes([nodeIdBytes(key), utf8(salt)]));
        dht.get(Buffer.from(target), { salt: Buffer.from(salt), cache: false }, (_error, item) => {
          done(item?.v instanceof Uint8Array ? item.v : undefined);
        });
      }, undefined),
    async close() {
      const closed = new Promise<void>((resolve) => dht.destroy(resolve));
      for (const end of endings) end();
      await closed;
    },
  };
}

function isSignedBy(signature: Uint8Array, signed: Uint8Array, key: Uint8Array): boolean {
  const signer = nodeIdOfBytes(key);
  return signer !== undefined && verify(signature, signed, signer);
}

/** Puts the package's unbounded answers and swarms behind bounds. */
function boundAnswers(dht: Dht): void {
  // Lookups inside the package name their own counts; only its answers to others ask for everything.
  const { nodes, _peers: peers } = dht;
  const closest = nodes.closest.bind(nodes);
  nodes.closest = (id, count = CONTACTS_PER_ANSWER_MAX) => closest(id, count);
  const get = peers.get.bind(peers);
  const add = peers.add.bind(peers);
  peers.get = (infoHash, count = PEERS_PER_ANSWER_MAX) => get(infoHash, count);
  peers.add = (infoHash, peer) => {
    const swarm = get(infoHash);
    const isKnown = swarm.some((known) => known.equals(peer));
    const ofHost = swarm.filter((known) => known.readUInt32BE(0) === peer.readUInt32BE(0)).length;
    if (isKnown || (swarm.length < PEERS_PER_SWARM_MAX && ofHost < PEERS_PER_HOST_MAX)) add(infoHash, peer);
  };
}

/** Names are looked up by the way that the node is bound to; the package would leave that to the system. */
function resolving(socket: KrpcSocket, network: BoundNetwork): KrpcSocket['_resolveAndQuery'] {
  return (peer, query, done) => {
    void lookUpHosts(peer.host, network).then((hosts) => {
      const host = hosts.find((each) => !each.includes(':'));
      if (host === undefined || socket.destroyed) done(new Error(`${peer.host} does not resolve`));
      else socket.query({ host, port: peer.port }, query, done);
    });
  };
}

async function listening(dht: Dht): Promise<void> {
  // As many lookups listen for peers as torrents ask at a time.
  dht.setMaxListeners(0);
  // An error is the loss of a datagram, which the package's own timeouts deal with.
  dht.on('error', () => undefined);
  await new Promise<void>((resolve) => {
    dht.once('listening', () => resolve());
    dht.listen();
  });
}
