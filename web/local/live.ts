/**
 * What the node says by itself: its status, its torrents and the ring, as they change. One stream is open while
 * somebody looks at the page; when it ends, it is opened again, and everything is told anew.
 */
import type { NodeStatus, SupernodeRow, TorrentRow } from '../../app/running-node.ts';
import { openStream } from './api.ts';
import { EventReader, type ServerEvent } from './event-stream.ts';
import { Store } from './store.ts';

const RETRY_MS = 1000;

export type Torrents = ReadonlyMap<string, TorrentRow>;

/** Undefined until the node has said it. */
export const status = new Store<NodeStatus | undefined>(undefined);
/** By info hash, in the order in which they were added. */
export const torrents = new Store<Torrents>(new Map());
export const supernodes = new Store<readonly SupernodeRow[] | undefined>(undefined);
/** Why nothing comes at present; undefined while it does, and before the first attempt has ended. */
export const interruption = new Store<string | undefined>(undefined);

/** What `torrents` events carry: all rows, or those that changed. */
interface TorrentsChange {
  readonly isWhole: boolean;
  readonly rows: readonly TorrentRow[];
  readonly gone: readonly string[];
}

const TAKERS: Readonly<Record<string, (data: string) => void>> = {
  status: (data) => {
    status.value = JSON.parse(data);
  },
  supernodes: (data) => {
    supernodes.value = JSON.parse(data);
  },
  torrents: (data) => {
    const { isWhole, rows, gone }: TorrentsChange = JSON.parse(data);
    const known = new Map(isWhole ? [] : torrents.value);
    for (const row of rows) known.set(row.infoHash, row);
    for (const infoHash of gone) known.delete(infoHash);
    torrents.value = known;
  },
};

/** Follows the node while the page is visible, for as long as the page is open. */
export function goLive(): void {
  let current: AbortController | undefined;
  const look = (): void => {
    if (document.hidden) {
      current?.abort();
      current = undefined;
    } else if (!current) {
      current = new AbortController();
      void follow(current.signal);
    }
  };
  document.addEventListener('visibilitychange', look);
  look();
}

async function follow(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await readAll(await openStream('/api/events', signal));
      interruption.value = 'monsoon has stopped. This page goes on when it is back.';
    } catch (error) {
      if (signal.aborted) return;
      interruption.value = (error as Error).message;
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

async function readAll(stream: ReadableStream<Uint8Array>): Promise<void> {
  const reader = stream.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  const events = new EventReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    for (const event of events.take(value)) takeIn(event);
    interruption.value = undefined;
  }
}

function takeIn({ type, data }: ServerEvent): void {
  TAKERS[type]?.(data);
}
