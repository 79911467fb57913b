/** `monsoon list`, `search` and `info`: the listing as the node keeps it, and all that is known of one row. */

import { formatAddress, isFault, MonsoonError } from '../../src/base/index.ts';
import {
  CATEGORIES,
  LISTING_SORTS,
  type ListingAnswer,
  type ListingQuery,
  type ListingRow,
  parseListingQuery,
} from '../../src/listing/index.ts';
import type { CountRow, FilterStatus, LinkRow, TorrentDetail, TorrentRow } from '../running-node.ts';
import { formatAge, formatCount, formatCounted, formatPercent, formatSize } from '../show/quantities.ts';
import { type Column, formatFacts } from '../show/table.ts';
import { answer, tableOf } from './answer.ts';
import { browse } from './browse.ts';
import { withDaemon } from './daemon-process.ts';
import type { Call, CliContext, ExitCode, Verb, VerbOption } from './verb.ts';

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

/** Filters of `list` and `search`; what they say is read like the parameters of a URL. */
const QUERY_OPTIONS: readonly VerbOption[] = [
  { name: 'category', flag: '--cat <category>', help: 'of this category', choices: CATEGORIES },
  { name: 'exact', flag: '--exact', help: 'the words as they are spelt, no typos and no beginnings of words' },
  { name: 'sort', flag: '--sort <order>', help: 'what comes first', choices: LISTING_SORTS },
  { name: 'reverse', flag: '--reverse', help: 'what comes last comes first' },
  { name: 'min-size', flag: '--min-size <size>', help: 'at least so large, as 700M' },
  { name: 'max-size', flag: '--max-size <size>', help: 'at most so large, as 4G' },
  { name: 'age', flag: '--age <age>', help: 'at most so old: days, or 12h, 2w, 1y' },
  { name: 'seeds', flag: '--seeds <number>', help: 'at least so many seeders' },
  { name: 'min-files', flag: '--min-files <number>', help: 'at least so many files' },
  { name: 'max-files', flag: '--max-files <number>', help: 'at most so many files' },
  { name: 'tag', flag: '--tag <tag>', help: 'with this tag' },
  { name: 'publisher', flag: '--by <id>', help: 'by this publisher: the id or its first 4 digits or more' },
  { name: 'limit', flag: '--limit <number>', help: 'at most so many rows' },
  { name: 'offset', flag: '--offset <number>', help: 'without the first so many' },
];

export const list: Verb = {
  name: 'list',
  parameters: ['[category]'],
  summary: 'show what the network offers; "monsoon" alone shows it to look through',
  options: [...QUERY_OPTIONS, { name: 'browse', flag: '--browse', help: 'to look through', isHidden: true }],
  run: (call, context) => {
    const [category] = call.arguments;
    const { keyboard } = context;
    if (call.options.browse === true && !call.wantsJson && keyboard) {
      return withDaemon(context, (client) => browse(client, context, keyboard));
    }
    if (category !== undefined && (call.options.category ?? category) !== category) {
      throw new MonsoonError('usage', 'Name one category. Run "monsoon list --help".');
    }
    return answerQuery('list', call, context, category === undefined ? [] : [['category', category]]);
  },
};

export const search: Verb = {
  name: 'search',
  parameters: ['<words...>'],
  takesDashes: true,
  summary: 'search the list as this node has it: typos are forgiven, "phrases", -exclusions and OR are understood',
  options: QUERY_OPTIONS,
  run: (call, context) => {
    const unknown = call.arguments.find((argument) => argument.startsWith('--'));
    if (unknown !== undefined) {
      throw new MonsoonError('usage', `There is no option ${unknown}. Run "monsoon search --help".`);
    }
    return answerQuery('search', call, context, [['q', call.arguments.map(asTyped).join(' ')]]);
  },
};

/** The shell took the quotation marks; an argument of several words is a phrase again. */
function asTyped(argument: string, _at: number, all: readonly string[]): string {
  return all.length > 1 && /^[^"]*\s[^"]*$/.test(argument) ? `"${argument}"` : argument;
}

async function answerQuery(
  verb: 'list' | 'search',
  call: Call,
  context: CliContext,
  parameters: readonly [string, string][],
): Promise<ExitCode> {
  const options = Object.entries(call.options).flatMap(([name, value]): [string, string][] =>
    value === undefined || value === false || name === 'browse' ? [] : [[name, value === true ? '1' : String(value)]],
  );
  const query = parseListingQuery([...parameters, ...options]);
  if (isFault(query)) throw new MonsoonError('usage', `${query.text}. Run "monsoon ${verb} --help".`);
  return withDaemon(context, async (client) => {
    const found = await client.list(query);
    if (found.corrected !== undefined) context.notes.write(`Searched for "${found.corrected}".\n`);
    const isEmpty = found.rows.length === 0 && !call.wantsJson;
    const nothing = isEmpty ? whyEmpty(found, query, await client.filter()) : '';
    return answer(call, context, found.rows, () => nothing || listingText(found, query, context));
  });
}

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

/** Parts of a question that leave no row out. */
const LEAVE_ALL: readonly string[] = ['sort', 'isReversed', 'isExact', 'limit', 'offset'];

function whyEmpty({ total }: ListingAnswer, query: ListingQuery, filter: FilterStatus): string {
  if (total > 0) {
    return `${formatCounted(total, 'row')}, none of them among those asked for. Change --limit or --offset.\n`;
  }
  if (!Object.keys(query).every((name) => LEAVE_ALL.includes(name))) {
    return 'Nothing in the list fits. Leave words or filters out; "monsoon list" shows all.\n';
  }
  if (filter.total > 0 || filter.lists.length > 0) {
    return 'Nothing is listed that your filter lets through. "monsoon filter" shows what it hides.\n';
  }
  return 'Nothing is listed yet. Run "monsoon share PATH" to offer something, or "monsoon status" to see the network.\n';
}

function listingText({ rows, total }: ListingAnswer, query: ListingQuery, context: CliContext): string {
  const nowSeconds = Date.now() / 1000;
  const table = tableOf(
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
  const before = query.offset ?? 0;
  if (total <= rows.length + before) return table;
  return `${table}${before + 1} to ${before + rows.length} of ${total}; --offset ${before + rows.length} shows the next.\n`;
}

function detailText(detail: TorrentDetail, context: CliContext): string {
  const { listing, torrent } = detail;
  const facts: [string, string][] = [
    ['Name', detail.name],
    ['Hash', detail.infoHash],
    ['Magnet', detail.magnet],
  ];
  if (listing) facts.push(...listingFacts(listing));
  facts.push(...detail.counts.map((count): [string, string] => ['Counted', countText(count)]));
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

function countText({ source, class: counted, ageSeconds, seeders, leechers, completions }: CountRow): string {
  const counts = [seeders, leechers, completions].map((count) => count ?? '?').join('/');
  return `${counts} ${counted} by ${source.slice(0, NODE_DIGITS)} ${formatAge(ageSeconds)} ago`;
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
