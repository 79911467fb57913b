/** `monsoon status`, `ps` and `supernodes`: what the running node says about itself; none of them starts one. */
import { formatAddress } from '../../src/base/index.ts';
import type { NodeStatus, SupernodeRow, TorrentRow } from '../running-node.ts';
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

const SUPERNODE_COLUMNS: readonly Column[] = [
  { title: 'Node' },
  { title: 'Addresses', shrinks: true },
  { title: 'Load', isNumber: true },
  { title: 'Ranges', isNumber: true },
  { title: 'Term', isNumber: true },
];

export const supernodes: Verb = {
  name: 'supernodes',
  parameters: [],
  summary: 'show the supernodes this node knows',
  options: [],
  run: (call, context) =>
    withClient(context, async (client) => {
      const rows = await client.supernodes();
      return answer(call, context, rows, () =>
        rows.length === 0
          ? 'No supernode is known. Run "monsoon start --bootstrap HOST:PORT" with the address of any node.\n'
          : tableOf(context, SUPERNODE_COLUMNS, rows.map(supernodeCells)),
      );
    }),
};

const HASH_DIGITS = 8;

function statusFacts(node: NodeStatus): [string, string][] {
  const { caps } = node;
  return [
    ['Page', node.ui],
    ['Port', node.dnsPort === null ? String(node.port) : `${node.port}, DNS on ${node.dnsPort}`],
    ...reachFacts(node),
    ['Role', `${node.role} in network ${node.network}`],
    ['Node', node.nodeId],
    ['Supernodes', String(node.supernodes)],
    ['Listing', formatCounted(node.listingRows, 'row')],
    ['Limits', formatLimits(node.limits)],
    ['Tracking', `at most ${formatRate(caps.trackingBytesPerSecond)}, ${caps.hashes} hashes, ${caps.peers} peers`],
    ['Running', `${formatDuration(node.uptimeSeconds)} as process ${node.pid}`],
    ...node.bootstrap.map(({ source, state, found }): [string, string] => [
      'Bootstrap',
      `${source}: ${state}, ${found} found`,
    ]),
  ];
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

function supernodeCells(row: SupernodeRow): string[] {
  const addresses = row.addresses.map(formatAddress).join(' ');
  return [row.nodeId.slice(0, 16), addresses, formatPercent(row.load), String(row.ranges.length), String(row.term)];
}
