/** The other end of the control socket: what the verbs ask the daemon. */
import { type InfoHash, MonsoonError, type MonsoonErrorCode } from '../../src/base/index.ts';
import { listingParameters } from '../../src/listing/index.ts';
import type {
  BootstrapStatus,
  CapChange,
  Caps,
  Choice,
  Claims,
  FileRow,
  FilterChange,
  FilterListText,
  FilterStatus,
  Finding,
  HostRow,
  ListingAnswer,
  ListingQuery,
  NodeStatus,
  PlacementRow,
  RateChange,
  RateLimits,
  Said,
  SharedTorrent,
  Statement,
  SupernodeRow,
  TorrentAction,
  TorrentDetail,
  TorrentRow,
  Wanted,
  WantedRole,
  ZoneReport,
} from '../running-node.ts';
import type { StreamAddress } from '../streamed-file.ts';
import { ControlSocket } from './control-socket.ts';

const ANSWER_MS = 10_000;
// A network's answer may be needed: metadata, or a listing that was never fetched.
const NETWORK_ANSWER_MS = 60_000;
const HASHING_MS = 24 * 3_600_000;

interface Question {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: object;
  readonly timeoutMs?: number;
}

/** A connection to the daemon of one home. Every method rejects with a MonsoonError, `no-daemon` when there is none. */
export class ControlClient {
  readonly #socket: ControlSocket;
  readonly #interrupt: AbortSignal;

  /** @param interrupt ends every request */
  constructor(socketPath: string, interrupt: AbortSignal) {
    this.#socket = new ControlSocket(socketPath);
    this.#interrupt = interrupt;
  }

  status(): Promise<NodeStatus> {
    return this.#ask({ method: 'GET', path: '/api/status' });
  }

  torrents(): Promise<readonly TorrentRow[]> {
    return this.#ask({ method: 'GET', path: '/api/torrents' });
  }

  torrent(infoHash: InfoHash): Promise<TorrentRow> {
    return this.#ask({ method: 'GET', path: `/api/torrents/${infoHash}` });
  }

  list(query: ListingQuery): Promise<ListingAnswer> {
    const search = new URLSearchParams(listingParameters(query));
    return this.#ask({ method: 'GET', path: `/api/listing?${search}`, timeoutMs: NETWORK_ANSWER_MS });
  }

  say(what: string, statement: Statement): Promise<Said> {
    const body = statement.type === 'withdraw' ? statement : { type: statement.type, ...statement.claims };
    const path = `/api/listing/${encoded(what)}`;
    return this.#ask({ method: 'POST', path, body, timeoutMs: NETWORK_ANSWER_MS });
  }

  filter(): Promise<FilterStatus> {
    return this.#ask({ method: 'GET', path: '/api/filter' });
  }

  /** @param author a key, or `own` */
  filterList(author: string): Promise<FilterListText> {
    return this.#ask({ method: 'GET', path: `/api/filter/${encodeURIComponent(author)}` });
  }

  changeFilter(change: FilterChange): Promise<FilterStatus> {
    return this.#ask({ method: 'POST', path: '/api/filter', body: change, timeoutMs: NETWORK_ANSWER_MS });
  }

  info(what: string): Promise<TorrentDetail> {
    return this.#ask({ method: 'GET', path: `/api/info/${encoded(what)}`, timeoutMs: NETWORK_ANSWER_MS });
  }

  /** Where the files of a torrent that is here are read. */
  streams(infoHash: InfoHash): Promise<StreamAddress> {
    return this.#ask({ method: 'GET', path: `/api/streams/${infoHash}` });
  }

  supernodes(): Promise<readonly SupernodeRow[]> {
    return this.#ask({ method: 'GET', path: '/api/supernodes' });
  }

  hosts(): Promise<readonly HostRow[]> {
    return this.#ask({ method: 'GET', path: '/api/hosts' });
  }

  /** What is wrong, and what to do. */
  doctor(): Promise<readonly Finding[]> {
    return this.#ask({ method: 'GET', path: '/api/doctor' });
  }

  /** @param list hosts, one a line, or a URL where such a list is */
  addHosts(list: string): Promise<readonly BootstrapStatus[]> {
    return this.#ask({ method: 'POST', path: '/api/hosts', body: { list }, timeoutMs: NETWORK_ANSWER_MS });
  }

  /** @param what an info hash or a unique prefix of one */
  placement(what: string): Promise<PlacementRow> {
    return this.#ask({ method: 'GET', path: `/api/supernodes/${encoded(what)}` });
  }

  zone(): Promise<ZoneReport> {
    return this.#ask({ method: 'GET', path: '/api/zone' });
  }

