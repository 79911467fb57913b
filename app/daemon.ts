/**
 * The life of the process that holds a home: lock, node, local API, then everything in the opposite order once
 * somebody asks for the end. The lock is taken first and released last, so no second node ever opens the same data.
 */
import { flushCompileCache } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config, Resolved } from '../config/index.ts';
import { giveMemoryBack } from '../src/io/allocator.ts';
import { giveUpStartPages } from '../src/io/start-pages.ts';
import { type OpenControl, openControl } from './control/open-control.ts';
import { lockData } from './data-lock.ts';
import { type Home, prepareHome } from './home.ts';
import type { Log } from './log.ts';
import type { NodeStatus, RunningNode } from './running-node.ts';

/** What a node is started with. */
export interface NodeSettings {
  readonly home: Home;
  readonly config: Config;
  readonly log: Log;
}
/** Starts a node; rejects with a MonsoonError when this environment does not let it. */
export type StartNode = (settings: NodeSettings) => Promise<RunningNode>;

export interface DaemonSettings {
  readonly home: Home;
  readonly resolved: Resolved;
  readonly log: Log;
  readonly startNode: StartNode;
  /** Ends the daemon when aborted. */
  readonly interrupt: AbortSignal;
  /** Awaited once, when the node runs and nobody can ask it yet. */
  readonly onStarted?: () => Promise<void>;
  /** Told once, when node and page answer. */
  readonly onServing: (status: NodeStatus) => void;
}

// Trackers are told that we leave; one that does not answer must not keep the process.
const STOP_MS_MAX = 20_000;

/** Runs a node until it is interrupted or asked to stop; resolves once everything is written and closed. */
export async function runDaemon({
  home,
  resolved,
  log,
  startNode,
  interrupt,
  onStarted,
  onServing,
}: DaemonSettings): Promise<void> {
  giveMemoryBack();
  await prepareHome(home);
  await using ends = new AsyncDisposableStack();
  const lock = await lockData(home);
  ends.defer(() => lock.release());
  let control: OpenControl | undefined;
  // Closed after the node, so that `monsoon stop` sees the socket until everything else is done.
  ends.defer(() => control?.close());
  const node = await startNode({ home, config: resolved.config, log });
  ends.defer(() => stopNode(node, log));
  const { promise: stopRequested, resolve: requestStop } = Promise.withResolvers<void>();
  interrupt.addEventListener('abort', () => requestStop(), { once: true });
  if (interrupt.aborted) requestStop();
  await onStarted?.();
  control = await openControl(node, { home, resolved, log, requestStop });
  const status = { ...node.status(), ui: control.uiAddress };
  log.info('the node serves', { port: status.port, ui: status.ui });
  onServing(status);
  // A process that is killed leaves none behind, and the next start would strip types again: 200 ms and 40 MiB.
  flushCompileCache();
  giveUpStartPages();
  await stopRequested;
}

async function stopNode(node: RunningNode, log: Log): Promise<void> {
  log.info('the node stops');
  const deadline = new AbortController();
  const late = sleep(STOP_MS_MAX, 'late', { signal: deadline.signal }).catch(() => 'in time');
  const outcome = await Promise.race([node.stop().then(() => 'in time'), late]);
  deadline.abort();
  if (outcome === 'late') log.warn('the node did not stop in time', { waitedMs: STOP_MS_MAX });
  else log.info('the node has stopped');
}
