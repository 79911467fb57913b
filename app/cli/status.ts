/** `monsoon status`, `ps` and `supernodes`: what the running node says about itself; none of them starts one. */
import { formatAddress } from '../../src/base/index.ts';
import type { NodeStatus, TorrentRow } from '../running-node.ts';
import {
  formatCounted,
  formatDuration,
  formatLimits,
  formatPercent,
  formatRate,
  formatSize,
} from '../show/quantities.ts';
import { type Column, formatFacts } from '../show/table.ts';
import { answer, tableOf } from './answer.ts';
import { withClient } from './daemon-process.ts';
import { capFacts } from './supernode.ts';
import type { Verb } from './verb.ts';

export const status: Verb = {
  name: 'status',
  parameters: [],
  summary: 'show how the node is doing',
  options: [],
  run: (call, context) =>
    withClient(context, async (client) => {
      const found = await client.status();
      return answer(call, context, found, () => formatFacts(statusFacts(found)));
    }),
};

const TORRENT_COLUMNS: readonly Column[] = [
  { title: 'Hash' },
  { title: 'Name', shrinks: true },
  { title: 'Size', isNumber: true },
  { title: 'Done', isNumber: true },
  { title: 'State' },
  { title: 'Down', isNumber: true },
  { title: 'Up', isNumber: true },
  { title: 'Peers', isNumber: true },
  { title: 'Why it waits', shrinks: true },
];

export const ps: Verb = {
  name: 'ps',
  parameters: [],
  summary: 'show what the node downloads and seeds',
  options: [],
  run: (call, context) =>
    withClient(context, async (client) => {
      const rows = await client.torrents();
      return answer(call, context, rows, () =>
        rows.length === 0
          ? 'Nothing yet. Run "monsoon get MAGNET" or "monsoon share PATH".\n'
          : tableOf(context, TORRENT_COLUMNS, rows.map(torrentCells)),
      );
    }),
};

const HASH_DIGITS = 8;

function statusFacts(node: NodeStatus): [string, string][] {
  return [
    ['Page', node.ui],
    ['Port', node.dnsPort === null ? String(node.port) : `${node.port}, DNS on ${node.dnsPort}`],
    ...reachFacts(node),
    ['Role', `${node.role} in network ${node.network}`],
    ['Node', node.nodeId],
    ['Supernodes', String(node.supernodes)],
    ['Listing', formatCounted(node.listingRows, 'row')],
    ['Limits', formatLimits(node.limits)],
    ...overlayFacts(node),
    ['Running', `${formatDuration(node.uptimeSeconds)} as process ${node.pid}`],
    ...node.bootstrap.map(({ source, state, found }): [string, string] => [
      'Bootstrap',
      `${source}: ${state}, ${found} found`,
    ]),
  ];
}

const NODE_DIGITS = 8;

function overlayFacts({ role, caps, overlay }: NodeStatus): [string, string][] {
  const { term, termEndsInSeconds, ranges, neighbours, isReplicated, handOff, lastElection, lastHandOff } = overlay;
  const facts: [string, string][] = capFacts(caps, overlay.used).map(([name, value]) => [
    name,
    `${value} for tracking`,
  ]);
  if (role === 'client' || role === 'candidate') return facts;
  const ends = termEndsInSeconds === null ? '' : `, ends in ${formatDuration(termEndsInSeconds)}`;
  const names = neighbours.map((nodeId) => nodeId.slice(0, NODE_DIGITS)).join(' ') || 'no other supernode';
  facts.push(['Term', `${term}${ends}`], ['Ranges', `${ranges}, ${formatPercent(overlay.load)} busy`]);
  facts.push(['Copies', `${names}${isReplicated || neighbours.length === 0 ? '' : ', not whole yet'}`]);
  if (handOff) facts.push(['Hands over', `to ${handOff.to.slice(0, NODE_DIGITS)}: ${handOff.step}`]);
  if (lastElection)
    facts.push(['Elected', `${sinceText(lastElection.at)}${lastElection.isGenesis ? ', as the first' : ''}`]);
  if (lastHandOff) facts.push(['Last hand-off', handOffText(lastHandOff)]);
  return facts;
}

function handOffText({ at, to, peers, failedAt }: NonNullable<NodeStatus['overlay']['lastHandOff']>): string {
  const what = failedAt === null ? `${formatCounted(peers, 'peer')} to` : `failed while ${failedAt} with`;
  return `${sinceText(at)}: ${what} ${to.slice(0, NODE_DIGITS)}`;
}

function sinceText(at: number): string {
  return `${formatDuration(Date.now() / 1000 - at)} ago`;
}

function reachFacts({ bind, portMapping, reachedFrom }: NodeStatus): [string, string][] {
  const { state, protocol, host, tcpPort, udpPort, problem } = portMapping;
  const place = host !== null && tcpPort !== null ? `${formatAddress({ host, port: tcpPort })} by ${protocol}` : state;
  const alsoUdp = udpPort !== null && udpPort !== tcpPort ? `, UDP on ${udpPort}` : '';
  const reached = { internet: 'from the internet', lan: 'from the local network only', none: 'by nobody yet' };
  return [
    ...(bind.to === '::' ? [] : [['Bound to', bind.problem ?? bind.to] as [string, string]]),
    ['Router', [`${place}${alsoUdp}`, ...(problem === null ? [] : [problem])].join(': ')],
    ['Reached', reached[reachedFrom ?? 'none']],
  ];
}

function torrentCells(row: TorrentRow): string[] {
  return [
    row.infoHash.slice(0, HASH_DIGITS),
    row.name,
    formatSize(row.size),
    formatPercent(row.progress),
    row.state,
    formatRate(row.downBytesPerSecond),
    formatRate(row.upBytesPerSecond),
    String(row.peers),
    row.stalledBecause ?? '',
  ];
}
