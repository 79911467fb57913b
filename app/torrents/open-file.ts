/** One file of a torrent, for whoever reads it while it comes. */
import { MonsoonError } from '../../src/base/index.ts';
import { whyUnreadable } from '../../src/io/content-readers.ts';
import type { Torrent } from '../../src/io/torrent.ts';
import type { OpenFile } from '../streamed-file.ts';

/** Throws a MonsoonError where there is no such file, or nothing of it can come now. */
export function openFile(torrent: Torrent, index: number): OpenFile {
  const { info, spec } = torrent;
  const why = whyUnreadable(torrent);
  if (why) throw why;
  if (!info) throw new MonsoonError('refused', `The files of ${spec.name} are not known yet. Run "monsoon ps".`);
  const file = info.files[index];
  if (!file || file.isPadding) {
    throw new MonsoonError('not-found', `${info.name} has no file ${index}. Run "monsoon files ${spec.infoHash}".`);
  }
  const { path, offset, length } = file;
  return {
    path: path.join('/'),
    size: length,
    read: (start, count) => torrent.readers.open(offset + start, count),
  };
}
