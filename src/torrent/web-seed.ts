/**
 * What a web seed (BEP 19, GetRight style) is asked for: a torrent's blocks as stretches, a stretch as ranges of files,
 * a file as a URL. The names in a URL are the author's bytes, not the cleaned ones that a disk sees. Whether an answer
 * is the range that was asked for is decided here too; whether its bytes are right, the hashes tell.
 */
import { bencodeSteps, type Fault, fault, isFault, latin1, type Steps } from '../base/index.ts';
import { BLOCK_BYTES } from '../wire/index.ts';
import type { TorrentInfo } from './info.ts';
import type { FileSpan, Layout } from './layout.ts';
import type { RequestRun } from './picker.ts';
import { FILES_A_STEP, rawFilesOf, TORRENT_TOKENS_MAX } from './raw-file.ts';

/** Most bytes asked for at once: as much as one link may have on order. */
const STRETCH_BYTES_MAX = 4_194_304;

/** One block on order. */
export interface OrderedBlock {
  readonly piece: number;
  readonly offset: number;
  readonly length: number;
}

/** Neighbouring blocks, in order; at least one. */
export interface Stretch {
  /** Bytes into the torrent's byte stream. */
  readonly start: number;
  readonly length: number;
  readonly blocks: readonly OrderedBlock[];
}

/** The blocks on order from one web seed, in the order in which they were asked for. */
export class StretchQueue {
  readonly #layout: Layout;
  /** By place in the byte stream; bounded by the depth of one link. */
  readonly #blocks = new Map<number, OrderedBlock>();

  constructor(layout: Layout) {
    this.#layout = layout;
  }

  add({ piece, block, count, lastLength }: RequestRun): void {
    for (let i = 0; i < count; i++) {
      const offset = (block + i) * BLOCK_BYTES;
      const length = i === count - 1 ? lastLength : BLOCK_BYTES;
      this.#blocks.set(this.#placeOf(piece, offset), { piece, offset, length });
    }
  }

  /** Takes a block back; false when it is not waiting. */
  remove(piece: number, offset: number): boolean {
    return this.#blocks.delete(this.#placeOf(piece, offset));
  }

  /** The oldest block, and those behind it in the byte stream as far as they are on order. */
  take(): Stretch | undefined {
    for (const [start] of this.#blocks) {
      const blocks: OrderedBlock[] = [];
      let length = 0;
      for (;;) {
        const block = this.#blocks.get(start + length);
        if (!block || length + block.length > STRETCH_BYTES_MAX) return { start, length, blocks };
        this.#blocks.delete(start + length);
        blocks.push(block);
        length += block.length;
      }
    }
    return undefined;
  }

  #placeOf(piece: number, offset: number): number {
    return this.#layout.startOf(piece) + offset;
  }
}

/** Where one web seed has each file of a torrent; made once, for it reads the info dictionary again. */
export class WebSeedUrls {
  /** Percent-encoded name and path per file. */
  readonly #paths: readonly string[];
  readonly #isFolder: boolean;

  private constructor(paths: readonly string[], isFolder: boolean) {
    this.#paths = paths;
    this.#isFolder = isFolder;
  }

  static *of(info: TorrentInfo): Steps<WebSeedUrls> {
    return new WebSeedUrls(yield* encodedPaths(info), info.files[0]!.path.length > 1);
  }

  /** The URL of one file at a web seed. */
  urlOf(seed: string, file: number): string {
    if (!this.#isFolder && !seed.endsWith('/')) return seed;
    return `${seed}${seed.endsWith('/') ? '' : '/'}${this.#paths[file]}`;
  }
}

function* encodedPaths(info: TorrentInfo): Steps<string[]> {
  // It was parsed before, so that nothing of this can fail.
  const decoded = yield* bencodeSteps(info.raw, { anyKeyOrder: true, tokensMax: TORRENT_TOKENS_MAX });
  const dict = isFault(decoded) ? undefined : decoded.value;
  const files = dict instanceof Map ? yield* rawFilesOf(dict) : undefined;
  if (!(dict instanceof Map) || !Array.isArray(files)) return info.files.map(({ path }) => path.join('/'));
  const name = dict.get('name.utf-8') ?? dict.get('name');
  const encodedName = name instanceof Uint8Array ? percentEncoded(name) : '';
  const paths: string[] = [];
  for (const [i, { path }] of files.entries()) {
    if (i % FILES_A_STEP === 0) yield;
    paths.push([encodedName, ...path.map(percentEncoded)].join('/'));
  }
  return paths;
}

/** Every byte that is not a letter, digit or one of `-._~` as %XX (RFC 3986). */
function percentEncoded(bytes: Uint8Array): string {
  return latin1(bytes).replace(
    /[^A-Za-z0-9._~-]/g,
    (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}

/** The value of a Range header for a stretch of a file. */
export function rangeHeader({ offset, length }: FileSpan): string {
  return `bytes=${offset}-${offset + length - 1}`;
}

/**
 * Why an answer is not the stretch of a file that was asked for; undefined when it is. A server that ignores ranges and
 * sends the whole file is refused unless the whole file was meant.
 */
export function rangeRefusal(
  status: number,
  headers: Readonly<Record<string, string>>,
  span: FileSpan,
  fileLength: number,
): Fault<'web-seed-refused'> | undefined {
  const { offset, length } = span;
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') return refusal(`it answers in the encoding ${encoding.slice(0, 20)}`);
  if (status === 206) {
    const range = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(headers['content-range'] ?? '');
    const isAsked = range && Number(range[1]) === offset && Number(range[2]) === offset + length - 1;
    const isOurFile = range && (range[3] === '*' || Number(range[3]) === fileLength);
    return isAsked && isOurFile ? undefined : refusal('it answers with another range, or the file has another length');
  }
  if (status !== 200) return refusal(`it answers with HTTP ${status}`);
  const stated = headers['content-length'];
  if (length !== fileLength) return refusal('it ignores ranges');
  return stated === undefined || Number(stated) === fileLength ? undefined : refusal('the file has another length');
}

function refusal(text: string): Fault<'web-seed-refused'> {
  return fault('web-seed-refused', text);
}
