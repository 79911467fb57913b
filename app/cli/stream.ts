/**
 * `monsoon stream`: a file of a torrent as it comes, to a player, to standard output, or as an address for any player.
 * The daemon fetches what is read next first, and of a torrent that was not here nothing but the file; one that was stays as it is.
 */
import { spawn } from 'node:child_process';
import type { IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { MonsoonError } from '../../src/base/index.ts';
import { get as httpGet } from '../../src/io/node-http.ts';
import { filesNamed } from '../../src/torrent/index.ts';
import { isPlayable } from '../../web/index.ts';
import type { ControlClient } from '../control/client.ts';
import type { FileRow, TorrentRow } from '../running-node.ts';
import { ProgressLine } from '../show/progress.ts';
import { formatSize } from '../show/quantities.ts';
import type { StreamedFile } from '../streamed-file.ts';
import { answer } from './answer.ts';
import { withClient, withDaemon } from './daemon-process.ts';
import { type Call, type CliContext, EXIT, type ExitCode, type Verb } from './verb.ts';
import { explained, whatToGet } from './what.ts';

const POLL_MS = 200;
/** Whoever interrupts waits for no daemon. */
const FORGET_MS_MAX = 2000;
/** Files that an error names. */
const NAMED_MAX = 5;
const PLAYERS = ['vlc', 'mpv'] as const;
type Player = (typeof PLAYERS)[number];

export const stream: Verb = {
  name: 'stream',
  parameters: ['<what>', '[file]'],
  summary: 'play a file while it comes: the largest that plays, or one by its index, part of its path, or a pattern',
  options: [
    { name: 'stdout', flag: '--stdout', help: 'write its bytes to standard output' },
    { name: 'vlc', flag: '--vlc', help: 'play it with VLC' },
    { name: 'mpv', flag: '--mpv', help: 'play it with mpv' },
  ],
  run(call, context) {
    const [named, file] = call.arguments;
    const target = targetOf(call);
    const what = whatToGet(named!, context);
    return withDaemon(context, async (client) => {
      const before = await client.torrents();
      const started = await explained(client.get(what, undefined), named!, context);
      const isNew = before.every(({ infoHash }) => infoHash !== started.infoHash);
      const { row, files } = await knownFiles(client, started, context).catch(async (cause) => {
        if (isNew && context.interrupt.aborted) await forget(started, context);
        throw cause;
      });
      const chosen = isNew ? await chooseOnly(client, row, files, file, context.notes) : chosenFile(row, files, file);
      const streamed = await addressed(client, row, chosen);
      if (target === 'stdout') return write(client, streamed, context);
      if (target === 'address') return answer(call, context, streamed, () => `${streamed.url}\n`);
      return play(target, streamed, call, context);
    });
  },
};

/** Where the file goes; throws a MonsoonError for two places at once. */
function targetOf({ options, wantsJson }: Call): Player | 'stdout' | 'address' {
  const targets = (['stdout', ...PLAYERS] as const).filter((name) => options[name]);
  const [first = 'address', ...others] = targets;
  if (others.length > 0)
    throw new MonsoonError('usage', `Choose one of ${targets.map((name) => `--${name}`).join(', ')}.`);
  if (first === 'stdout' && wantsJson) {
    throw new MonsoonError('usage', '--json prints where --stdout writes the file. Leave one of them out.');
  }
  return first;
}

/** Waits for the metadata of a magnet; says so where a download waits for others. */
async function knownFiles(
  client: ControlClient,
  started: TorrentRow,
  context: CliContext,
): Promise<{ readonly row: TorrentRow; readonly files: readonly FileRow[] }> {
  const line = new ProgressLine(context.notes);
  try {
    if (started.state === 'queued') {
      const { stalledBecause, infoHash } = started;
      context.notes.write(`${stalledBecause}. "monsoon queue ${infoHash} --to first" gives it its turn.\n`);
    }
    for (let row = started; ; row = await client.torrent(started.infoHash)) {
      requireGoing(row);
      const files = row.size > 0 || row.state !== 'metadata' ? (await client.info(row.infoHash)).fileList : [];
      if (files.length > 0) return { row, files };
      line.show(row, performance.now());
      await sleep(POLL_MS, undefined, { signal: context.interrupt });
    }
  } finally {
    line.end();
  }
}

/** Who gives up before a file could be chosen wants none of them. */
async function forget({ infoHash }: TorrentRow, context: CliContext): Promise<void> {
  const uninterrupted = { ...context, interrupt: AbortSignal.timeout(FORGET_MS_MAX) };
  await withClient(uninterrupted, (client) => client.act(infoHash, { type: 'remove', withData: false }));
  context.notes.write('Nothing of it was known yet, and it is no longer looked for.\n');
}

/** The file that was named, as a whole or as in a rule; else the only one, or the largest that plays. */
function chosenFile({ name, infoHash }: TorrentRow, files: readonly FileRow[], wanted: string | undefined): FileRow {
  const next = `"monsoon files ${infoHash}" shows them`;
  if (wanted === undefined) {
    const playable = files.length === 1 ? files : files.filter(({ path }) => isPlayable(path));
    const [first, ...others] = playable;
    if (first) return others.reduce((best, file) => (file.size > best.size ? file : best), first);
    throw new MonsoonError('not-found', `No file of ${name} looks as if it could be played. Name one; ${next}.`);
  }
  const exact = files.find(({ path }) => path === wanted);
  const named = new Set(filesNamed(new Map(files.map(({ index, path }) => [index, path.split('/')])), wanted));
  const fitting = exact ? [exact] : files.filter(({ index }) => named.has(index));
  const [first, ...others] = fitting;
  if (!first) throw new MonsoonError('not-found', `No file of ${name} is called "${wanted}"; ${next}.`);
  if (others.length > 0) {
    const rows = fitting.slice(0, NAMED_MAX).map(({ index, path }) => `${index}  ${path}`);
    throw new MonsoonError('usage', `"${wanted}" is not unique:\n${rows.join('\n')}\nUse an index; ${next}.`);
  }
  return first;
}

/** The same of a torrent that came by this: nobody who plays an episode asked for the whole season. */
async function chooseOnly(
  client: ControlClient,
  row: TorrentRow,
  files: readonly FileRow[],
  wanted: string | undefined,
  notes: CliContext['notes'],
): Promise<FileRow> {
  const { infoHash } = row;
  let chosen: FileRow;
  try {
    chosen = chosenFile(row, files, wanted);
  } catch (error) {
    await client.choose(infoHash, { skip: ['*'] });
    throw error;
  }
  if (files.length > 1) {
    await client.choose(infoHash, { only: [`${chosen.index}`] });
    const all = `"monsoon files ${infoHash} --normal '*'" fetches all`;
    notes.write(`Of ${files.length} files only this one is fetched; ${all}.\n`);
  }
  return chosen;
}

async function addressed(client: ControlClient, row: TorrentRow, file: FileRow): Promise<StreamedFile> {
  const [{ path }, { ui }] = await Promise.all([client.streams(row.infoHash), client.status()]);
  const url = new URL(`${path}${file.index}/${encodeURIComponent(file.path.split('/').at(-1)!)}`, ui).href;
  const { infoHash, name } = row;
  return { infoHash, name, file: file.path, index: file.index, size: file.size, url };
}

/** Writes the file to standard output; rejects unless all of it was written. */
async function write(client: ControlClient, streamed: StreamedFile, context: CliContext): Promise<ExitCode> {
  context.notes.write(`Streaming ${streamed.file}, ${formatSize(streamed.size)}\n`);
  const response = await answerTo(streamed.url, context.interrupt);
  if (response.statusCode !== 200) throw await refusalOf(response);
  let written = 0;
  try {
    for await (const bytes of response as AsyncIterable<Buffer>) {
      await context.data.writeBytes(bytes).catch((cause: Error) => {
        throw new MonsoonError('disk', `Standard output takes no more: ${cause.message}.`, cause);
      });
      written += bytes.length;
    }
  } catch (error) {
    // Its connection ended early; what became of the torrent is asked below.
    if (context.interrupt.aborted || error instanceof MonsoonError) throw error;
  }
  if (written === streamed.size) return EXIT.ok;
  requireGoing(await client.torrent(streamed.infoHash));
  const { size, file } = streamed;
  throw new MonsoonError(
    'refused',
    `${written} of ${size} bytes of ${file} came, then the node ended it. Its log says more.`,
  );
}

function answerTo(url: string, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    httpGet(url, { agent: false, signal }, resolve).once('error', reject);
  });
}

