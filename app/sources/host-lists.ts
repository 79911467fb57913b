/** Host lists as the user hands them in: the text itself, or a URL where somebody publishes one. */
import { type Fault, formatAddress, isFault, MonsoonError, parseAddress } from '../../src/base/index.ts';
import type { HttpClient } from '../../src/io/http-client.ts';
import { LIST_LENGTH_MAX, type ListedHost, linesOfJson, parseHostList } from '../../src/overlay/index.ts';
import type { AddressBook } from '../overlay/address-book.ts';
import type { WaysIn } from '../overlay/ways-in.ts';
import type { HostRow } from '../running-node.ts';

const FETCH_MS = 20_000;
const REDIRECTS_MAX = 3;

/** The hosts in a list or behind an http URL; rejects with a MonsoonError when there is none. */
export async function readHostList(given: string, http: HttpClient, book: AddressBook): Promise<readonly ListedHost[]> {
  const isUrl = /^https?:\/\/\S+$/i.test(given.trim());
  const text = isUrl ? await fetchText(given.trim(), http, book) : given;
  const hosts = parseHostList(linesOf(text));
  if (hosts.length > 0) return hosts;
  throw new MonsoonError(
    'usage',
    `${isUrl ? given.trim() : 'The list'} names no host: expected HOST:PORT a line, or what "monsoon hosts export" prints.`,
  );
}

/** The remembered hosts as rows. */
export function hostRows(waysIn: WaysIn): readonly HostRow[] {
  const { hosts, anchors } = waysIn.hosts();
  return hosts.map((host) => ({
    nodeId: host.nodeId ?? null,
    addresses: host.addresses,
    answered: host.answered > 0 ? Math.floor(host.answered) : null,
    heard: Math.floor(host.heard),
    misses: host.misses,
    isAnchor: anchors.includes(host),
  }));
}

function linesOf(text: string): readonly string[] {
  try {
    return linesOfJson(JSON.parse(text));
  } catch {
    // Most lists are plain lines.
    return text.split('\n');
  }
}

async function fetchText(given: string, http: HttpClient, book: AddressBook): Promise<string> {
  let url = new URL(given);
  // The user named that address, so it may be private; where a redirect leads may not.
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
  const named = parseAddress(`${url.hostname}:${port}`);
  if (named) book.vouch(named);
  let failure: Fault | undefined;
  for (let redirects = 0; redirects <= REDIRECTS_MAX; redirects++) {
    const path = `${url.pathname}${url.search}`;
    const request = {
      origin: url.origin,
      method: 'GET',
      path,
      timeoutMs: FETCH_MS,
      bytesMax: LIST_LENGTH_MAX,
    } as const;
    const reply = await http.request(request);
    if (isFault(reply)) {
      failure = reply;
      break;
    }
    const location =
      reply.status >= 300 && reply.status < 400 ? URL.parse(reply.headers.location ?? '', url.href) : null;
    if (reply.status === 200) return Buffer.from(reply.body).toString('utf8');
    if (!location || !/^https?:$/.test(location.protocol)) break;
    url = location;
  }
  const where = named ? formatAddress(named) : url.host;
  throw new MonsoonError('peer', `${where} did not give a list${failure ? `: ${failure.text}` : ''}.`);
}
