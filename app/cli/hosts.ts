/** `hosts` and `bootstrap`: the nodes to join by, those that are remembered and those that people pass on. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { OPTIONS, parseOptionValue } from '../../config/index.ts';
import { formatAddress, MonsoonError } from '../../src/base/index.ts';
import { formatHostList, LIST_LENGTH_MAX, parseHostList } from '../../src/overlay/index.ts';
import { loadConfig, setConfigValue } from '../config-file.ts';
import type { BootstrapStatus, HostRow } from '../running-node.ts';
import { formatCounted, formatDuration } from '../show/quantities.ts';
import type { Column } from '../show/table.ts';
import { answer, tableOf } from './answer.ts';
import { withClient, withDaemon } from './daemon-process.ts';
import type { Call, CliContext, ExitCode, Verb } from './verb.ts';

const NODE_DIGITS = 16;

export const hosts: Verb = {
  name: 'hosts',
  parameters: ['[list|add|import|export]', '[what...]'],
  summary: 'show the nodes known from before; add HOST[:PORT], import FILE|URL, export the list for others',
  options: [],
  run(call, context) {
    const [order = 'list', ...what] = call.arguments;
    if (order === 'list' && what.length === 0) return list(call, context);
    if (order === 'export' && what.length === 0) return exportList(call, context);
    if (order === 'add' && what.length > 0) return addNamed(call, context, what);
    if (order === 'import' && what.length === 1) return importList(call, context, what[0]!);
    throw new MonsoonError(
      'usage',
      'Run "monsoon hosts", "hosts add HOST:PORT", "hosts import FILE|URL" or "hosts export".',
    );
  },
};

export const bootstrap: Verb = {
  name: 'bootstrap',
  parameters: ['<name>'],
  summary: 'join by a DNS name or an address, now and at every start',
  options: [{ name: 'remove', flag: '--remove', help: 'ask it at no further start' }],
  async run(call, context) {
    const name = call.arguments[0]!;
    const { config } = await loadConfig(context.home, { flags: {}, environment: {} });
    if (call.options.remove === true) return forget(call, context, name, config.bootstrap);
    requireHost(name);
    const names = parseOptionValue(OPTIONS.bootstrap, [...new Set([...config.bootstrap, name])]);
    if (!names)
      throw new MonsoonError('usage', `${JSON.stringify(name)} is no name or address, or there are 50 already.`);
    await setConfigValue(context.home.configFile, 'bootstrap', names);
    return withClient(context, async (client) => {
      const told = (await client.isServed()) ? await client.addHosts(name) : [];
      const own = told.filter(({ source }) => source === name);
      const rows = own.length > 0 ? own : told.filter(({ source }) => source === 'hosts');
      const later = `${name} is asked at every start; "monsoon bootstrap --remove ${name}" ends that.\n`;
      return answer(call, context, rows, () => `${toldText(rows, [name])}${later}`);
    });
  },
};

async function forget(call: Call, context: CliContext, name: string, names: readonly string[]): Promise<ExitCode> {
  if (!names.includes(name)) {
    throw new MonsoonError('not-found', `${name} is not asked at starts. "monsoon config get bootstrap" shows who is.`);
  }
  const others = names.filter((each) => each !== name);
  await setConfigValue(context.home.configFile, 'bootstrap', others);
  return answer(call, context, [], () => `${name} is asked at no further start.\n`);
}

/** Throws a MonsoonError (`usage`) for what is no name or address, or has a port that cannot be. */
function requireHost(text: string): void {
  if (parseHostList([text.includes(':') ? text : `${text}:1`]).length === 1) return;
  throw new MonsoonError('usage', `${JSON.stringify(text)} is no name or address; a port is 1 to 65535.`);
}

const COLUMNS: readonly Column[] = [
  { title: 'Node' },
  { title: 'Addresses', shrinks: true },
  { title: 'Answered' },
  { title: 'Missed', isNumber: true },
  { title: '' },
];

function list(call: Call, context: CliContext): Promise<ExitCode> {
  return withClient(context, async (client) => {
    const rows = await client.hosts();
    return answer(call, context, rows, () =>
      rows.length === 0
        ? 'No node is remembered yet. Run "monsoon hosts add HOST:PORT" with the address of any node.\n'
        : tableOf(context, COLUMNS, rows.map(cellsOf)),
    );
  });
}

function exportList(call: Call, context: CliContext): Promise<ExitCode> {
  return withClient(context, async (client) => {
    const [rows, { network }] = await Promise.all([client.hosts(), client.status()]);
    const answered = rows.filter((row) => row.answered !== null);
    const listed = answered.map(({ nodeId, addresses }) => ({ nodeId, addresses: addresses.map(formatAddress) }));
    return answer(call, context, { network, hosts: listed }, () => {
      const lines = formatHostList(answered.map((row) => ({ ...row, nodeId: row.nodeId ?? undefined })));
      return [`# nodes of the network ${network}`, ...lines, ''].join('\n');
    });
  });
}

function addNamed(call: Call, context: CliContext, names: readonly string[]): Promise<ExitCode> {
  for (const name of names) requireHost(name);
  return add(call, context, names.join('\n'), names);
}

function add(call: Call, context: CliContext, text: string, named: readonly string[]): Promise<ExitCode> {
  return withDaemon(context, async (client) => {
    const rows = await client.addHosts(text);
    return answer(call, context, rows, () => toldText(rows, named));
  });
}

async function importList(call: Call, context: CliContext, from: string): Promise<ExitCode> {
  if (/^https?:\/\//i.test(from)) return add(call, context, from, [from]);
  const path = resolve(context.cwd, from);
  const text = await readFile(path, 'utf8').catch((cause) => {
    throw new MonsoonError('not-found', `Cannot read ${path}.`, cause);
  });
  if (text.length > LIST_LENGTH_MAX) throw new MonsoonError('usage', `${path} is too long for a list of hosts.`);
  return add(call, context, text, [path]);
}

/** @param named what the user named; addresses share one row, `hosts` */
function toldText(rows: readonly BootstrapStatus[], named: readonly string[]): string {
  const addresses = named.filter((name) => rows.every(({ source }) => source !== name)).join(', ');
  return rows
    .map(({ source, found }) => {
      const who = source === 'hosts' && addresses !== '' ? addresses : source;
      return found > 0 ? `${who}: ${formatCounted(found, 'supernode')}.\n` : `${who}: nobody answered yet.\n`;
    })
    .join('');
}

function cellsOf({ nodeId, addresses, answered, misses, isAnchor }: HostRow): string[] {
  return [
    nodeId?.slice(0, NODE_DIGITS) ?? '?',
    addresses.map(formatAddress).join(' '),
    answered === null ? 'never' : `${formatDuration(Date.now() / 1000 - answered)} ago`,
    String(misses),
    isAnchor ? 'anchor' : '',
  ];
}
