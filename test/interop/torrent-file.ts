/** Torrent files made and read by other people's tools, so that ours are never judged by ours. */
import { join } from 'node:path';
import type { Content } from './content.ts';
import { run } from './program.ts';

/** Makes a torrent of the content with mktorrent, with a web seed if one is given, and returns the file's path. */
export async function makeTorrent(
  content: Content,
  announceUrl: string,
  pieceLengthLog2: number,
  webSeed?: string,
): Promise<string> {
  const file = join(content.parent, `${content.name}.torrent`);
  const args = [
    '-a',
    announceUrl,
    '-l',
    `${pieceLengthLog2}`,
    '-t',
    '1',
    ...(webSeed === undefined ? [] : ['-w', webSeed]),
    '-o',
    file,
    join(content.parent, content.name),
  ];
  await run(['mktorrent', args]);
  return file;
}

/** The info hash of a torrent file in hex, as transmission-show says. */
export async function infoHashOf(torrentFile: string): Promise<string> {
  return /^\s*Hash: ([0-9a-f]{40})$/m.exec(await run(['transmission-show', [torrentFile]]))![1]!;
}

/** A magnet link with nothing but the info hash and one tracker. */
export function bareMagnet(infoHash: string, announceUrl: string): string {
  return `magnet:?xt=urn:btih:${infoHash}&tr=${encodeURIComponent(announceUrl)}`;
}
