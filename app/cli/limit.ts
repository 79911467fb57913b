/** `monsoon limit`: the rate limits of torrents, or of the whole node, where they hold over restarts too. */
import { parseRate } from '../../config/index.ts';
import { cleanText, MonsoonError } from '../../src/base/index.ts';
import { setConfigValue } from '../config-file.ts';
import type { RateChange, TorrentRow } from '../running-node.ts';
import { formatLimits } from '../show/quantities.ts';
import { answer } from './answer.ts';
import { withClient } from './daemon-process.ts';
import type { Call, CliContext, ExitCode, Verb } from './verb.ts';

const LINE_LENGTH_MAX = 1000;

export const limit: Verb = {
  name: 'limit',
  parameters: ['[torrent...]'],
  summary: 'limit the rates of torrents, or of the whole node when none is named',
  options: [
    {
      name: 'down',
      flag: '--down <rate>',
      help: 'bytes per second, as 500K or 2M; "none" lifts the limit, 0 stops it',
    },
    { name: 'up', flag: '--up <rate>', help: 'the same for uploads' },
  ],
  run(call, context) {
    const change = { down: rateOf(call, 'down'), up: rateOf(call, 'up') };
    return call.arguments.length > 0 ? limitTorrents(call, context, change) : limitNode(call, context, change);
  },
};

function limitTorrents(call: Call, context: CliContext, change: RateChange): Promise<ExitCode> {
  return withClient(context, async (client) => {
    const rows: TorrentRow[] = [];
    for (const what of call.arguments) rows.push(await client.act(what, { type: 'limit', ...change }));
    return answer(call, context, rows, () =>
      rows.map((row) => `${cleanText(row.name, LINE_LENGTH_MAX)}: ${formatLimits(row)}\n`).join(''),
    );
  });
}

/** The node takes it up at once, and its file keeps it. */
function limitNode(call: Call, context: CliContext, change: RateChange): Promise<ExitCode> {
  return withClient(context, async (client) => {
    const limits = await client.limit(change);
    const { configFile } = context.home;
    if (change.down !== undefined) await setConfigValue(configFile, 'downLimit', String(change.down ?? ''));
    if (change.up !== undefined) await setConfigValue(configFile, 'upLimit', String(change.up ?? ''));
    return answer(call, context, limits, () => `The whole node: ${formatLimits(limits)}\n`);
  });
}

function rateOf(call: Call, name: 'down' | 'up'): number | null | undefined {
  const given = call.options[name];
  if (typeof given !== 'string') return undefined;
  const rate = parseRate(given);
  if (rate === undefined) {
    throw new MonsoonError(
      'usage',
      `--${name}: expected bytes per second as 500K or 2M, or "none", not ${JSON.stringify(given)}.`,
    );
  }
  return rate;
}
