import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isFault, randomBelow, seededRandom } from '../../src/base/index.ts';
import { fastestMs } from '../../src/io/fastest-ms.ts';
import {
  type FileRule,
  filePriorities,
  formatFileIndices,
  onlyFiles,
  type Priority,
  rulesFor,
  type TorrentFile,
} from '../../src/torrent/index.ts';
import { eachSeed, SEED } from '../seed.ts';

const files: TorrentFile[] = ['s/a.mkv', 's/Extras/b.MKV', 's/Extras/notes.txt', 's/7', 's/c[1].mkv'].map(
  (path, i) => ({ path: path.split('/'), length: 10, offset: 10 * i, isPadding: false }),
);
const chosen = (...selectors: string[]): number[] | string => {
  const priorities = filePriorities(files, onlyFiles(selectors));
  return isFault(priorities) ? priorities.code : [...priorities.keys()].filter((file) => priorities[file] !== 0);
};

test('files are named by index, by pattern or by a part of their path; without a rule all are wanted', () => {
  assert.deepEqual(chosen(), [0, 1, 2, 3, 4]);
  assert.deepEqual(chosen('0,2-3'), [0, 2, 3]);
  assert.deepEqual(chosen('3-99', '0'), [0, 3, 4]);
  assert.deepEqual(chosen('*.mkv'), [0, 1, 4]);
  assert.deepEqual(chosen('extras/*'), [1, 2]);
  assert.deepEqual(chosen('?.mkv'), [0, 1]);
  assert.deepEqual(chosen('EXTRAS'), [1, 2]);
  assert.deepEqual(chosen('c[1]'), [4], 'brackets stand for themselves');
  assert.deepEqual(chosen('*7'), [3], 'a name that looks like an index');
  assert.deepEqual(chosen('*.*', '3'), [0, 1, 2, 3, 4]);
});

test('a rule that names no file is a mistake, not a wish for nothing', () => {
  for (const selector of ['5', '9-12', '*.avi', 'a.mkv.*', 's/a.mkv']) assert.equal(chosen(selector), 'no-such-file');
});

test('the later rule is the stronger one', () => {
  const rules: FileRule[] = [
    { files: '*', priority: 0 },
    { files: 'extras', priority: 1 },
    { files: '1', priority: 3 },
  ];
  assert.deepEqual(filePriorities(files, rules), [0, 3, 1, 0, 0]);
});

test(`priorities survive being written as rules (seed ${SEED})`, () => {
  eachSeed(50, (seed) => {
    const random = seededRandom(seed);
    const priorities = files.map(() => randomBelow(random, 4) as Priority);
    assert.deepEqual(filePriorities(files, rulesFor(priorities)), priorities);
  });
  assert.deepEqual(rulesFor([2, 2]), []);
  assert.equal(formatFileIndices([0, 2, 4, 5, 6]), '0,2,4-6');
});

test('a pattern made to be slow is not', () => {
  const slow = [{ ...files[0]!, path: ['a'.repeat(4000)] }];
  const rules = [{ files: `${'*a'.repeat(200)}*b`, priority: 2 as const }];
  assert.ok(isFault(filePriorities(slow, rules)));
  assert.ok(fastestMs(() => filePriorities(slow, rules)) < 500);
});
