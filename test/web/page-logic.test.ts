// The parts of the local page that know no browser.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ListingAnswer } from '../../app/running-node.ts';
import { EventReader } from '../../web/local/event-stream.ts';
import { isFiltered, questionOf, sortingOf, withChanges } from '../../web/local/listing/question.ts';
import { PAGE_ROWS, RowPages } from '../../web/local/listing/row-pages.ts';
import { scrollTopFor, visibleRows } from '../../web/local/table/visible-rows.ts';
import { filesIn, isOpenAtFirst, linesOf, treeOf } from '../../web/local/torrent/file-tree.ts';
import { selectorsOf } from '../../web/local/torrent/selectors.ts';
import { rowOf } from './rows.ts';

test('rows in sight are drawn with a margin, and never one that is not there', () => {
  for (const total of [0, 1, 30, 100_000]) {
    const bottom = Math.max(0, total * 30 - 600);
    for (const top of [0, 1, 29, 30, 31, bottom / 2, bottom]) {
      const { from, to } = visibleRows(top, 600, 30, total);
      assert.ok(from >= 0 && to <= total && to - from <= 600 / 30 + 29, `${top} of ${total}: ${from} to ${to}`);
      assert.ok(from * 30 <= top && (to * 30 >= top + 600 || to === total), `${top} of ${total}: ${from} to ${to}`);
    }
  }
  assert.deepEqual(
    [scrollTopFor(10, 0, 600, 30), scrollTopFor(2, 300, 600, 30), scrollTopFor(40, 0, 600, 30)],
    [0, 60, 630],
  );
});

interface Reading {
  readonly offset: number;
  readonly answer: (answer: ListingAnswer) => Promise<void>;
  readonly fail: (error: Error) => Promise<void>;
}

/** Pages whose answers a test gives, and what was asked for so far. */
function manualPages(): { pages: RowPages; readings: Reading[]; drawn: () => number } {
  const readings: Reading[] = [];
  let draws = 0;
  const pages = new RowPages(
    (offset) => {
      const { promise, resolve, reject } = Promise.withResolvers<ListingAnswer>();
      const settled = promise.then(
        () => new Promise<void>((done) => setImmediate(done)),
        () => new Promise<void>((done) => setImmediate(done)),
      );
      readings.push({
        offset,
        answer: (answer) => {
          resolve(answer);
          return settled;
        },
        fail: (error) => {
          reject(error);
          return settled;
        },
      });
      return promise;
    },
    () => draws++,
  );
  return { pages, readings, drawn: () => draws };
}

const answerAt = (offset: number, total: number, text = 'row'): ListingAnswer => ({
  rows: Array.from({ length: Math.min(PAGE_ROWS, total - offset) }, (_, i) =>
    rowOf(1, { name: `${text} ${offset + i}` }),
  ),
  total,
});

test('pages are read when they come into sight, two at a time, and what was scrolled past is not', async () => {
  const { pages, readings } = manualPages();
  pages.want(0, 50);
  await readings[0]!.answer(answerAt(0, 100_000));
  assert.equal(pages.total, 100_000);
  assert.equal(pages.rowAt(49)?.name, 'row 49');
  for (let from = 1000; from < 50_000; from += 1000) pages.want(from, from + 50);
  assert.deepEqual(
    readings.map(({ offset }) => offset),
    [0, 1000, 2000],
  );
  await readings[1]!.answer(answerAt(1000, 100_000));
  assert.deepEqual(
    readings.map(({ offset }) => offset),
    [0, 1000, 2000, 49_000],
  );
  await readings[3]!.answer(answerAt(49_000, 100_000));
  assert.equal(pages.rowAt(49_000)?.name, 'row 49000');
  assert.equal(pages.rowAt(30_000), undefined);
});

test('at most 40 pages are kept, the last ones seen', async () => {
  const { pages, readings } = manualPages();
  for (let page = 0; page < 60; page++) {
    pages.want(page * PAGE_ROWS, page * PAGE_ROWS + 1);
    await readings.at(-1)!.answer(answerAt(page * PAGE_ROWS, 100_000));
  }
  const kept = Array.from({ length: 60 }, (_, page) => pages.rowAt(page * PAGE_ROWS)).filter(Boolean);
  assert.equal(kept.length, 40);
  assert.equal(pages.rowAt(19 * PAGE_ROWS), undefined);
});

