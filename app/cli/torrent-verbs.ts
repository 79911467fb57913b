/** `monsoon pause`, `resume`, `verify`, `move`, `queue` and `rm`: what is done with torrents that the running node has. */
import { resolve } from 'node:path';
import { cleanText } from '../../src/base/index.ts';
import type { TorrentAction, TorrentRow } from '../running-node.ts';
import { formatPercent } from '../show/quantities.ts';
import { answer } from './answer.ts';
import { withClient } from './daemon-process.ts';
import type { Call, CliContext, ExitCode, Verb } from './verb.ts';

const WHAT = '<torrent...>';
const LINE_LENGTH_MAX = 1000;

export const pause: Verb = {
  name: 'pause',
  parameters: [WHAT],
  summary: 'stop transfers until "resume", over restarts too',
  options: [],
  run: (call, context) => actOnEach(call, context, { type: 'pause' }, ({ name }) => `${name}: paused`),
};

export const resume: Verb = {
  name: 'resume',
  parameters: [WHAT],
  summary: 'go on with paused torrents, or try again with failed ones',
  options: [],
  run: (call, context) => actOnEach(call, context, { type: 'resume' }, ({ name, state }) => `${name}: ${state}`),
};

export const verify: Verb = {
  name: 'verify',
  parameters: [WHAT],
  summary: 'hash everything on disk again; returns when that is done',
  options: [],
  run: (call, context) =>
    actOnEach(call, context, { type: 'verify' }, ({ name, progress }) => `${name}: ${formatPercent(progress)} is good`),
};

export const rm: Verb = {
  name: 'rm',
  parameters: [WHAT],
  summary: 'forget torrents; their files stay unless --data is given',
  options: [{ name: 'withData', flag: '--data', help: 'delete their files too' }],
  run: (call, context) => {
    const withData = call.options.withData === true;
    return actOnEach(call, context, { type: 'remove', withData }, ({ name }) =>
      withData ? `${name}: removed with its files` : `${name}: removed; its files stay`,
    );
  },
};

export const move: Verb = {
  name: 'move',
  parameters: ['<torrent>', '<dir>'],
  summary: 'move its files to another folder and go on with them there',
  options: [],
  run: (call, context) => {
    const [what, dir] = call.arguments as [string, string];
    const action: TorrentAction = { type: 'move', directory: resolve(context.cwd, dir) };
    return actOnEach({ ...call, arguments: [what] }, context, action, ({ path }) => `It is now ${path}`);
  },
};

const MOVES = ['first', 'last', 'up', 'down'] as const;

export const queue: Verb = {
  name: 'queue',
  parameters: [WHAT],
  summary: 'change the order in which downloads get their turn',
  options: [{ name: 'to', flag: '--to <place>', help: 'where to', choices: MOVES }],
  run: (call, context) => {
    const to = (call.options.to ?? 'first') as (typeof MOVES)[number];
    return actOnEach(call, context, { type: 'queue', to }, ({ name, queuePlace }) =>
      queuePlace === null ? `${name}: not in the queue` : `${name}: number ${queuePlace} in the queue`,
    );
  },
};

/** One torrent after the other; the first that fails ends it. */
function actOnEach(
  call: Call,
  context: CliContext,
  action: TorrentAction,
  text: (row: TorrentRow) => string,
): Promise<ExitCode> {
  return withClient(context, async (client) => {
    const rows: TorrentRow[] = [];
    for (const what of call.arguments) rows.push(await client.act(what, action));
    return answer(call, context, rows, () => rows.map((row) => `${cleanText(text(row), LINE_LENGTH_MAX)}\n`).join(''));
  });
}
