/**
 * The web seeds of one torrent: which of them serve as links, which rest after a failure, and which sent bad data and
 * are never asked again. Knows neither what is asked nor how.
 */
import { type Instant, later } from '../base/index.ts';
import type { LinkId } from './ledger.ts';

/** Web seeds of one torrent that serve at a time. */
const OPEN_MAX = 4;
const RETRY_FIRST_MS = 30_000;
const RETRY_MAX_MS = 3_600_000;

/** Link ids of web seeds begin here, those of peers stay below. */
const LINK_IDS_FROM = 0x4000_0000;

interface WebSeed {
  readonly url: string;
  readonly link: LinkId;
  state: 'idle' | 'open' | 'banned';
  failures: number;
  retryAt: Instant | undefined;
}

/** A web seed that serves from now on. */
export type OpenWebSeed = Pick<WebSeed, 'url' | 'link'>;

/** The table of one torrent's web seeds. */
export class WebSeeds {
  /** As many as a torrent or magnet may name. */
  readonly #seeds: readonly WebSeed[];

  constructor(urls: readonly string[]) {
    this.#seeds = urls.map((url, i) => ({
      url,
      link: LINK_IDS_FROM + i,
      state: 'idle',
      failures: 0,
      retryAt: undefined,
    }));
  }

  /** Opens as many as may serve now. */
  open(now: Instant): OpenWebSeed[] {
    const opened: OpenWebSeed[] = [];
    let room = OPEN_MAX - this.#seeds.filter(({ state }) => state === 'open').length;
    for (const seed of this.#seeds) {
      if (room === 0) break;
      if (seed.state !== 'idle' || (seed.retryAt !== undefined && seed.retryAt > now)) continue;
      seed.state = 'open';
      opened.push(seed);
      room--;
    }
    return opened;
  }

  /** When `open` may find another one; undefined when none rests or there is no room. */
  get retryAt(): Instant | undefined {
    if (this.#seeds.filter(({ state }) => state === 'open').length === OPEN_MAX) return undefined;
    let first: Instant | undefined;
    for (const { state, retryAt } of this.#seeds) {
      if (state === 'idle' && retryAt !== undefined && (first === undefined || retryAt < first)) first = retryAt;
    }
    return first;
  }

  /** It sent what was asked for: earlier failures say nothing any more. */
  served(link: LinkId): void {
    this.#of(link).failures = 0;
  }

  /** It could not be reached or refused: it rests, twice as long each time. */
  failed(link: LinkId, now: Instant): void {
    const seed = this.#of(link);
    seed.state = 'idle';
    seed.retryAt = later(now, Math.min(RETRY_FIRST_MS * 2 ** seed.failures, RETRY_MAX_MS));
    seed.failures++;
  }

  /** It is not needed now. */
  retired(link: LinkId): void {
    this.#of(link).state = 'idle';
  }

  /** It sent bad data. */
  banned(link: LinkId): void {
    this.#of(link).state = 'banned';
  }

  #of(link: LinkId): WebSeed {
    return this.#seeds[link - LINK_IDS_FROM]!;
  }
}
