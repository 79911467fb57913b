import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProgressLine, progressText } from '../../app/show/progress.ts';
import { formatAge, formatDuration, formatPercent, formatSize } from '../../app/show/quantities.ts';
import { formatTable } from '../../app/show/table.ts';
import { columnsOf, fitColumns } from '../../app/show/width.ts';
import { FakeNode } from './fake-node.ts';

test('sizes have three digits that matter and an IEC unit', () => {
  const sizes: [number, string][] = [
    [0, '0 B'],
    [999, '999 B'],
    [1000, '0.98 KiB'],
    [1536, '1.50 KiB'],
    [314_572_800, '300 MiB'],
    [1024 ** 3 * 9.996, '10.0 GiB'],
    [1024 ** 4 * 999.7, '0.98 PiB'],
    [1024 ** 5 * 4000, '4000 PiB'],
  ];
  for (const [bytes, text] of sizes) assert.equal(formatSize(bytes), text);
});

test('durations name two units and ages one', () => {
  assert.deepEqual([0, 59.4, 60, 185, 3600, 7800, 357_000].map(formatDuration), [
    '0 s',
    '59 s',
    '1 min',
    '3 min 5 s',
    '1 h',
    '2 h 10 min',
    '4 d 3 h',
  ]);
  assert.deepEqual([-5, 59, 60, 7200, 90_000, 70_000_000].map(formatAge), [
    '0 s',
    '59 s',
    '1 min',
    '2 h',
    '1 d',
    '2 y',
  ]);
});

test('100 % is only shown when nothing is missing', () => {
  assert.equal(formatPercent(0.99999), '99 %');
  assert.equal(formatPercent(1), '100 %');
});

test('wide, joined and combining characters are measured in terminal columns', () => {
  assert.deepEqual(['abc', '日本', 'é', 'e\u0301', '👨‍👩‍👧'].map(columnsOf), [3, 4, 1, 1, 2]);
  assert.equal(fitColumns('日本語', 5), '日本…');
  assert.equal(fitColumns('abc', 3), 'abc');
});

test('a table gives up the columns that may shrink, and no line is wider than the terminal', () => {
  const columns = [
    { title: 'Name', shrinks: true },
    { title: 'Size', isNumber: true },
  ];
  const rows = [
    ['a very long name of a thing', '1 B'],
    ['日本語の長い名前のもの', '12 KiB'],
  ];
  const table = formatTable(columns, rows, { columns: 24, hasColour: false });
  assert.equal(table, 'Name                Size\na very long nam…     1 B\n日本語の長い名…   12 KiB\n');
  for (const line of table.split('\n')) assert.ok(columnsOf(line) <= 24, line);
});

test('cells lose control characters, and a narrow table keeps whole cells when lines may be long', () => {
  const rows = [[`a\u001b]0;title\u0007b\n${'x'.repeat(300)}`]];
  const table = formatTable([{ title: 'Name', shrinks: true }], rows, {
    columns: Number.POSITIVE_INFINITY,
    hasColour: true,
  });
  assert.equal(table, `\u001b[1mName\u001b[22m\na ]0;title b ${'x'.repeat(300)}\n`);
});

test('a progress line names bar, percent, rate, peers and time left, or the reason of a stall', () => {
  const { row } = new FakeNode();
  assert.equal(
    progressText(row, true),
    'Flood [31m of 1997  [████████············]  42 % of 300 MiB  2.38 MiB/s  3 peers  1 min 15 s left',
  );
  const stalled = progressText({ ...row, stalledBecause: 'no seed seen yet', peers: 1 }, false);
  assert.equal(stalled, 'Flood [31m of 1997  42 % of 300 MiB  2.38 MiB/s  1 peer  no seed seen yet');
});

test('elsewhere than on a terminal a line is written every five seconds at most', () => {
  const written: string[] = [];
  const line = new ProgressLine({ isTty: false, columns: 80, write: (text) => void written.push(text) });
  for (let ms = 0; ms <= 12_000; ms += 50) line.show(new FakeNode().row, ms);
  line.end();
  assert.equal(written.length, 3);
  assert.ok(written.every((text) => text.endsWith('\n') && !text.includes('\u001b')));
});

test('on a terminal the line is redrawn in place, never wraps, and is erased at the end', () => {
  const written: string[] = [];
  const line = new ProgressLine({ isTty: true, columns: 40, write: (text) => void written.push(text) });
  line.show(new FakeNode().row, 0);
  line.show(new FakeNode().row, 50);
  line.end();
  assert.equal(written.length, 3);
  assert.ok(written.every((text) => text.startsWith('\r\u001b[2K') && columnsOf(text.slice(5)) <= 39));
  assert.equal(written[2], '\r\u001b[2K');
});
