// The list in a terminal: what keys do, and the program itself in a real terminal.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { keysIn, ListScreen } from '../../app/show/list-screen.ts';
import type { ListingAnswer, ListingQuery } from '../../src/listing/index.ts';
import { until } from '../interop/until.ts';
import { infoHashOf } from '../listing/signer.ts';
import { isInstalled, requireOrSkip } from '../require.ts';
import { INFO_HASH, LISTING_ROW } from './fake-node.ts';
import { hostFakeNode, type Place, placeFor } from './place.ts';

const PROGRAM = fileURLToPath(new URL('../../bin/monsoon.js', import.meta.url));
const UP = '\u001b[A';
const DOWN = '\u001b[B';

function filled(lines: number, total: number): ListScreen {
  const screen = new ListScreen();
  screen.resize(lines);
  answerTo(screen, total);
  return screen;
}

/** Answers what the screen asks, with rows numbered from a number on; true when it asks for others. */
function answerTo(screen: ListScreen, total: number, first = 0): boolean {
  const { query } = screen;
  const { offset = 0, limit = 0 } = query;
  const rows = Array.from({ length: Math.max(0, Math.min(limit, total - offset)) }, (_, i) => ({
    ...{ ...LISTING_ROW, name: `Row ${first + offset + i}`, infoHash: infoHashOf(first + offset + i) },
  }));
  return screen.show({ rows, total }, query);
}
const markedIn = (screen: ListScreen): string | undefined =>
  screen.lines(60, 1_800_000_000).find((line) => line.startsWith('> '));

test('arrows move within the list, and past its edge other rows are asked for', () => {
  const screen = filled(8, 20);
  assert.deepEqual(screen.query, { offset: 0, limit: 5 });
  assert.equal(screen.press(UP), 'draw', 'it stays at the first');
  for (let i = 0; i < 4; i++) assert.equal(screen.press(DOWN), 'draw');
  assert.equal(screen.press(DOWN), 'load');
  assert.deepEqual(screen.query, { offset: 1, limit: 5 });
  assert.equal(screen.press('\u001b[F'), 'load');
  assert.deepEqual(screen.query, { offset: 15, limit: 5 });
  assert.equal(screen.press('\u001b[6~'), 'draw', 'it stays at the last');
  assert.equal(screen.press('\u001b[H'), 'load');
});

test('the mark stays on its torrent, and Enter fetches no row that took its place', () => {
  const screen = filled(8, 20);
  for (let i = 0; i < 2; i++) screen.press(DOWN);
  assert.equal(screen.selected?.name, 'Row 2');
  // Two new ones came before the others, whose numbers are the same.
  assert.equal(answerTo(screen, 22, -2), false);
  assert.equal(screen.selected?.name, 'Row 2');
  assert.match(markedIn(screen)!, /Row 2/);
  assert.match(screen.lines(60, 0)[0]!, /5 of 22/);
  answerTo(screen, 30, -10);
  assert.deepEqual([screen.selected, markedIn(screen)], [undefined, undefined], 'it is out of sight');
  assert.equal(screen.press('\r'), 'draw');
  screen.press(UP);
  assert.equal(screen.press('\r'), 'fetch');
});

test('until a search is answered Enter fetches nothing, and fewer rows fill the screen from its top', () => {
  const screen = filled(8, 500);
  for (const key of '/foo\r') screen.press(key);
  assert.deepEqual([screen.press('\r'), screen.selected, markedIn(screen)], ['draw', undefined, undefined]);
  assert.equal(screen.press('\u001b[F'), 'load');
  assert.equal(answerTo(screen, 3), true, 'what it asked for is not there any more');
  assert.equal(screen.query.offset, 0);
  assert.equal(answerTo(screen, 3), false);
  assert.match(markedIn(screen)!, /Row 2/);
  assert.equal(screen.press('\r'), 'fetch');
});

test('a problem is told until the list is here again', () => {
  const screen = filled(8, 5);
  screen.say('No node is running.', 'problem');
  screen.press(DOWN);
  assert.match(screen.lines(60, 0).at(-1)!, /No node is running/);
  answerTo(screen, 5);
  assert.match(screen.lines(60, 0).at(-1)!, /^q leaves/);
});

