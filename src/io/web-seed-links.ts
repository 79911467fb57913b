/**
 * Web seeds as links of one torrent's transfer (BEP 19): each has everything, chokes nobody, and is asked for its
 * blocks by HTTP, in ranges as long as the blocks adjoin. What comes is checked like any peer's data.
 */
import { type Fault, fault, type Instant, isFault } from '../base/index.ts';
import {
  type FileSpan,
  type Layout,
  type LinkId,
  type OrderedBlock,
  rangeHeader,
  rangeRefusal,
  type Stretch,
  StretchQueue,
  type TorrentInfo,
  type Transfer,
  WebSeeds,
  WebSeedUrls,
} from '../torrent/index.ts';
import { BLOCK_BYTES } from '../wire/index.ts';
import { now } from './alarm-clock.ts';
import type { BlockIntake } from './block-intake.ts';
import type { HttpClient, HttpHead } from './http-client.ts';
import { inTurns } from './in-turns.ts';
import { CLIENT_NAME } from './torrent-identity.ts';

const SILENCE_MS = 20_000;
/** Ranges asked of one web seed at a time: pieces seldom adjoin, and each answer is a round trip away. */
const RANGES_MAX = 4;
/** Requests per range: one, and three redirects. */
const HOPS_MAX = 4;
const ZEROS = new Uint8Array(BLOCK_BYTES);

/** The torrent that web seeds serve. */
export interface SeededTorrent {
  readonly info: TorrentInfo;
  readonly layout: Layout;
  readonly transfer: Transfer;
  readonly blocks: BlockIntake;
}

/** Whom web seeds report to. */
export interface WebSeedOwner {
  /** Facts were given to the transfer: time to act. */
  settled(): void;
  log(text: string): void;
}

/** All web seeds of one torrent. */
export class WebSeedLinks {
  readonly #torrent: SeededTorrent;
  readonly #http: HttpClient;
  readonly #owner: WebSeedOwner;
  readonly #seeds: WebSeeds;
  /** Bounded by the web seeds that may be open. */
  readonly #links = new Map<LinkId, WebSeedLink>();
  #urls: WebSeedUrls | undefined;
  #areUrlsRead = false;
  #hasEnded = false;

  /** Opens the web seeds of a torrent; undefined where it names none. */
  static open(
    urls: readonly string[],
    torrent: SeededTorrent,
    http: HttpClient,
    owner: WebSeedOwner,
  ): WebSeedLinks | undefined {
    if (urls.length === 0) return undefined;
    const links = new WebSeedLinks(urls, torrent, http, owner);
    links.openMore();
    return links;
  }

  private constructor(urls: readonly string[], torrent: SeededTorrent, http: HttpClient, owner: WebSeedOwner) {
    this.#torrent = torrent;
    this.#http = http;
    this.#owner = owner;
    this.#seeds = new WebSeeds(urls);
  }

  get(id: LinkId): WebSeedLink | undefined {
    return this.#links.get(id);
  }

  /** When `openMore` may find another one; undefined while nothing is wanted or all serve or none is left. */
  get openAt(): Instant | undefined {
    return this.#torrent.transfer.isUploadOnly ? undefined : this.#seeds.retryAt;
  }

  /** Makes links of as many web seeds as may serve now, while something is wanted. */
  openMore(): void {
    const { transfer, info } = this.#torrent;
    if (transfer.isUploadOnly || this.#hasEnded) return;
    const urls = this.#urls;
    if (!urls) return this.#readUrls(info);
    for (const { link: id, url } of this.#seeds.open(now())) {
      const link = new WebSeedLink(id, url, urls, this.#torrent, this.#http, {
        served: () => this.#seeds.served(id),
        failed: (why) => this.#failed(id, url, why),
        settled: () => this.#owner.settled(),
      });
      this.#links.set(id, link);
      // It is no host that could be dialled, or that hashes which fail could be counted against.
      const address = { host: URL.parse(url)?.hostname ?? url, port: 0 };
      transfer.input({ type: 'linkOpened', link: id, address, hasFast: false }, now());
      transfer.input({ type: 'haveAll', link: id }, now());
      transfer.input({ type: 'unchoked', link: id }, now());
    }
  }

