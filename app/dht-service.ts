/** The Mainline DHT of a node, if its user switched it on: peers of torrents come from it, and supernodes. */
import type { Config } from '../config/index.ts';
import type { Address } from '../src/base/index.ts';
import type { Identity } from '../src/io/identity.ts';
import { openMainlineDht } from '../src/io/mainline-dht.ts';
import type { Torrents } from '../src/io/torrents.ts';
import type { UdpPort } from '../src/io/udp-port.ts';
import type { AddressBook } from './overlay/address-book.ts';
import type { Membership } from './overlay/membership.ts';
import type { WaysIn } from './overlay/ways-in.ts';
import type { Reach } from './reach.ts';
import { DhtRendezvous } from './sources/dht-rendezvous.ts';
import { DhtPeers } from './torrents/dht-peers.ts';

/** Where a DHT node listens whose port the user left out. */
const DEFAULT_PORT = 6881;

export interface DhtServiceSettings {
  readonly config: Config;
  readonly udp: UdpPort;
  readonly identity: Identity;
  readonly book: AddressBook;
  readonly reach: Reach;
  readonly torrents: Torrents;
  readonly membership: Membership;
  readonly waysIn: WaysIn;
}
export interface DhtService {
  close(): Promise<void>;
}

/** Joins the DHT on the node's UDP port; the DHT that we speak has IPv4 only. */
export async function openDhtService(settings: DhtServiceSettings): Promise<DhtService | undefined> {
  const { config, udp, identity, book, reach, torrents, membership, waysIn } = settings;
  if (!config.dht || !udp.hasFamilyOf('0.0.0.0')) return undefined;
  const bootstrap = config.dhtBootstrap.map(contactOf);
  const dht = await openMainlineDht({ udp, bootstrap, allowLocal: config.allowLocal });
  // The number under which a router passes our port on, if it does.
  const port = (): number => reach.external?.tcpPort ?? udp.port;
  const peers = new DhtPeers({ dht, torrents, port });
  const { network } = config;
  const own = () => membership.own;
  const rendezvous = new DhtRendezvous({ dht, network, self: identity.nodeId, book, port, own });
  waysIn.add(rendezvous);
  return {
    async close() {
      peers.close();
      rendezvous.close();
      await dht.close();
    },
  };
}

function contactOf(text: string): Address {
  const [, host, port] = /^\[?(.*?)\]?(?::([0-9]{1,5}))?$/.exec(text)!;
  return { host: host!, port: Number(port ?? DEFAULT_PORT) };
}
