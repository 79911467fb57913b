/** `supernode` and `supernodes`: lending this machine to the network, and who lends theirs. */
import { expectation, type IntegerOption, OPTIONS, parseOptionValue, parseRate } from '../../config/index.ts';
import { formatAddress, MonsoonError } from '../../src/base/index.ts';
import { setConfigValue } from '../config-file.ts';
import type { CapChange, Caps, NodeStatus, PlacementRow, SupernodeRow } from '../running-node.ts';
import { formatPercent, formatRate } from '../show/quantities.ts';
import { type Column, formatFacts } from '../show/table.ts';
import { answer, tableOf } from './answer.ts';
import { withClient } from './daemon-process.ts';
import type { Call, CliContext, ExitCode, Verb } from './verb.ts';

/** By node id and position: enough to tell apart, and to find again. */
const NODE_DIGITS = 16;
const POSITION_DIGITS = 8;

export const supernode: Verb = {
  name: 'supernode',
  parameters: ['<on|off|caps|drain>'],
  summary: 'lend this machine to the network or stop lending it, and set how much of it',
  options: [
    { name: 'bandwidth', flag: '--bandwidth <rate>', help: 'with caps: most bytes per second for tracking, as 60K' },
    { name: 'hashes', flag: '--hashes <number>', help: 'with caps: most info hashes tracked' },
    { name: 'peers', flag: '--peers <number>', help: 'with caps: most peers tracked' },
  ],
  run(call, context) {
    const [order] = call.arguments;
    if (order === 'on') return volunteer(call, context, 'supernode');
    if (order === 'off') return volunteer(call, context, 'client');
    if (order === 'caps') return caps(call, context);
    if (order === 'drain') return drain(call, context);
    throw new MonsoonError('usage', `expected on, off, caps or drain, not ${JSON.stringify(order)}.`);
  },
};

export const supernodes: Verb = {
  name: 'supernodes',
  parameters: [],
  summary: 'show the supernodes this node knows, or who owns a hash',
  options: [{ name: 'why', flag: '--why <hash>', help: 'who owns this hash, who keeps copies, and why' }],
  run: (call, context) =>
    withClient(context, async (client) => {
      const { why } = call.options;
      if (typeof why === 'string') {
        const placement = await client.placement(why);
        return answer(call, context, placement, () => formatFacts(placementFacts(placement)));
      }
      const rows = await client.supernodes();
      return answer(call, context, rows, () =>
        rows.length === 0
          ? 'No supernode is known. Run "monsoon start --bootstrap HOST:PORT" with the address of any node.\n'
          : tableOf(context, COLUMNS, rows.map(cellsOf)),
      );
    }),
};

/** The node takes it up at once, and its file keeps it. */
function volunteer(call: Call, context: CliContext, role: 'supernode' | 'client'): Promise<ExitCode> {
  return withClient(context, async (client) => {
    const status = await client.volunteer(role);
    await setConfigValue(context.home.configFile, 'role', role);
    return answer(call, context, status, () => `${roleText(status, role)}\n`);
  });
}

function roleText({ role }: NodeStatus, wanted: 'supernode' | 'client'): string {
  if (wanted === 'client') {
    return role === 'leaving' ? 'It hands over what it owns, and is a client then.' : 'It is a client.';
  }
  return role === 'supernode'
    ? 'It is a supernode.'
    : 'It stands for election. "monsoon status" shows what becomes of it.';
}

function drain(call: Call, context: CliContext): Promise<ExitCode> {
  return withClient(context, async (client) => {
    const status = await client.drain();
    return answer(call, context, status, () =>
      status.role === 'client'
        ? 'Everything is with others. It stays a client until "monsoon supernode on", or until it is started again.\n'
        : 'It still hands over; "monsoon status" shows when it has.\n',
    );
  });
}

