import assert from 'node:assert/strict';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeFolders } from '../../src/io/make-folders.ts';
import { temporaryFolder } from './loopback-node.ts';

test('a folder is made with all that it lies in, once or many times at once', async () => {
  const root = temporaryFolder('folders');
  const path = join(root, 'one', 'two', 'three');
  await Promise.all([1, 2, 3].map(() => makeFolders(path, 0o700)));
  await makeFolders(path);
  await makeFolders(`${path}/`);
  assert.equal(statSync(path).mode & 0o777, 0o700);
  assert.equal(statSync(join(root, 'one')).mode & 0o777, 0o700);
});

test('a file in the way, and a file system that makes no folders, are errors and no endless trying', async (t) => {
  const file = join(temporaryFolder('folders'), 'file');
  writeFileSync(file, '');
  await assert.rejects(makeFolders(file), { code: 'EEXIST' });
  await assert.rejects(makeFolders(join(file, 'folder')), { code: 'ENOTDIR' });
  if (!existsSync('/proc/self')) return t.skip('this system has no /proc');
  await assert.rejects(makeFolders('/proc/no-such-process/folder'), { code: 'ENOENT' });
});