test('what is typed after / is searched with Enter, and Escape leaves it', () => {
  const screen = filled(10, 3);
  assert.equal(screen.press('/'), 'draw');
  for (const key of 'slicon vq\u007falley') screen.press(key);
  assert.match(screen.lines(60, 0)[0]!, /^search: slicon valley_/);
  assert.equal(screen.press('\r'), 'load');
  assert.deepEqual(screen.query, { text: 'slicon valley', offset: 0, limit: 7 });
  screen.press('/');
  assert.equal(screen.press('\u001b'), 'draw');
  assert.equal(screen.press('s'), 'load');
  const sorted: ListingQuery = screen.query;
  assert.deepEqual([sorted.text, sorted.sort], ['slicon valley', 'best']);
  answerTo(screen, 3);
  assert.equal(screen.press('\r'), 'fetch');
  assert.equal(screen.press('q'), 'quit');
});

test('in 40 columns the name has room, and the way out is told', () => {
  const name = 'The Lighthouse Keepers S02E05';
  const screen = new ListScreen();
  screen.resize(8);
  const rows = [{ ...LISTING_ROW, name, category: 'application' as const, size: 700 * 2 ** 20, seeders: 12 }];
  screen.show({ rows, total: 1 }, screen.query);
  const [, heading, first, ...rest] = screen.lines(40, 1_800_000_000);
  assert.match(heading!, /^ {2}Name +Size +Seeds *$/);
  assert.match(first!, /^> The Lighthouse Kee.*… +700 MiB +12 *$/);
  assert.match(rest.at(-1)!, /^q leaves/);
  assert.match(screen.lines(80, 1_800_000_000)[1]!, /^ {2}Cat +Name +Size +Age +Seeds +Leech *$/);
});

test('every line fits, whatever names hold', () => {
  const screen = filled(9, 2);
  for (const columns of [20, 80, 200]) {
    const lines = screen.lines(columns, 1_800_000_000);
    assert.equal(lines.length, 9);
    for (const line of lines) assert.doesNotMatch(line, /[\u0000-\u001f\u202e]/);
  }
  assert.deepEqual(keysIn('a\u001b[A\u001b[6~\rä'), ['a', UP, '\u001b[6~', '\r', 'ä']);
});

interface Window {
  readonly press: (...keys: string[]) => void;
  readonly shown: (pattern: RegExp) => Promise<unknown>;
}

/** The program in a terminal of its own. */
function openWindow(t: TestContext, place: Place): Window {
  const folder = mkdtempSync(join(tmpdir(), 'monsoon-tmux-'));
  const tmux = (...words: string[]): string =>
    execFileSync('tmux', ['-S', join(folder, 'socket'), ...words], {
      encoding: 'utf8',
      env: { ...place.environment, TERM: 'xterm' },
    });
  t.after(() => {
    tmux('kill-server');
    rmSync(folder, { recursive: true, force: true });
  });
  tmux('new-session', '-d', '-x', '90', '-y', '20', `${process.execPath} ${PROGRAM}; echo left with $?; read x`);
  const shown = (pattern: RegExp) =>
    until(
      `the screen to show ${pattern}`,
      60,
      () => (pattern.test(tmux('capture-pane', '-p')) ? true : undefined),
      () => tmux('capture-pane', '-p'),
    );
  return { press: (...keys) => void tmux('send-keys', ...keys), shown };
}

test('who leaves while the node says nothing is not made to wait, and finds the terminal as it was', async (t) => {
  if (!requireOrSkip(t, isInstalled('tmux'), 'tmux is not installed')) return;
  const place = placeFor(t);
  const { node } = await hostFakeNode(t, place);
  const answer = Promise.withResolvers<ListingAnswer>();
  const asked = Promise.withResolvers<void>();
  node.list = () => {
    asked.resolve();
    return answer.promise;
  };
  const { press, shown } = openWindow(t, place);
  await asked.promise;
  press('q');
  await shown(/^left with 0/);
  answer.resolve({ rows: [], total: 0 });
});

test('monsoon alone in a terminal shows the list, searches it, fetches from it and leaves', async (t) => {
  if (!requireOrSkip(t, isInstalled('tmux'), 'tmux is not installed')) return;
  const place = placeFor(t);
  const { node } = await hostFakeNode(t, place);
  const { press, shown } = openWindow(t, place);
  await shown(/> movie +Flood.*of 1997/);
  press('/', 's', 'l', 'i', 'c', 'o', 'n', 'Enter');
  await shown(/monsoon · slicon · 1 of 1/);
  press('Enter');
  await shown(/Fetching Flood/);
  press('q');
  await shown(/left with 0/);
  assert.ok(node.asked.some(([verb, what]) => verb === 'get' && what === INFO_HASH));
  assert.ok(node.asked.some(([verb, query]) => verb === 'list' && (query as { text?: string }).text === 'slicon'));
});
