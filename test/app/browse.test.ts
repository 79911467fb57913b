// The list in a terminal: what keys do, and the program itself in a real terminal.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { keysIn, ListScreen } from '../../app/show/list-screen.ts';
import type { ListingQuery } from '../../src/listing/index.ts';
import { until } from '../interop/until.ts';
import { isInstalled, requireOrSkip } from '../require.ts';
import { FakeNode, INFO_HASH } from './fake-node.ts';
import { hostFakeNode, placeFor } from './place.ts';

const PROGRAM = fileURLToPath(new URL('../../bin/monsoon.js', import.meta.url));
const UP = '\u001b[A';
const DOWN = '\u001b[B';

async function filled(lines: number, total: number): Promise<ListScreen> {
  const [row] = (await new FakeNode().list({})).rows;
  const screen = new ListScreen();
  screen.resize(lines);
  const { offset = 0, limit = 0 } = screen.query;
  screen.show({ rows: new Array(Math.min(limit, total - offset)).fill(row), total });
  return screen;
}

test('arrows move within the list, and past its edge other rows are asked for', async () => {
  const screen = await filled(8, 20);
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

test('what is typed after / is searched with Enter, and Escape leaves it', async () => {
  const screen = await filled(10, 3);
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
  assert.equal(screen.press('\r'), 'fetch');
  assert.equal(screen.press('q'), 'quit');
});

test('in 40 columns the name has room, and the way out is told', async () => {
  const [row] = (await new FakeNode().list({})).rows;
  const name = 'The Lighthouse Keepers S02E05';
  const screen = new ListScreen();
  screen.resize(8);
  screen.show({ rows: [{ ...row!, name, category: 'application', size: 700 * 2 ** 20, seeders: 12 }], total: 1 });
  const [, heading, first, ...rest] = screen.lines(40, 1_800_000_000);
  assert.match(heading!, /^ {2}Name +Size +Seeds *$/);
  assert.match(first!, /^> The Lighthouse Kee.*… +700 MiB +12 *$/);
  assert.match(rest.at(-1)!, /^q leaves/);
  assert.match(screen.lines(80, 1_800_000_000)[1]!, /^ {2}Cat +Name +Size +Age +Seeds +Leech *$/);
});

test('every line fits, whatever names hold', async () => {
  const screen = await filled(9, 2);
  for (const columns of [20, 80, 200]) {
    const lines = screen.lines(columns, 1_800_000_000);
    assert.equal(lines.length, 9);
    for (const line of lines) assert.doesNotMatch(line, /[\u0000-\u001f\u202e]/);
  }
  assert.deepEqual(keysIn('a\u001b[A\u001b[6~\rä'), ['a', UP, '\u001b[6~', '\r', 'ä']);
});

test('monsoon alone in a terminal shows the list, searches it, fetches from it and leaves', async (t) => {
  if (!requireOrSkip(t, isInstalled('tmux'), 'tmux is not installed')) return;
  const place = placeFor(t);
  const { node } = await hostFakeNode(t, place);
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
  await shown(/> movie +Flood.*of 1997/);
  tmux('send-keys', '/', 's', 'l', 'i', 'c', 'o', 'n', 'Enter');
  await shown(/monsoon · slicon · 1 of 1/);
  tmux('send-keys', 'Enter');
  await shown(/Fetching Flood/);
  tmux('send-keys', 'q');
  await shown(/left with 0/);
  assert.ok(node.asked.some(([verb, what]) => verb === 'get' && what === INFO_HASH));
  assert.ok(node.asked.some(([verb, query]) => verb === 'list' && (query as { text?: string }).text === 'slicon'));
});
