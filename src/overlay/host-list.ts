/**
 * Lists of hosts that people pass on: one host a line, `ADDRESS:PORT` or `NAME[:PORT]`, with a node id after it where that is
 * known; or the JSON that `hosts export --json` prints. What a list says is a hint: who answers proves itself.
 */
import { formatAddress, type NodeId, parseNodeId } from '../base/index.ts';
import type { KnownHost } from './host-cache.ts';

/** Hosts read from one list, and its length in UTF-16 units. */
export const LISTED_MAX = 1000;
export const LIST_LENGTH_MAX = 1_048_576;
/** A name needs a dot or a port, so that words of a text are none. */
const HOST = /^(?:\[[0-9a-f:.]+\](?::[0-9]{1,5})?|(?=[^:]*\.|.*:)[a-z0-9_](?:[a-z0-9_.-]{0,252})(?::[0-9]{1,5})?)$/i;

const PORT_MAX = 65_535;

/** A host as a list names it. */
export interface ListedHost {
  /** `192.0.2.1:7373`, `[2001:db8::1]:7373`, `seeds.example.org`. */
  readonly at: string;
  readonly nodeId: NodeId | undefined;
}

/** The hosts of a list, each once; lines that name none are left out. */
export function parseHostList(lines: readonly string[]): readonly ListedHost[] {
  const hosts = new Map<string, ListedHost>();
  for (const line of lines) {
    const [at = '', id = '', rest] = line.replace(/#.*$/, '').trim().split(/\s+/, 3);
    if (rest === undefined && isHost(at) && hosts.size < LISTED_MAX) hosts.set(at, { at, nodeId: parseNodeId(id) });
  }
  return [...hosts.values()];
}

function isHost(text: string): boolean {
  const port = /[^:]:([0-9]+)$/.exec(text)?.[1];
  return HOST.test(text) && (port === undefined || (Number(port) >= 1 && Number(port) <= PORT_MAX));
}

/** A list as its lines. */
export function formatHostList(hosts: readonly Pick<KnownHost, 'nodeId' | 'addresses'>[]): string[] {
  return hosts.flatMap(({ nodeId, addresses }) =>
    addresses.map((address) => `${formatAddress(address)} ${nodeId ?? ''}`.trimEnd()),
  );
}

/** The lines that JSON stands for: `[{nodeId, addresses: [TEXT]}]`, or that under `hosts`, or texts alone. */
export function linesOfJson(value: unknown): readonly string[] {
  const list = Array.isArray(value) ? value : (value as { hosts?: unknown } | null)?.hosts;
  if (!Array.isArray(list)) return [];
  return list.slice(0, LISTED_MAX).flatMap((item: unknown) => {
    if (typeof item === 'string') return [item];
    const { nodeId, addresses } = (item ?? {}) as { nodeId?: unknown; addresses?: unknown };
    const texts = (Array.isArray(addresses) ? addresses : []).filter((each) => typeof each === 'string');
    return texts.map((each) => `${each} ${typeof nodeId === 'string' ? nodeId : ''}`);
  });
}