function caps(call: Call, context: CliContext): Promise<ExitCode> {
  const change = changeOf(call);
  return withClient(context, async (client) => {
    const kept = await client.cap(change);
    const { configFile } = context.home;
    const { trackingBytesPerSecond, hashes, peers } = change;
    if (trackingBytesPerSecond !== undefined)
      await setConfigValue(configFile, 'trackingBytesPerSecond', trackingBytesPerSecond);
    if (hashes !== undefined) await setConfigValue(configFile, 'trackingHashes', hashes);
    if (peers !== undefined) await setConfigValue(configFile, 'trackingPeers', peers);
    const { used } = (await client.status()).overlay;
    return answer(call, context, { caps: kept, used }, () => formatFacts(capFacts(kept, used)));
  });
}

function changeOf({ options }: Call): CapChange {
  const { bandwidth, hashes, peers } = options;
  return {
    trackingBytesPerSecond: typeof bandwidth === 'string' ? rateOf(bandwidth) : undefined,
    hashes: typeof hashes === 'string' ? countOf('--hashes', OPTIONS.trackingHashes, hashes) : undefined,
    peers: typeof peers === 'string' ? countOf('--peers', OPTIONS.trackingPeers, peers) : undefined,
  };
}

function rateOf(text: string): number {
  const rate = parseRate(text);
  const { min, max } = OPTIONS.trackingBytesPerSecond;
  if (typeof rate === 'number' && rate >= min && rate <= max) return rate;
  throw new MonsoonError(
    'usage',
    `--bandwidth: expected ${min} to ${max} bytes per second, as 60K or 2M, not ${JSON.stringify(text)}.`,
  );
}

function countOf(flag: string, option: IntegerOption, text: string): number {
  const count = parseOptionValue(option, text);
  if (typeof count === 'number') return count;
  throw new MonsoonError('usage', `${flag}: ${expectation(option)}, not ${JSON.stringify(text)}.`);
}

/** Each cap and what is used of it. */
export function capFacts(most: Caps, used: Caps): [string, string][] {
  return [
    ['Bandwidth', `${formatRate(used.trackingBytesPerSecond)} of ${formatRate(most.trackingBytesPerSecond)}`],
    ['Hashes', `${used.hashes} of ${most.hashes}`],
    ['Peers', `${used.peers} of ${most.peers}`],
  ];
}

const COLUMNS: readonly Column[] = [
  { title: 'Node' },
  { title: 'Addresses', shrinks: true },
  { title: 'Load', isNumber: true },
  { title: 'Ranges', isNumber: true },
  { title: 'Epoch', isNumber: true },
  { title: 'Term', isNumber: true },
  { title: '' },
];

function cellsOf({ nodeId, addresses, load, ranges, term, isSelf, isLeaving }: SupernodeRow): string[] {
  const epoch = Math.max(0, ...ranges.map((range) => range.epoch));
  return [
    nodeId.slice(0, NODE_DIGITS),
    addresses.map(formatAddress).join(' '),
    formatPercent(load),
    String(ranges.length),
    String(epoch),
    String(term),
    [...(isSelf ? ['this node'] : []), ...(isLeaving ? ['leaving'] : [])].join(', '),
  ];
}

function placementFacts({ infoHash, owner, replicas, range, by }: PlacementRow): [string, string][] {
  const short = (position: string): string => `${position.slice(0, POSITION_DIGITS)}…`;
  const arc = range.from === range.to ? 'the whole ring' : `after ${short(range.from)} up to ${short(range.to)}`;
  return [
    ['Hash', infoHash],
    ['Owner', owner],
    ['Because', by === 'token' ? 'its own election put it there' : 'another supernode granted it this range'],
    ['Range', `${arc}, epoch ${range.epoch}`],
    ...replicas.map((replica): [string, string] => ['Copies', replica]),
    ...(replicas.length === 0 ? [['Copies', 'nobody: there is no other supernode'] as [string, string]] : []),
  ];
}
