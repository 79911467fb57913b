/** `monsoon list` and `monsoon info`: the listing as the node keeps it, and all that is known of one row. */

import { formatAddress, MonsoonError } from '../../src/base/index.ts';
import { CATEGORIES, LISTING_SORTS, type ListingRow, type ListingSort } from '../../src/listing/index.ts';
import type { LinkRow, TorrentDetail, TorrentRow } from '../running-node.ts';
import { formatAge, formatCount, formatCounted, formatPercent, formatSize } from '../show/quantities.ts';
import { type Column, formatFacts } from '../show/table.ts';
import { answer, tableOf } from './answer.ts';
import { withDaemon } from './daemon-process.ts';
import type { CliContext, Verb } from './verb.ts';

const LISTING_COLUMNS: readonly Column[] = [
  { title: 'Cat' },
  { title: 'Name', shrinks: true },
  { title: 'Size', isNumber: true },
  { title: 'Files', isNumber: true },
  { title: 'Age', isNumber: true },
  { title: 'Seeds', isNumber: true },
  { title: 'Leech', isNumber: true },
  { title: 'Done', isNumber: true },
  { title: 'Hash' },
  { title: 'By' },
];
const HASH_DIGITS = 8;

export const list: Verb = {
  name: 'list',
  parameters: ['[category]'],
  summary: 'show what the network offers; "monsoon" alone does the same',
  options: [{ name: 'sort', flag: '--sort <order>', help: 'what comes first', choices: LISTING_SORTS }],
  async run(call, context) {
    const [category] = call.arguments;
    if (category !== undefined && !(CATEGORIES as readonly string[]).includes(category)) {
      throw new MonsoonError('usage', `A category is one of ${CATEGORIES.join(', ')}. Run "monsoon list --help".`);
    }
    const sort = call.options.sort as ListingSort | undefined;
    return withDaemon(context, async (client) => {
      const rows = await client.list({ ...(category && { category }), ...(sort && { sort }) });
      return answer(call, context, rows, () => listingText(rows, context));
    });
  },
};

export const info: Verb = {
  name: 'info',
  parameters: ['<hash>'],
  summary: 'show everything known about one torrent',
  options: [],
  run: (call, context) =>
    withDaemon(context, async (client) => {
      const detail = await client.info(call.arguments[0]!);
      return answer(call, context, detail, () => detailText(detail, context));
    }),
};

function listingText(rows: readonly ListingRow[], context: CliContext): string {
  if (rows.length === 0) {
    return 'Nothing is listed yet. Run "monsoon share PATH" to offer something, or "monsoon status" to see the network.\n';
  }
  const nowSeconds = Date.now() / 1000;
  return tableOf(
    context,
    LISTING_COLUMNS,
    rows.map((row) => [
      row.category,
      row.name,
      formatSize(row.size),
      String(row.files),
      formatAge(nowSeconds - row.added),
      formatCount(row.seeders),
      formatCount(row.leechers),
      formatCount(row.completions),
      row.infoHash.slice(0, HASH_DIGITS),
      row.publisher.slice(0, HASH_DIGITS),
    ]),
  );
}

function detailText(detail: TorrentDetail, context: CliContext): string {
  const { listing, torrent } = detail;
  const facts: [string, string][] = [
    ['Name', detail.name],
    ['Hash', detail.infoHash],
    ['Magnet', detail.magnet],
  ];
  if (listing) facts.push(...listingFacts(listing));
  if (detail.pieceLength !== null) facts.push(['Pieces', `of ${formatSize(detail.pieceLength)}`]);
  if (torrent) facts.push(['Here', stateText(torrent)], ['Path', torrent.path]);
  facts.push(...detail.trackers.map((tracker): [string, string] => ['Tracker', tracker]));
  facts.push(...detail.links.map((link): [string, string] => ['Peer', linkText(link)]));
  const files = detail.fileList.map((file) => [formatSize(file.size), file.path]);
  const columns = [{ title: 'Size', isNumber: true }, { title: 'File' }];
  return formatFacts(facts) + (files.length > 0 ? `\n${tableOf(context, columns, files)}` : '');
}

const NODE_DIGITS = 16;
const ENCRYPTIONS: Readonly<Record<LinkRow['encryption'], string>> = {
  tls: 'TLS',
  rc4: 'RC4',
  header: 'RC4 at its beginning only',
  none: 'not encrypted',
};

function linkText({ address, isIncoming, encryption, nodeId }: LinkRow): string {
  const node = nodeId === null ? '' : `, node ${nodeId.slice(0, NODE_DIGITS)}`;
  return `${isIncoming ? 'from' : 'to'} ${formatAddress(address)}, ${ENCRYPTIONS[encryption]}${node}`;
}

function stateText({ state, progress, stalledBecause }: TorrentRow): string {
  return `${state}, ${formatPercent(progress)}${stalledBecause === null ? '' : `: ${stalledBecause}`}`;
}

function listingFacts(row: ListingRow): [string, string][] {
  const counted =
    row.countsFrom === null
      ? 'counted by nobody yet'
      : `counted by ${row.countsFrom.slice(0, HASH_DIGITS)} ${formatAge(row.countsAgeSeconds ?? 0)} ago`;
  const swarm = [
    formatCounted(row.seeders, 'seeder'),
    formatCounted(row.leechers, 'leecher'),
    formatCounted(row.completions, 'completion'),
    counted,
  ];
  return [
    ['Size', `${formatSize(row.size)} in ${formatCounted(row.files, 'file')}`],
    ['Category', [row.category, ...row.tags].join(', ')],
    ['Says', row.description],
    ['Swarm', swarm.join(', ')],
    ['Publisher', `${row.publisher} (${row.verified ? 'name, size and files verified' : 'not verified yet'})`],
  ];
}
