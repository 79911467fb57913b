/** The ways in which a download begins: a text that names it, or a .torrent file. */
import type { TorrentRow } from '../../../app/running-node.ts';
import { change, upload } from '../api.ts';
import { attempt, say } from '../notices.ts';

const TORRENT_BYTES_MAX = 10 * 2 ** 20;

/**
 * @param what a magnet link, an info hash or a listed name
 * @param known its name, which the node does not know before it has the metadata
 */
export function fetchTorrent(what: string, known?: string): Promise<TorrentRow | undefined> {
  return attempt(
    () => change<TorrentRow>('/api/get', { what }),
    ({ name }) => `Fetching ${known ?? name}`,
  );
}

/** Fetches what a .torrent file describes. */
export async function fetchFile(file: File): Promise<TorrentRow | undefined> {
  if (file.size > TORRENT_BYTES_MAX) {
    say('problem', `${file.name} is too large for a torrent file.`);
    return undefined;
  }
  return attempt(
    () => upload<TorrentRow>('/api/torrent-files', file),
    ({ name }) => `Fetching ${name}`,
  );
}

/** Fetches what was dropped or pasted; false when it is nothing of ours. */
export function fetchTransfer(transfer: DataTransfer): boolean {
  const files = [...transfer.files].filter(({ name }) => /\.torrent$/i.test(name));
  for (const file of files) void fetchFile(file);
  if (files.length > 0) return true;
  const text = transfer.getData('text/plain').trim();
  if (!/^magnet:\?/i.test(text)) return false;
  void fetchTorrent(text);
  return true;
}
