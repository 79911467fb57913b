/** Hosts one torrent's peer exchange: turns links into facts, and what follows into messages and peers to dial. */
import type { Deadline } from '../base/index.ts';
import { type FoundPeer, type LinkId, PeerExchange, type PexInput } from '../torrent/index.ts';
import { type ExtendedHandshake, PEX_FLAG, type PexMessage } from '../wire/index.ts';
import { now } from './alarm-clock.ts';
import { trustOf } from './dialler.ts';
import type { LinkGroup } from './link-group.ts';
import type { PeerLink } from './peer-link.ts';

/** One torrent's exchange. */
export class PexHost {
  readonly #exchange: PeerExchange;
  readonly #links: () => LinkGroup;

  constructor(links: () => LinkGroup, isSeed: (link: LinkId) => boolean) {
    this.#links = links;
    this.#exchange = new PeerExchange(isSeed);
  }

  get deadline(): Deadline | undefined {
    return this.#exchange.deadline;
  }

  /** A link's peer said what it speaks, and where it listens. */
  ready({ id, address, isIncoming, encryption }: PeerLink, { pexId, listenPort }: ExtendedHandshake): void {
    const listens = listenPort === undefined ? undefined : { host: address.host, port: listenPort };
    const isHidden = encryption === 'tls' || encryption === 'rc4';
    const flags =
      (isHidden ? PEX_FLAG.encryption : 0) |
      (encryption === 'tls' ? PEX_FLAG.tls : 0) |
      (isIncoming ? 0 : PEX_FLAG.reachable);
    this.note({
      type: 'linkReady',
      link: id,
      host: address.host,
      address: isIncoming ? listens : address,
      flags,
      speaksPex: pexId !== undefined,
    });
  }

  heard(link: PeerLink, message: PexMessage): void {
    this.note({ type: 'heard', link: link.id, message });
  }

  /** Passes a fact on and carries out what follows. */
  note(fact: PexInput): void {
    this.#exchange.input(fact, now());
    const links = this.#links();
    for (const effect of this.#exchange.effects()) {
      const link = links.get(effect.link);
      if (!link) continue;
      if (effect.type === 'send') {
        link.sendPex(effect.message);
        continue;
      }
      // Whoever is on our own network may know others there; nobody else's word opens a private address.
      const peers = effect.peers.map(
        ({ address, flags }): FoundPeer => (flags & PEX_FLAG.tls ? { ...address, kind: 'tls' } : address),
      );
      links.learn(peers, 'pex', trustOf(link.address.host));
    }
  }
}