test('a refresh keeps the old rows until the new ones are there, and takes no answer from before it', async () => {
  const { pages, readings, drawn } = manualPages();
  pages.want(0, 50);
  await readings[0]!.answer(answerAt(0, 300, 'old'));
  pages.refresh();
  pages.refresh();
  assert.equal(pages.rowAt(0)?.name, 'old 0');
  await readings[1]!.answer(answerAt(0, 1, 'stale'));
  assert.equal(pages.total, 300);
  assert.ok(pages.isReading, 'another refresh would throw this answer away too');
  await readings[2]!.answer(answerAt(0, 299, 'new'));
  assert.ok(!pages.isReading);
  assert.equal(pages.rowAt(0)?.name, 'new 0');
  pages.refresh();
  await readings[3]!.fail(new Error('gone'));
  assert.deepEqual([pages.problem, pages.rowAt(0)?.name], ['gone', 'new 0']);
  const before = drawn();
  pages.refresh();
  pages.close();
  await readings[4]!.answer(answerAt(0, 5));
  assert.equal(drawn(), before, 'a closed question draws nothing');
});

test('the place in the address is the question to the node, and nothing else of it', () => {
  const place = new URLSearchParams('q=+rain &category=music&torrent=ab&age=7d&sort=&x=1&reverse=1');
  assert.equal(questionOf(place).toString(), 'q=rain&category=music&age=7d&reverse=1');
  assert.deepEqual(sortingOf(place), { sort: 'best', isReversed: true });
  assert.deepEqual(sortingOf(new URLSearchParams()), { sort: 'age', isReversed: false });
  assert.equal(isFiltered(place), true);
  const next = withChanges(place, { age: '', category: 'game' });
  assert.equal(questionOf(next).toString(), 'q=rain&category=game&reverse=1');
});

test('files become a tree in their order, unfolded where that is short', () => {
  const files = ['b/2', 'b/c/3', 'a', 'b/1'].map((path, index) => {
    return { index, path, size: 10 ** index, priority: 'normal' as const, progress: 0 };
  });
  const tree = treeOf(files);
  assert.deepEqual([tree.size, tree.count], [1111, 4]);
  const seen = (isOpen: boolean): string[] =>
    [...linesOf(tree, () => isOpen)].map(
      (line) => `${line.depth}${line.kind === 'folder' ? `${line.folder.name}/` : line.name}`,
    );
  assert.deepEqual(seen(true), ['0b/', '1c/', '23', '12', '11', '0a']);
  assert.deepEqual(seen(false), ['0b/', '0a']);
  assert.deepEqual(
    [...filesIn(tree.folders[0]!)].map(({ index }) => index),
    [0, 3, 1],
  );
  assert.ok(isOpenAtFirst(tree, 3) && !isOpenAtFirst({ ...tree, count: 1000, folders: [] }, 0));
});

test('indices become selectors that the node takes', () => {
  assert.deepEqual(selectorsOf([5, 0, 2, 4, 6]), ['0,2,4-6']);
  assert.deepEqual(selectorsOf([]), []);
  const odd = Array.from({ length: 3000 }, (_, i) => i * 2);
  const selectors = selectorsOf(odd);
  assert.ok(selectors.length > 1 && selectors.every((text) => text.length <= 4000));
  assert.deepEqual(selectors.join(',').split(',').map(Number), odd);
});

test('events are put together however the bytes were cut', () => {
  const text = ': hello\n\nevent: a\ndata: {"x":1}\n\ndata: 2\n\nevent: c\n\nevent: d\ndata: 3';
  for (let cut = 0; cut < text.length; cut++) {
    const reader = new EventReader();
    const events = [...reader.take(text.slice(0, cut)), ...reader.take(text.slice(cut))];
    assert.deepEqual(events, [
      { type: 'a', data: '{"x":1}' },
      { type: 'message', data: '2' },
    ]);
  }
});