async function refusalOf(response: IncomingMessage): Promise<MonsoonError> {
  const text = Buffer.concat(await response.toArray()).toString();
  return new MonsoonError('refused', (JSON.parse(text) as { message: string }).message);
}

/** Starts a player and waits for its end. */
async function play(player: Player, streamed: StreamedFile, call: Call, context: CliContext): Promise<ExitCode> {
  // Standard output is for what was asked for: a player's words go to the other end.
  const child = spawn(player, [streamed.url], {
    stdio: ['inherit', 2, 2],
    env: context.environment,
    signal: context.interrupt,
  });
  const started = new Promise<void>((resolve, reject) => child.once('spawn', resolve).once('error', reject));
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  await started.catch((cause) => {
    const why = cause.code === 'ENOENT' ? 'is not installed, or not on the path' : `does not start: ${cause.message}`;
    throw new MonsoonError(
      'not-found',
      `${player} ${why}. Install it, or open this in another player:\n${streamed.url}`,
    );
  });
  answer(call, context, streamed, () => `Playing ${streamed.file} with ${player}: ${streamed.url}\n`);
  const code = await ended;
  if (code === 0) return EXIT.ok;
  throw new MonsoonError('refused', `${player} ended with ${code ?? 'a signal'}. What it said is above.`);
}

/** Throws a MonsoonError for a torrent of which nothing more comes. */
function requireGoing({ name, infoHash, state, stalledBecause }: TorrentRow): void {
  if (state !== 'paused' && state !== 'failed' && state !== 'stopped') return;
  const why = stalledBecause ?? `it is ${state}`;
  throw new MonsoonError('refused', `${name} is ${state}: ${why}. Run "monsoon info ${infoHash}".`);
}
