/** Opens both surfaces of the local API for a running node. */
import { randomBytes } from 'node:crypto';
import type { Resolved } from '../../config/index.ts';
import { MonsoonError } from '../../src/base/index.ts';
import type { Home } from '../home.ts';
import type { Log } from '../log.ts';
import type { RunningNode } from '../running-node.ts';
import { controlApi } from './api.ts';
import { loadPages } from './pages.ts';
import { listenOnLoopback, listenOnSocket } from './server.ts';

export interface ControlSettings {
  readonly home: Home;
  readonly resolved: Resolved;
  readonly log: Log;
  /** Asks the process to end; returns at once. */
  readonly requestStop: () => void;
}

export interface OpenControl {
  /** Address of the local page, ended by a slash. */
  readonly uiAddress: string;
  close(): Promise<void>;
}

const TOKEN_BYTES = 32;

/** Resolves once the socket and the page answer; the token lives as long as the process. */
export async function openControl(node: RunningNode, settings: ControlSettings): Promise<OpenControl> {
  const { home, resolved, log, requestStop } = settings;
  const token = randomBytes(TOKEN_BYTES).toString('hex');
  let uiAddress = '';
  const pages = await loadPages(token);
  const fetch = controlApi(node, { resolved, log, pages, requestStop, uiAddress: () => uiAddress });
  const loopback = await listenOnLoopback(fetch, token, new Set(pages.keys()));
  uiAddress = `http://127.0.0.1:${loopback.port}/`;
  try {
    const socket = await listenOnSocket(home.controlSocket, fetch);
    return { uiAddress, close: () => Promise.all([loopback.close(), socket.close()]).then(() => undefined) };
  } catch (cause) {
    await loopback.close();
    throw new MonsoonError('permission', `Cannot open ${home.controlSocket}: ${(cause as Error).message}.`, cause);
  }
}
