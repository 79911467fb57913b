/**
 * The local API: JSON questions to the running node. Built once and served on both surfaces; who may ask was decided
 * before a request comes here. Nothing changes by GET.
 */
import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { MonsoonError, type MonsoonErrorCode, parseInfoHash } from '../../src/base/index.ts';
import { METAINFO_BYTES_MAX } from '../../src/torrent/index.ts';
import type { Log } from '../log.ts';
import type { NodeStatus, RunningNode, TorrentRow } from '../running-node.ts';
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

export interface ApiSettings {
  readonly log: Log;
  /** The node's, with the address of the page, which the node itself does not know. */
  readonly status: () => NodeStatus;
  readonly pages: Pages;
  readonly events: EventStreams;
  readonly settings: Settings;
  /** Asks the process to end; returns at once. */
  readonly requestStop: () => void;
}

/** A request to its response, as both servers call it. */
export type Fetch = (request: Request) => Promise<Response>;

const BODY_BYTES_MAX = 64 * 1024;
/** Of a list of hosts or of filter rules: LIST_LENGTH_MAX, FILTER_LIST_BYTES_MAX, and what JSON adds. */
const LIST_BODY_BYTES_MAX = 2 * 1024 * 1024;
/** Where .torrent files are sent to, and saved from. */
const TORRENT_FILES = '/api/torrent-files';

const STATUS_OF: Readonly<Record<MonsoonErrorCode, 400 | 403 | 404 | 409 | 500 | 502 | 503 | 504 | 507>> = {
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

/** Builds the API of one node. */
export function controlApi(node: RunningNode, settings: ApiSettings): Fetch {
  const app = new Hono();
  app.use((c, next) => bodyLimit({ maxSize: bodyBytesMax(c), onError: tooLong })(c, next));
  app.onError((error, c) => failure(c, error, settings.log));
  app.notFound((c) => refusal(c, 404, 'not-found', 'there is nothing at this address'));

  app.get('/api/status', (c) => c.json(settings.status()));
  app.get('/api/events', (c) => {
    const stream = settings.events.open();
    if (!stream) return refusal(c, 409, 'busy', 'too many pages of this node are open: close some');
    return c.body(stream, 200, { 'Content-Type': 'text/event-stream' });
  });
  app.get('/api/torrents', (c) => c.json(node.torrents()));
  app.get('/api/torrents/:infoHash', (c) => c.json(torrentOf(node, c.req.param('infoHash'))));
  app.get('/api/listing', async (c) => c.json(await node.list(parseListingQuestion(c.req.url))));
  app.post('/api/listing/:what', async (c) =>
    c.json(await node.say(c.req.param('what'), parseStatement(await jsonOf(c)))),
  );
  app.get('/api/filter', (c) => c.json(node.filter()));
  app.get('/api/filter/:author', (c) => c.json(node.filterList(c.req.param('author'))));
  app.post('/api/filter', async (c) => c.json(await node.changeFilter(parseFilterChange(await jsonOf(c)))));
  app.get('/api/info/:what', async (c) => c.json(await node.info(c.req.param('what'))));
  app.get('/api/config', async (c) => c.json(await settings.settings.rows()));
  app.get('/api/files/:what', async (c) => c.json(await node.files(c.req.param('what'))));
  app.get(`${TORRENT_FILES}/:what`, async (c) => {
    const bytes = await node.torrentFile(c.req.param('what'));
    return c.body(Uint8Array.from(bytes), 200, { 'Content-Type': 'application/x-bittorrent' });
  });
  app.post(TORRENT_FILES, async (c) => c.json(await node.getFile(new Uint8Array(await c.req.arrayBuffer()))));
  app.post('/api/config', async (c) => c.json(await settings.settings.change(parseSettingChanges(await jsonOf(c)))));
  app.post('/api/share', async (c) => {
    const { path, claims } = parseShareQuestion(await jsonOf(c));
    return c.json(await node.share(path, claims));
  });
  app.post('/api/get', async (c) => {
    const { what, directory, wanted } = parseGetQuestion(await jsonOf(c));
    return c.json(await node.get(what, directory, wanted));
  });
  app.post('/api/torrents/:infoHash/files', async (c) => {
    return c.json(await node.choose(c.req.param('infoHash'), parseChoice(await jsonOf(c))));
  });
  app.post('/api/torrents/:what', async (c) =>
    c.json(await node.act(c.req.param('what'), parseTorrentAction(await jsonOf(c)))),
  );
  app.post('/api/limits', async (c) => c.json(node.limit(parseRateChange(await jsonOf(c)))));
  answerOfNetwork(app, node);
  app.post('/api/stop', (c) => {
    settings.requestStop();
    return c.json({ isStopping: true }, 202);
  });

  for (const [path, page] of settings.pages) {
    app.get(path, (c) => c.body(page.text, 200, { 'Content-Type': page.contentType }));
  }
  return async (request) => app.fetch(request);
}

/** What concerns the network of nodes, and this node's part in it. */
function answerOfNetwork(app: Hono, node: RunningNode): void {
  app.get('/api/zone', (c) => c.json(node.zone()));
  app.get('/api/supernodes', (c) => c.json(node.supernodes()));
  app.get('/api/supernodes/:what', async (c) => c.json(await node.placement(c.req.param('what'))));
  app.get('/api/doctor', async (c) => c.json(await node.doctor()));
  app.get('/api/hosts', (c) => c.json(node.hosts()));
  app.post('/api/hosts', async (c) => c.json(await node.addHosts(parseHostsQuestion(await jsonOf(c)))));
  app.post('/api/role', async (c) => c.json(node.volunteer(parseRole(await jsonOf(c)))));
  app.post('/api/caps', async (c) => c.json(node.cap(parseCapChange(await jsonOf(c)))));
  app.post('/api/drain', async (c) => c.json(await node.drain()));
}

function bodyBytesMax(c: Context): number {
  if (c.req.path === TORRENT_FILES) return METAINFO_BYTES_MAX;
  return c.req.path === '/api/hosts' || c.req.path === '/api/filter' ? LIST_BODY_BYTES_MAX : BODY_BYTES_MAX;
}

function tooLong(c: Context): Response {
  return refusal(c, 413, 'usage', 'the request is too long');
}

function torrentOf(node: RunningNode, text: string): TorrentRow {
  const infoHash = parseInfoHash(text);
  const row = node.torrents().find((torrent) => torrent.infoHash === infoHash);
  if (!row) throw new MonsoonError('not-found', `This node has no torrent ${text}. Run "monsoon ps".`);
  return row;
}

async function jsonOf(c: Context): Promise<unknown> {
  try {
    return await c.req.json();
  } catch {
    throw new MonsoonError('usage', 'the body is not valid JSON');
  }
}

function failure(c: Context, error: unknown, log: Log): Response {
  if (error instanceof MonsoonError) return refusal(c, STATUS_OF[error.code], error.code, error.message);
  log.error('a local request failed', { path: c.req.path, error, stack: (error as Error).stack });
  return refusal(c, 500, 'bug', `${(error as Error).message} (this is a bug; the log has more)`);
}

function refusal(
  c: Context,
  status: 400 | 403 | 404 | 409 | 413 | 500 | 502 | 503 | 504 | 507,
  code: MonsoonErrorCode | 'bug',
  message: string,
): Response {
  return c.json({ error: code, message }, status);
}
