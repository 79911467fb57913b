import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeRoom } from '../../src/base/index.ts';

test('what was set first makes room where a map or a set is full, and nothing where it is not', () => {
  const map = new Map([
    ['a', 1],
    ['b', 2],
  ]);
  makeRoom(map, 3);
  assert.deepEqual([...map.keys()], ['a', 'b']);
  map.delete('a');
  map.set('a', 3);
  makeRoom(map, 2);
  assert.deepEqual([...map.keys()], ['a']);
  const set = new Set(['a', 'b']);
  makeRoom(set, 2);
  assert.deepEqual([...set], ['b']);
});
