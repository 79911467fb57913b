/** Reads info dictionaries of strangers without holding up the event loop. */
import { type InfoFault, infoSteps, type TorrentInfo } from '../torrent/index.ts';
import { sha1 } from './hash.ts';
import { inTurns } from './in-turns.ts';

/** As `parseInfo` of src/torrent, a few milliseconds at a time. @param raw not to be changed meanwhile */
export function readInfo(raw: Uint8Array): Promise<TorrentInfo | InfoFault> {
  return inTurns(infoSteps(raw, sha1));
}