  /** Opens more once it is known where they have each file, which takes time when there are many. */
  #readUrls(info: TorrentInfo): void {
    if (this.#areUrlsRead) return;
    this.#areUrlsRead = true;
    void inTurns(WebSeedUrls.of(info)).then((urls) => {
      if (this.#hasEnded) return;
      this.#urls = urls;
      this.openMore();
      this.#owner.settled();
    });
  }

  /** The transfer machine wants it closed; it knows that already. */
  close(id: LinkId, why: Fault, isBanned: boolean): void {
    const link = this.#links.get(id);
    if (!link) return;
    this.#links.delete(id);
    link.end();
    if (!isBanned) return this.#seeds.retired(id);
    this.#seeds.banned(id);
    this.#owner.log(`web seed ${link.url} is not asked again: ${why}`);
  }

  /** Ends every request. */
  end(): void {
    this.#hasEnded = true;
    for (const link of this.#links.values()) link.end();
    this.#links.clear();
  }

  #failed(id: LinkId, url: string, why: Fault): void {
    this.#links.delete(id);
    this.#seeds.failed(id, now());
    this.#owner.log(`web seed ${url}: ${why}`);
    this.#torrent.blocks.linkClosed(id);
    this.#torrent.transfer.input({ type: 'linkClosed', link: id }, now());
    this.#owner.settled();
  }
}

interface LinkEvents {
  /** A whole range came. */
  served(): void;
  failed(why: Fault): void;
  settled(): void;
}

/** One web seed; takes the same orders as a link to a peer. */
export class WebSeedLink {
  readonly url: string;
  readonly #id: LinkId;
  readonly #urls: WebSeedUrls;
  readonly #torrent: SeededTorrent;
  readonly #http: HttpClient;
  readonly #events: LinkEvents;
  readonly #queue: StretchQueue;
  /** At most RANGES_MAX. */
  readonly #fetches = new Set<RangeFetch>();
  #isAboutToFetch = false;
  #hasServed = false;
  #hasEnded = false;

  constructor(
    id: LinkId,
    url: string,
    urls: WebSeedUrls,
    torrent: SeededTorrent,
    http: HttpClient,
    events: LinkEvents,
  ) {
    this.#id = id;
    this.url = url;
    this.#urls = urls;
    this.#torrent = torrent;
    this.#http = http;
    this.#events = events;
    this.#queue = new StretchQueue(torrent.layout);
  }

