/**
 * When the machines of one torrent want to be woken, and the tick that each is given then. Refuses to know the timer,
 * and what follows from a tick.
 */
import { earliest, type Instant } from '../base/index.ts';
import type { Peers } from '../torrent/index.ts';
import type { Announcer } from './announcer.ts';
import type { LinkGroup } from './link-group.ts';
import type { PexHost } from './pex-host.ts';
import type { TorrentParts } from './torrent-parts.ts';

/** Whose deadlines count. */
export interface Clocked {
  /** Those that exist yet. */
  readonly parts: Readonly<TorrentParts>;
  readonly announcer: Announcer;
  readonly pex: PexHost;
  readonly links: LinkGroup;
  readonly peers: Peers;
}

/** The clock of one torrent. */
export class HostClock {
  readonly #clocked: Clocked;

  constructor(clocked: Clocked) {
    this.#clocked = clocked;
  }

  /** When the next tick is due; undefined while nobody waits for one. */
  get at(): Instant | undefined {
    const { parts, announcer, pex, links } = this.#clocked;
    const { transfer, metadata, webSeeds } = parts;
    let at = earliest(transfer?.deadline?.at, metadata?.deadline?.at);
    at = earliest(earliest(at, announcer.deadline?.at), pex.deadline?.at);
    at = earliest(at, links.attendAt);
    at = earliest(at, webSeeds?.openAt);
    // While links are busy there is a tick every second, which dials too.
    if (!transfer?.deadline) at = earliest(at, links.dialAt);
    return at;
  }

  tick(time: Instant): void {
    const { parts, announcer, pex, links, peers } = this.#clocked;
    parts.transfer?.input({ type: 'tick' }, time);
    parts.metadata?.note({ type: 'tick' });
    const isComplete = parts.transfer?.isComplete ?? false;
    const isHungry = !isComplete && !peers.hasUntried && [...links.greeted()].length === 0;
    announcer.note({ type: 'hungry', isHungry });
    announcer.note({ type: 'tick' });
    pex.note({ type: 'tick' });
    links.attend(time);
  }
}
