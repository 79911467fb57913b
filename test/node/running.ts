// Real nodes in this process, each in a home of its own, and raw requests to their one port.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { loadConfig } from '../../app/config-file.ts';
import { type Home, prepareHome } from '../../app/home.ts';
import { openLog } from '../../app/log.ts';
import { startNode } from '../../app/node.ts';
import type { RunningNode } from '../../app/running-node.ts';
import { type Place, placeFor } from '../app/place.ts';

const VERBS = [
  ...(['status', 'share', 'get', 'choose', 'torrents', 'act', 'limit', 'list', 'info', 'say'] as const),
  ...(['getFile', 'files', 'torrentFile', 'open'] as const),
  ...([
    'supernodes',
    'hosts',
    'addHosts',
    'doctor',
    'placement',
    'volunteer',
    'cap',
    'drain',
    'filter',
    'changeFilter',
    'filterList',
  ] as const),
];

export interface Running {
  readonly node: RunningNode;
  readonly home: Home;
  readonly place: Place;
  readonly port: number;
  /** Log lines. */
  readonly log: readonly string[];
}

/** Starts a node that is stopped when the test ends. */
export async function running(
  t: TestContext,
  flags: Record<string, unknown> = {},
  place: Place = placeFor(t),
): Promise<Running> {
  const { home } = place;
  await prepareHome(home);
  const given = { port: 0, bind: '127.0.0.1', allowLocal: true, ...flags };
  const { config } = await loadConfig(home, { flags: given, environment: {} });
  const log: string[] = [];
  const node = await startNode({ home, config, log: openLog('debug', { write: (line) => log.push(line) }) });
  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopping ??= node.stop();
    return stopping;
  };
  t.after(stop);
  const stoppable: RunningNode = Object.assign(Object.create(node) as RunningNode, {
    ...Object.fromEntries(VERBS.map((name) => [name, (node[name] as (...given: unknown[]) => unknown).bind(node)])),
    stop,
  });
  return { node: stoppable, home, place, port: node.status().port, log };
}

/** Sends bytes on a connection of their own; resolves to everything that came back before it was closed. */
export async function exchange(
  port: number,
  sent: string | Uint8Array,
  limitMs = 15_000,
  localAddress = '127.0.0.1',
): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', localAddress });
  const parts: Buffer[] = [];
  socket.on('data', (bytes) => parts.push(bytes as Buffer));
  socket.on('error', () => {});
  const timer = setTimeout(() => socket.destroy(), limitMs);
  socket.write(sent);
  await closed(socket);
  clearTimeout(timer);
  return Buffer.concat(parts).toString('latin1');
}

export async function dial(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

/** The health probe: GET /supernodes answers within a second. */
export async function probe(port: number): Promise<void> {
  const reply = await fetch(`http://127.0.0.1:${port}/supernodes`, { signal: AbortSignal.timeout(1000) });
  await reply.arrayBuffer();
  if (reply.status !== 200) throw new Error(`the probe was answered with ${reply.status}`);
}

/** Resolves when a connection is over, however it ended. */
export function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()));
}
