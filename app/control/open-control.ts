/** Opens both surfaces of the local API for a running node. */
import { randomBytes } from 'node:crypto';
import type { Resolved } from '../../config/index.ts';
import { MonsoonError } from '../../src/base/index.ts';
import type { Home } from '../home.ts';
import type { Log } from '../log.ts';
import type { NodeStatus, RunningNode } from '../running-node.ts';
import { controlApi } from './api.ts';
import { EventStreams } from './events.ts';
import { keepPagePort, lastPagePort } from './page-port.ts';
import { loadPages } from './pages.ts';
import { listenOnLoopback, listenOnSocket } from './server.ts';
import { Settings } from './settings.ts';
import { Streams } from './streams.ts';

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
export async function openControl(node: RunningNode, control: ControlSettings): Promise<OpenControl> {
  const { home, resolved, log, requestStop } = control;
  const token = randomBytes(TOKEN_BYTES).toString('hex');
  let uiAddress = '';
  const pages = await loadPages(token, (text) => log.warn(text));
  const status = (): NodeStatus => ({ ...node.status(), ui: uiAddress });
  const events = new EventStreams({ status, torrents: () => node.torrents(), supernodes: () => node.supernodes() });
  const settings = new Settings(node, home, resolved);
  const streams = new Streams(node, token, (text) => log.info(text));
  const answer = controlApi(node, { log, pages, requestStop, status, events, settings, streams });
  const isOpen = (url: string): boolean => pages.has(url) || streams.admits(url);
  const loopback = await listenOnLoopback(await lastPagePort(home), answer, token, isOpen);
  await keepPagePort(home, loopback.port);
  uiAddress = `http://127.0.0.1:${loopback.port}/`;
  try {
    const socket = await listenOnSocket(home.controlSocket, answer);
    const close = async (): Promise<void> => {
      // Streams would keep their connections open until the servers lose patience.
      events.close();
      streams.close();
      await Promise.all([loopback.close(), socket.close()]);
    };
    return { uiAddress, close };
  } catch (cause) {
    await loopback.close();
    throw new MonsoonError('permission', `Cannot open ${home.controlSocket}: ${(cause as Error).message}.`, cause);
  }
}
