/** `monsoon share`: files and folders become torrents that the network can find. */
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { MonsoonError } from '../../src/base/index.ts';
import { loadConfig } from '../config-file.ts';
import type { SharedTorrent } from '../running-node.ts';
import { formatCounted, formatSize } from '../show/quantities.ts';
import { formatFacts } from '../show/table.ts';
import { requireApart } from '../torrents/share-folder.ts';
import { answer } from './answer.ts';
import { withDaemon } from './daemon-process.ts';
import { CLAIM_OPTIONS, claimsOf } from './publish.ts';
import type { CliContext, Verb } from './verb.ts';

export const share: Verb = {
  name: 'share',
  alias: 'seed',
  parameters: ['<path...>'],
  summary: 'share files and folders, also as they change; returns once they are hashed and announced',
  options: CLAIM_OPTIONS,
  async run(call, context) {
    const paths = call.arguments.map((path) => resolve(context.cwd, path));
    await requireShareable(paths, context);
    return withDaemon(context, async (client) => {
      const shared: SharedTorrent[] = [];
      for (const path of paths) {
        if (context.notes.isTty) context.notes.write(`Hashing ${path} …\n`);
        const torrent = await client.share(path, claimsOf(call));
        shared.push(torrent);
        const row = await client.torrent(torrent.infoHash);
        if (row?.stalledBecause) context.notes.write(`${torrent.name}: ${row.stalledBecause}\n`);
      }
      return answer(call, context, shared, () => shared.map(sharedText).join('\n'));
    });
  },
};

async function requireShareable(paths: readonly string[], context: CliContext): Promise<void> {
  const { config } = await loadConfig(context.home, { flags: {}, environment: context.environment });
  for (const path of paths) {
    const found = await stat(path).catch(() => undefined);
    if (!found) throw new MonsoonError('not-found', `There is no ${path}. Check the path and share again.`);
    const downloads = config.downloadDir ? resolve(context.cwd, config.downloadDir) : context.home.downloadDir;
    if (found.isDirectory()) await requireApart(path, downloads);
  }
}

function sharedText(torrent: SharedTorrent): string {
  return formatFacts([
    ['Name', torrent.name],
    ['Size', formatSize(torrent.size)],
    ['Hash', torrent.infoHash],
    ['Magnet', torrent.magnet],
    ['Torrent', torrent.torrentFile],
    ...leftOutFacts(torrent.leftOut),
    ...renamedFacts(torrent.renamed),
  ]);
}

function renamedFacts({ names, example }: SharedTorrent['renamed']): [string, string][] {
  if (!example) return [];
  const [here, elsewhere] = example.map((name) => JSON.stringify(name));
  return [
    ['Renamed', `${formatCounted(names, 'name')} that not every system can hold: ${here} is ${elsewhere} to others`],
  ];
}

function leftOutFacts({ links, emptyFolders, others }: SharedTorrent['leftOut']): [string, string][] {
  const kinds = [
    [links, 'link'],
    [emptyFolders, 'empty folder'],
    [others, 'special file'],
  ] as const;
  const counts = kinds.flatMap(([count, noun]) => (count > 0 ? [formatCounted(count, noun)] : []));
  return counts.length > 0 ? [['Left out', counts.join(', ')]] : [];
}
