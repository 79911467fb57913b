/**
 * The local API: JSON questions to the running node. Built once and served on both surfaces; who may ask was decided
 * before a request comes here. Nothing changes by GET.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { MonsoonError, type MonsoonErrorCode, parseInfoHash } from '../../src/base/index.ts';
import { METAINFO_BYTES_MAX } from '../../src/torrent/index.ts';
import type { Log } from '../log.ts';
import { bodyOf } from '../request-body.ts';
import type { NodeStatus, RunningNode, TorrentRow } from '../running-node.ts';
import { type Answer, type Asked, jsonAnswer, jsonOf, send, TooLong } from './answer.ts';
import type { EventStreams } from './events.ts';
import type { Pages } from './pages.ts';
import {
  parseCapChange,
  parseChoice,
  parseFilterChange,
  parseGetQuestion,
  parseHostsQuestion,
  parseListingQuestion,
  parseRateChange,
  parseRole,
  parseSettingChanges,
  parseShareQuestion,
  parseStatement,
  parseTorrentAction,
} from './questions.ts';
import type { Settings } from './settings.ts';
import type { Streams } from './streams.ts';

export interface ApiSettings {
  readonly log: Log;
  /** The node's, with the address of the page, which the node itself does not know. */
  readonly status: () => NodeStatus;
  readonly pages: Pages;
  readonly events: EventStreams;
  readonly settings: Settings;
  readonly streams: Streams;
  /** Asks the process to end; returns at once. */
  readonly requestStop: () => void;
}

/** Answers a request, as both servers call it. */
export type AnswerRequest = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

const BODY_BYTES_MAX = 64 * 1024;
/** Of a list of hosts or of filter rules: LIST_LENGTH_MAX, FILTER_LIST_BYTES_MAX, and what JSON adds. */
const LIST_BODY_BYTES_MAX = 2 * 1024 * 1024;
/** Bodies that may be longer than others. */
const LONG_BODIES: Readonly<Record<string, number>> = {
  'POST /api/torrent-files': METAINFO_BYTES_MAX,
  'POST /api/hosts': LIST_BODY_BYTES_MAX,
  'POST /api/filter': LIST_BODY_BYTES_MAX,
};

const STATUS_OF: Readonly<Record<MonsoonErrorCode, number>> = {
  usage: 400,
  config: 400,
  permission: 403,
  'not-found': 404,
  refused: 409,
  busy: 409,
  'port-taken': 409,
  peer: 502,
  'no-daemon': 503,
  timeout: 504,
  disk: 507,
};

/** Answers by method and path, such as `POST /api/torrents/:what`. */
type Routes = Readonly<Record<string, (asked: Asked) => Answer | Promise<Answer>>>;

/** Builds the API of one node. */
export function controlApi(node: RunningNode, settings: ApiSettings): AnswerRequest {
  const { pages, streams } = settings;
  const routes: Routes = {
    ...routesOfTorrents(node),
    ...routesOfNode(node, settings),
    ...routesOfNetwork(node),
    'GET /api/streams/:what': ({ what }) => jsonAnswer(streams.addressOf(torrentOf(node, what).infoHash)),
  };
  const answer = async (request: IncomingMessage): Promise<Answer> => {
    const stream = streams.answer(request);
    if (stream) return stream;
    const { path, route, what, query } = targetOf(request);
    const page = route.startsWith('GET ') ? pages.get(path) : undefined;
    if (page) return { bytes: page.text, contentType: page.contentType };
    const handler = Object.hasOwn(routes, route) ? routes[route] : undefined;
    if (!handler) return refusal(404, 'not-found', 'there is nothing at this address');
    const bytes = async (): Promise<Uint8Array> => {
      const body = await bodyOf(request, LONG_BODIES[route] ?? BODY_BYTES_MAX);
      if (!body) throw new TooLong();
      return body;
    };
    return handler({ what, query, bytes, json: async () => jsonOf(await bytes()) });
  };
  return async (request, response) => {
    const said = await answer(request).catch((error: unknown) => failure(request, error, settings.log));
    // What is left of a body that nobody wanted is not waited for.
    if (!request.complete) response.setHeader('Connection', 'close');
    send(response, said);
  };
}

/** Where a request goes: `/api/NOUN`, `/api/NOUN/WHAT` or `/api/NOUN/WHAT/PART`, of which WHAT varies. */
function targetOf({ method = '', url = '' }: IncomingMessage): Target {
  const [path, search] = url.split(/\?(.*)/s, 2) as [string, string | undefined];
  const [root, api, noun, encoded, ...parts] = path.split('/');
  const what = decoded(encoded ?? '');
  const pattern = what === '' ? path : [root, api, noun, ':what', ...parts].join('/');
  const route = `${method === 'HEAD' ? 'GET' : method} ${pattern}`;
  return { path, route, what, query: new URLSearchParams(search) };
}

