/**
 * What the page is told without asking: status, torrents and supernodes as server-sent events, each when it changed.
 * Nothing is looked at while no stream is open, and a reader that is slow gets the latest state, not what it missed.
 */
import type { ServerResponse } from 'node:http';
import type { RunningNode } from '../running-node.ts';

/** Streams open at a time: a page holds one while somebody looks at it. */
const STREAMS_MAX = 16;
const TICK_MS = 1000;

/** What is asked once a tick, for all streams together. */
type Source = Pick<RunningNode, 'status' | 'torrents' | 'supernodes'>;

interface Stream {
  readonly response: ServerResponse;
  /** It missed a tick, or had none yet, so that changes alone would not do. */
  isBehind: boolean;
}

/** One tick: the rows as texts, so that what changed is seen by comparing. */
interface Snapshot {
  readonly status: string;
  readonly supernodes: string;
  /** By info hash. */
  readonly torrents: ReadonlyMap<string, string>;
}

export class EventStreams {
  readonly #source: Source;
  readonly #streams = new Set<Stream>();
  #timer: NodeJS.Timeout | undefined;
  #last: Snapshot | undefined;

  constructor(source: Source) {
    this.#source = source;
  }

  /** Whether no further stream may begin. */
  get isFull(): boolean {
    return this.#streams.size >= STREAMS_MAX;
  }

  /** Begins a stream with everything; it goes on until its reader leaves. */
  begin(response: ServerResponse): void {
    const stream = { response, isBehind: true };
    this.#streams.add(stream);
    response.once('close', () => this.#forget(stream));
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS);
    // The others hear of what they would otherwise miss: changes count from here.
    this.#tick();
  }

  /** Ends every stream. */
  close(): void {
    for (const { response } of this.#streams) response.end();
    this.#streams.clear();
    this.#rest();
  }

  #forget(stream: Stream): void {
    this.#streams.delete(stream);
    if (this.#streams.size === 0) this.#rest();
  }

  #rest(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#last = undefined;
  }

  #tick(): void {
    const before = this.#last;
    this.#last = this.#look();
    for (const stream of this.#streams) {
      if (stream.response.writableNeedDrain) stream.isBehind = true;
      else this.#tell(stream, this.#last, before);
    }
  }

  #look(): Snapshot {
    return {
      status: JSON.stringify(this.#source.status()),
      supernodes: JSON.stringify(this.#source.supernodes()),
      torrents: new Map(this.#source.torrents().map((row) => [row.infoHash, JSON.stringify(row)])),
    };
  }

  #tell(stream: Stream, now: Snapshot, last: Snapshot | undefined): void {
    const before = stream.isBehind ? undefined : last;
    stream.isBehind = false;
    const parts: string[] = [];
    if (now.status !== before?.status) parts.push(eventText('status', now.status));
    if (now.supernodes !== before?.supernodes) parts.push(eventText('supernodes', now.supernodes));
    const torrents = torrentsChange(now.torrents, before?.torrents);
    if (torrents !== undefined) parts.push(eventText('torrents', torrents));
    if (parts.length > 0) stream.response.write(parts.join(''));
  }
}

/** JSON of the rows that changed and of those that are gone; undefined when nothing did. */
function torrentsChange(now: Snapshot['torrents'], before: Snapshot['torrents'] | undefined): string | undefined {
  const rows = [...now].filter(([infoHash, row]) => before?.get(infoHash) !== row).map(([, row]) => row);
  const gone = [...(before?.keys() ?? [])].filter((infoHash) => !now.has(infoHash));
  if (before && rows.length === 0 && gone.length === 0) return undefined;
  return `{"isWhole":${before === undefined},"rows":[${rows.join(',')}],"gone":${JSON.stringify(gone)}}`;
}

/** JSON holds no line break, which would end an event. */
function eventText(type: string, json: string): string {
  return `event: ${type}\ndata: ${json}\n\n`;
}
