/**
 * `monsoon get`: starts a download in the daemon, and watches it. With --exit the exit code is 0 only when every byte
 * is verified; a watcher that leaves never ends the download.
 */
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MonsoonError } from '../../src/base/index.ts';
import type { ControlClient } from '../control/client.ts';
import type { TorrentRow, Wanted } from '../running-node.ts';
import { ProgressLine } from '../show/progress.ts';
import { formatDuration, formatSize } from '../show/quantities.ts';
import { formatFacts } from '../show/table.ts';
import { answer } from './answer.ts';
import { withDaemon } from './daemon-process.ts';
import type { Call, CliContext, Verb } from './verb.ts';
import { explained, whatToGet } from './what.ts';

/** The last line of `get --exit --json`. */
interface Fetched {
  readonly infoHash: string;
  readonly name: string;
  readonly path: string;
  readonly size: number;
  readonly seconds: number;
  readonly bytesDownloaded: number;
}

/**
 * The daemon is asked again when half of what is left should have come, and where that is not known, a twentieth of the time
 * until now later: scripts time the whole command, and each question takes its time from what is fetched.
 */
const POLL_MS = { min: 50, max: 500, shareOfRest: 1 / 2, shareOfPast: 1 / 20 };

export const get: Verb = {
  name: 'get',
  alias: 'download',
  parameters: ['<what>'],
  summary: 'download a magnet, info hash, .torrent file or listed name',
  options: [
    { name: 'output', flag: '-o, --output <dir>', help: 'the folder to download into' },
    {
      name: 'select',
      flag: '-s, --select <files>',
      help: 'only these files, by index, pattern or part of a path',
      isList: true,
    },
    { name: 'sequential', flag: '--seq', help: 'fetch in order, to use it while it comes' },
    { name: 'exit', flag: '--exit', help: 'wait, and end with 0 only when every byte is verified' },
  ],
  async run(call, context) {
    const what = whatToGet(call.arguments[0]!, context);
    const directory = typeof call.options.output === 'string' ? resolve(context.cwd, call.options.output) : undefined;
    return withDaemon(context, async (client) => {
      const started = await explained(client.get(what, directory, wantedOf(call)), call.arguments[0]!, context);
      if (!call.options.exit && !context.data.isTty) {
        return answer(call, context, started, () => startedText(started));
      }
      const fetched = await watch(client, started, context);
      return answer(call, context, fetched, () => fetchedText(fetched));
    });
  },
};

function wantedOf({ options }: Call): Partial<Wanted> {
  const { select, sequential } = options as { select?: string[]; sequential?: boolean };
  return { ...(select && { files: select }), ...(sequential && { isSequential: true }) };
}

/** Resolves once every byte is verified; rejects when the download failed or was stopped. */
async function watch(client: ControlClient, started: TorrentRow, context: CliContext): Promise<Fetched> {
  const line = new ProgressLine(context.notes);
  const startedMs = performance.now();
  try {
    for (let row = started; ; row = await client.torrent(started.infoHash)) {
      if (row.state === 'seeding') return fetchedOf(row);
      if (row.state === 'failed' || row.state === 'stopped') throw endedEarly(row);
      const nowMs = performance.now();
      line.show(row, nowMs);
      await sleep(pollMsOf(row, nowMs - startedMs), undefined, { signal: context.interrupt });
    }
  } finally {
    line.end();
  }
}

/** Half of what is left if all goes on as until now; the first moments say little, so that nobody waits longer than a quarter of them. */
function pollMsOf({ progress }: TorrentRow, pastMs: number): number {
  const share =
    progress === 0 ? POLL_MS.shareOfPast : Math.min(1 / 4, ((1 - progress) / progress) * POLL_MS.shareOfRest);
  return Math.min(POLL_MS.max, Math.max(POLL_MS.min, pastMs * share));
}

function fetchedOf({ infoHash, name, path, size, seconds, bytesDownloaded }: TorrentRow): Fetched {
  return { infoHash, name, path, size, seconds: seconds ?? 0, bytesDownloaded };
}

function endedEarly(row: TorrentRow): MonsoonError {
  const why = row.stalledBecause ?? `it is ${row.state}`;
  return new MonsoonError('refused', `The download did not complete: ${why}. Run "monsoon info ${row.infoHash}".`);
}

function startedText(row: TorrentRow): string {
  return formatFacts([
    ['Name', row.name],
    ['Hash', row.infoHash],
    ['Path', row.path],
    ['Next', 'run "monsoon ps" to see it'],
  ]);
}

function fetchedText(fetched: Fetched): string {
  return formatFacts([
    ['Name', fetched.name],
    ['Size', formatSize(fetched.size)],
    ['Path', fetched.path],
    ['Time', formatDuration(fetched.seconds)],
  ]);
}