  volunteer(role: WantedRole): Promise<NodeStatus> {
    return this.#ask({ method: 'POST', path: '/api/role', body: { role } });
  }

  cap(change: CapChange): Promise<Caps> {
    return this.#ask({ method: 'POST', path: '/api/caps', body: change });
  }

  /** Resolves when everything is with others, or when that took too long. */
  drain(): Promise<NodeStatus> {
    return this.#ask({ method: 'POST', path: '/api/drain', body: {}, timeoutMs: NETWORK_ANSWER_MS });
  }

  /** @param path absolute */
  share(path: string, claims: Claims): Promise<SharedTorrent> {
    return this.#ask({ method: 'POST', path: '/api/share', body: { path, ...claims }, timeoutMs: HASHING_MS });
  }

  /** @param directory absolute; the node's download directory when absent */
  get(what: string, directory: string | undefined, wanted?: Partial<Wanted>): Promise<TorrentRow> {
    const body = { what, directory, ...wanted };
    return this.#ask({ method: 'POST', path: '/api/get', body, timeoutMs: NETWORK_ANSWER_MS });
  }

  /** @param what an info hash or a unique prefix of one */
  choose(what: string, choice: Choice): Promise<readonly FileRow[]> {
    return this.#ask({ method: 'POST', path: `/api/torrents/${encoded(what)}/files`, body: choice });
  }

  /** Does something with a torrent; a check or a move takes as long as its files are large. */
  act(what: string, action: TorrentAction): Promise<TorrentRow> {
    const path = `/api/torrents/${encoded(what)}`;
    return this.#ask({ method: 'POST', path, body: action, timeoutMs: HASHING_MS });
  }

  limit(change: RateChange): Promise<RateLimits> {
    return this.#ask({ method: 'POST', path: '/api/limits', body: change });
  }

  /** Resolves when the daemon has heard it, which is before it has ended. */
  async stop(): Promise<void> {
    await this.#ask({ method: 'POST', path: '/api/stop', body: {} });
  }

  /** True when there is a daemon that accepts connections: cheaper to know than whether it answers. */
  async isThere(): Promise<boolean> {
    try {
      await this.#socket.reach();
      return true;
    } catch (error) {
      const reason = withAdvice(error);
      if (isNoDaemon(reason)) return false;
      throw reason;
    }
  }

  /** True when a daemon answers. */
  async isServed(): Promise<boolean> {
    try {
      await this.status();
      return true;
    } catch (error) {
      if (isNoDaemon(error)) return false;
      throw error;
    }
  }

  close(): void {
    this.#socket.close();
  }

  async #ask<T>({ method, path, body, timeoutMs = ANSWER_MS }: Question): Promise<T> {
    const deadline = AbortSignal.timeout(timeoutMs);
    try {
      const signal = AbortSignal.any([deadline, this.#interrupt]);
      const { status, text } = await this.#socket.ask({ method, path, body, signal });
      const answer = JSON.parse(text);
      if (status < 400) return answer as T;
      throw new MonsoonError(codeOf(answer.error), String(answer.message));
    } catch (cause) {
      throw deadline.aborted
        ? new MonsoonError('timeout', `The node did not answer in ${timeoutMs / 1000} s. Its log says more.`, cause)
        : withAdvice(cause);
    }
  }
}

// Codes that the daemon may answer with; anything else is its bug, and no code of ours fits one better.
const CODES: readonly string[] = [
  'usage',
  'not-found',
  'timeout',
  'disk',
  'config',
  'permission',
  'busy',
  'peer',
  'refused',
] satisfies MonsoonErrorCode[];

/** What a person named, as a part of a path. */
function encoded(what: string): string {
  if (what === '') throw new MonsoonError('usage', 'Name a torrent: by its hash, the beginning of one, or its name.');
  return encodeURIComponent(what);
}

function codeOf(code: unknown): MonsoonErrorCode {
  return CODES.includes(String(code)) ? (code as MonsoonErrorCode) : 'refused';
}

function isNoDaemon(error: unknown): boolean {
  return error instanceof MonsoonError && error.code === 'no-daemon';
}

function withAdvice(cause: unknown): unknown {
  const { code } = cause as NodeJS.ErrnoException;
  // What a daemon that is gone, was killed, or just ended looks like from here.
  if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ECONNRESET' || code === 'EPIPE') {
    return new MonsoonError('no-daemon', 'No node is running. Start one with "monsoon start".', cause);
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return new MonsoonError('permission', 'The node of this home belongs to another user.', cause);
  }
  return cause;
}
