/** Carries out what the transfer machine of one torrent orders: messages on links, and the last steps of pieces. */
import { unreachable } from '../base/index.ts';
import type { LinkId, Peers, TransferEffect } from '../torrent/index.ts';
import type { LinkGroup } from './link-group.ts';
import type { PeerLink } from './peer-link.ts';
import type { PieceFinisher } from './piece-finisher.ts';
import type { TorrentParts } from './torrent-parts.ts';
import type { WebSeedLink } from './web-seed-links.ts';

/** Who carries the orders out. */
export interface TransferHands {
  readonly links: LinkGroup;
  readonly peers: Peers;
  readonly finisher: PieceFinisher;
  /** Peers know us as somebody who wants something, or nothing: that has changed. */
  standingChanged(): void;
  /** Everything that is selected is stored. */
  completed(): void;
}

/** The effects of one torrent's transfer machine. */
export class TransferOrders {
  readonly #parts: Readonly<TorrentParts>;
  readonly #hands: TransferHands;

  constructor(parts: Readonly<TorrentParts>, hands: TransferHands) {
    this.#parts = parts;
    this.#hands = hands;
  }

  /** Carries out everything ordered so far, and what follows from it at once. */
  carryOut(): void {
    for (let effects = this.#take(); effects.length > 0; effects = this.#take()) {
      for (const effect of effects) this.#perform(effect);
    }
  }

  #take(): TransferEffect[] {
    return this.#parts.transfer?.effects() ?? [];
  }

  #perform(effect: TransferEffect): void {
    const { links, finisher } = this.#hands;
    switch (effect.type) {
      case 'request':
        return this.#link(effect.link)?.request(effect.piece, effect.block, effect.count, effect.lastLength);
      case 'cancel':
        return this.#link(effect.link)?.cancel(effect.piece, effect.offset, effect.length);
      case 'interest':
        return links.get(effect.link)?.setInterest(effect.isInterested);
      case 'choke':
        return links.get(effect.link)?.setChoke(effect.isChoked);
      case 'announceHave':
        return this.#announceHave(effect.piece);
      case 'check':
        return finisher.check(effect.piece);
      case 'store':
        return finisher.store(effect.piece);
      case 'drop':
        return this.#parts.disk?.intake.drop(effect.piece);
      case 'close':
        return this.#close(effect);
      case 'standing':
        return this.#hands.standingChanged();
      case 'complete':
        return this.#hands.completed();
      default:
        unreachable(effect);
    }
  }

  /** Whom blocks are asked of: a peer, or a web seed. */
  #link(id: LinkId): PeerLink | WebSeedLink | undefined {
    return this.#hands.links.get(id) ?? this.#parts.webSeeds?.get(id);
  }

  /** Tells those who lack the piece, and those who read. */
  #announceHave(piece: number): void {
    this.#parts.content?.noteStored();
    for (const link of this.#hands.links.greeted()) {
      if (!this.#parts.transfer?.links.get(link.id)?.has.has(piece)) link.announceHave(piece);
    }
  }

  #close({ link: id, why, isBanned }: Extract<TransferEffect, { type: 'close' }>): void {
    const link = this.#hands.links.get(id);
    if (isBanned && link) this.#hands.peers.ban(link.address);
    link?.close(why);
    this.#parts.webSeeds?.close(id, why, isBanned);
  }
}