  request(piece: number, block: number, count: number, lastLength: number): void {
    this.#queue.add({ piece, block, count, lastLength });
    if (this.#isAboutToFetch) return;
    this.#isAboutToFetch = true;
    // What is ordered in the same step may adjoin.
    queueMicrotask(() => {
      this.#isAboutToFetch = false;
      this.#fetchMore();
    });
  }

  cancel(piece: number, offset: number, _length: number): void {
    if (this.#queue.remove(piece, offset)) return;
    for (const fetch of this.#fetches) fetch.cancel(piece, offset);
  }

  end(): void {
    this.#hasEnded = true;
    for (const fetch of this.#fetches) fetch.abort();
  }

  #fetchMore(): void {
    // Until it is known to serve ranges, one request is enough to learn that it does not.
    while (!this.#hasEnded && this.#fetches.size < (this.#hasServed ? RANGES_MAX : 1)) {
      const stretch = this.#queue.take();
      if (!stretch) return;
      void this.#fetch(stretch);
    }
  }

  async #fetch(stretch: Stretch): Promise<void> {
    const fetch = new RangeFetch(stretch, (block, bytes) => this.#arrived(block, bytes));
    this.#fetches.add(fetch);
    const problem = await this.#fetchStretch(stretch, fetch);
    this.#fetches.delete(fetch);
    if (this.#hasEnded) return;
    if (problem && !fetch.isAborted) {
      this.end();
      return this.#events.failed(problem);
    }
    if (!problem) {
      this.#hasServed = true;
      this.#events.served();
    }
    this.#fetchMore();
  }

  async #fetchStretch({ start, length }: Stretch, fetch: RangeFetch): Promise<Fault | undefined> {
    const { info, layout } = this.#torrent;
    for (const span of layout.spans(start, length)) {
      if (info.files[span.file]!.isPadding) {
        for (let left = span.length; left > 0; left -= ZEROS.length) fetch.take(ZEROS.subarray(0, left));
        this.#events.settled();
        continue;
      }
      const problem = await this.#fetchSpan(span, fetch);
      if (problem) return problem;
    }
    return undefined;
  }

  async #fetchSpan(span: FileSpan, fetch: RangeFetch): Promise<Fault | undefined> {
    let url = URL.parse(this.#urls.urlOf(this.url, span.file));
    for (let hop = 0; hop < HOPS_MAX; hop++) {
      if (!url || !/^https?:$/.test(url.protocol)) return fault('web-seed-refused', 'it leads out of the web');
      const got = await this.#ask(url, span, fetch);
      if (!(got instanceof URL)) return got;
      url = got;
    }
    return fault('web-seed-refused', 'it redirects in a circle');
  }

  /** Asks one server; undefined when the whole span came, a URL to ask instead when it redirects. */
  async #ask(url: URL, span: FileSpan, fetch: RangeFetch): Promise<URL | Fault | undefined> {
    const request = {
      origin: url.origin,
      path: url.pathname + url.search,
      headers: { 'user-agent': CLIENT_NAME, 'accept-encoding': 'identity', range: rangeHeader(span) },
      silenceMs: SILENCE_MS,
      signal: fetch.signal,
    };
    const fileLength = this.#torrent.info.files[span.file]!.length;
    let left = span.length;
    let refusal: Fault | undefined;
    const head = await this.#http.stream(request, ({ status, headers }) => {
      refusal = rangeRefusal(status, headers, span, fileLength);
      if (refusal) return undefined;
      return (bytes) => {
        left -= bytes.length;
        if (left < 0 || fetch.isAborted) return false;
        fetch.take(bytes);
        this.#events.settled();
        return !fetch.isAborted;
      };
    });
    if (isFault(head)) return head;
    const location = redirectOf(head);
    if (location !== undefined) return URL.parse(location, url) ?? fault('web-seed-refused', 'it redirects nowhere');
    if (refusal) return refusal;
    return left === 0
      ? undefined
      : fault('web-seed-refused', `its answer is ${left > 0 ? 'shorter' : 'longer'} than it said`);
  }

  #arrived({ piece, offset, length }: OrderedBlock, bytes: Uint8Array): void {
    const { blocks, transfer } = this.#torrent;
    // Taken back meanwhile, or somebody else was faster.
    const place = blocks.place(this.#id, piece, offset, length);
    if (!place) return;
    place.set(bytes);
    if (!blocks.arrived(this.#id, piece, offset, length)) return;
    transfer.input({ type: 'blockArrived', link: this.#id, piece, offset }, now());
  }
}

/** The arrival of one stretch: bytes become blocks again. */
class RangeFetch {
  readonly #blocks: readonly OrderedBlock[];
  readonly #arrived: (block: OrderedBlock, bytes: Uint8Array) => void;
  readonly #abort = new AbortController();
  readonly #partial = new Uint8Array(BLOCK_BYTES);
  #filled = 0;
  #next = 0;
  /** Blocks that came or are waited for; nobody waits for the others any more. */
  readonly #wanted: Set<OrderedBlock>;

  constructor({ blocks }: Stretch, arrived: (block: OrderedBlock, bytes: Uint8Array) => void) {
    this.#blocks = blocks;
    this.#arrived = arrived;
    this.#wanted = new Set(blocks);
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }
  get isAborted(): boolean {
    return this.#abort.signal.aborted;
  }

  abort(): void {
    this.#abort.abort();
  }

  /** One block is not wanted any more; without any left the request ends. */
  cancel(piece: number, offset: number): void {
    for (const block of this.#wanted) {
      if (block.piece === piece && block.offset === offset) this.#wanted.delete(block);
    }
    if (this.#wanted.size === 0) this.abort();
  }

  take(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const block = this.#blocks[this.#next]!;
      const part = bytes.subarray(at, at + block.length - this.#filled);
      at += part.length;
      this.#partial.set(part, this.#filled);
      this.#filled += part.length;
      if (this.#filled < block.length) continue;
      this.#filled = 0;
      this.#next++;
      this.#wanted.delete(block);
      this.#arrived(block, this.#partial.subarray(0, block.length));
    }
  }
}

function redirectOf({ status, headers }: HttpHead): string | undefined {
  return status >= 300 && status < 400 ? headers.location : undefined;
}