interface Target extends Pick<Asked, 'what' | 'query'> {
  readonly path: string;
  readonly route: string;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new MonsoonError('usage', 'the address is malformed');
  }
}

/** What is here: the listing, the torrents and their files. */
function routesOfTorrents(node: RunningNode): Routes {
  return {
    'GET /api/torrents': () => jsonAnswer(node.torrents()),
    'GET /api/torrents/:what': ({ what }) => jsonAnswer(torrentOf(node, what)),
    'POST /api/torrents/:what': async ({ what, json }) =>
      jsonAnswer(await node.act(what, parseTorrentAction(await json()))),
    'POST /api/torrents/:what/files': async ({ what, json }) =>
      jsonAnswer(await node.choose(what, parseChoice(await json()))),
    'GET /api/files/:what': async ({ what }) => jsonAnswer(await node.files(what)),
    'GET /api/torrent-files/:what': async ({ what }) => ({
      bytes: await node.torrentFile(what),
      contentType: 'application/x-bittorrent',
    }),
    'POST /api/torrent-files': async ({ bytes }) => jsonAnswer(await node.getFile(await bytes())),
    'POST /api/share': async ({ json }) => {
      const { path, claims } = parseShareQuestion(await json());
      return jsonAnswer(await node.share(path, claims));
    },
    'POST /api/get': async ({ json }) => {
      const { what, directory, wanted } = parseGetQuestion(await json());
      return jsonAnswer(await node.get(what, directory, wanted));
    },
    'GET /api/listing': async ({ query }) => jsonAnswer(await node.list(parseListingQuestion(query))),
    'POST /api/listing/:what': async ({ what, json }) => jsonAnswer(await node.say(what, parseStatement(await json()))),
    'GET /api/info/:what': async ({ what }) => jsonAnswer(await node.info(what)),
    'GET /api/filter': () => jsonAnswer(node.filter()),
    'GET /api/filter/:what': ({ what }) => jsonAnswer(node.filterList(what)),
    'POST /api/filter': async ({ json }) => jsonAnswer(await node.changeFilter(parseFilterChange(await json()))),
  };
}

/** The node itself. */
function routesOfNode(node: RunningNode, { status, events, settings, requestStop }: ApiSettings): Routes {
  return {
    'GET /api/status': () => jsonAnswer(status()),
    'GET /api/events': () => {
      if (events.isFull) return refusal(409, 'busy', 'too many pages of this node are open: close some');
      return { contentType: 'text/event-stream', begin: (response) => events.begin(response) };
    },
    'GET /api/config': async () => jsonAnswer(await settings.rows()),
    'POST /api/config': async ({ json }) => jsonAnswer(await settings.change(parseSettingChanges(await json()))),
    'POST /api/limits': async ({ json }) => jsonAnswer(node.limit(parseRateChange(await json()))),
    'GET /api/doctor': async () => jsonAnswer(await node.doctor()),
    'POST /api/stop': () => {
      requestStop();
      return jsonAnswer({ isStopping: true }, 202);
    },
  };
}

/** The network of nodes, and this node's part in it. */
function routesOfNetwork(node: RunningNode): Routes {
  return {
    'GET /api/zone': () => jsonAnswer(node.zone()),
    'GET /api/supernodes': () => jsonAnswer(node.supernodes()),
    'GET /api/supernodes/:what': async ({ what }) => jsonAnswer(await node.placement(what)),
    'GET /api/hosts': () => jsonAnswer(node.hosts()),
    'POST /api/hosts': async ({ json }) => jsonAnswer(await node.addHosts(parseHostsQuestion(await json()))),
    'POST /api/role': async ({ json }) => jsonAnswer(node.volunteer(parseRole(await json()))),
    'POST /api/caps': async ({ json }) => jsonAnswer(node.cap(parseCapChange(await json()))),
    'POST /api/drain': async () => jsonAnswer(await node.drain()),
  };
}

function torrentOf(node: RunningNode, text: string): TorrentRow {
  const infoHash = parseInfoHash(text);
  const row = node.torrents().find((torrent) => torrent.infoHash === infoHash);
  if (!row) throw new MonsoonError('not-found', `This node has no torrent ${text}. Run "monsoon ps".`);
  return row;
}

function failure({ url }: IncomingMessage, error: unknown, log: Log): Answer {
  if (error instanceof MonsoonError) return refusal(STATUS_OF[error.code], error.code, error.message);
  if (error instanceof TooLong) return refusal(413, 'usage', 'the request is too long');
  log.error('a local request failed', { path: url, error, stack: (error as Error).stack });
  return refusal(500, 'bug', `${(error as Error).message} (this is a bug; the log has more)`);
}

function refusal(status: number, code: MonsoonErrorCode | 'bug', message: string): Answer {
  return jsonAnswer({ error: code, message }, status);
}
