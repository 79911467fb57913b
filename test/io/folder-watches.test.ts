// Folders that change, and who is told.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { FolderWatches } from '../../src/io/folder-watches.ts';

interface Scene {
  readonly root: string;
  readonly watches: FolderWatches;
  /** Resolves with the paths that were told of by the time a later change of `witness` is. */
  readonly toldOf: (change: () => void) => Promise<ReadonlySet<string>>;
}

async function setScene(t: TestContext): Promise<Scene> {
  const root = mkdtempSync(join(tmpdir(), 'monsoon-watches-'));
  const witness = join(root, 'witness', 'folder');
  mkdirSync(witness, { recursive: true });
  const told = new Set<string>();
  let seen: () => void = () => {};
  const watches = new FolderWatches((path) => {
    told.add(path);
    if (path === witness) seen();
  });
  t.after(() => {
    watches.close();
    rmSync(root, { recursive: true });
  });
  await watches.follow(witness, [witness]);
  let changes = 0;
  return {
    root,
    watches,
    async toldOf(change) {
      told.clear();
      change();
      const { promise, resolve } = Promise.withResolvers<void>();
      seen = resolve;
      // The system tells of changes in their order.
      writeFileSync(join(witness, `${++changes}`), '');
      await promise;
      told.delete(witness);
      return new Set(told);
    },
  };
}

test('whoever follows a folder is told of files and folders that come, change, move and go in it', async (t) => {
  const { root, watches, toldOf } = await setScene(t);
  const share = join(root, 'share');
  const deep = join(share, 'a', 'b');
  mkdirSync(deep, { recursive: true });
  await watches.follow(share, [share, join(share, 'a'), deep]);
  const changes: Record<string, () => void> = {
    created: () => writeFileSync(join(deep, 'file'), ''),
    written: () => writeFileSync(join(deep, 'file'), 'text'),
    renamed: () => renameSync(join(deep, 'file'), join(deep, 'other')),
    deleted: () => rmSync(join(deep, 'other')),
    'a folder made': () => mkdirSync(join(share, 'c')),
    'a folder deleted': () => rmSync(join(share, 'c'), { recursive: true }),
    'itself moved': () => renameSync(share, join(root, 'elsewhere')),
    'itself back': () => renameSync(join(root, 'elsewhere'), share),
  };
  for (const [what, change] of Object.entries(changes)) assert.deepEqual([...(await toldOf(change))], [share], what);
  assert.deepEqual([...(await toldOf(() => writeFileSync(join(root, 'beside'), '')))], [], 'what lies beside it');
});

test('whoever follows a file is told of it and of nothing beside it', async (t) => {
  const { root, watches, toldOf } = await setScene(t);
  const [first, second] = [join(root, 'first'), join(root, 'second')];
  for (const file of [first, second]) writeFileSync(file, '');
  for (const file of [first, second]) await watches.follow(file, []);
  assert.deepEqual([...(await toldOf(() => writeFileSync(first, 'text')))], [first]);
  assert.deepEqual([...(await toldOf(() => renameSync(second, join(root, 'third'))))], [second]);
  watches.leave(first);
  assert.deepEqual([...(await toldOf(() => writeFileSync(first, 'more')))], []);
});

test('a folder that came anew under an old name is heard once it is followed again', async (t) => {
  const { root, watches, toldOf } = await setScene(t);
  const [share, inner] = [join(root, 'share'), join(root, 'share', 'inner')];
  mkdirSync(inner, { recursive: true });
  await watches.follow(share, [share, inner]);
  const replaced = await toldOf(() => {
    rmSync(inner, { recursive: true });
    mkdirSync(inner);
  });
  assert.deepEqual([...replaced], [share]);
  await watches.follow(share, [share, inner]);
  assert.deepEqual([...(await toldOf(() => writeFileSync(join(inner, 'file'), '')))], [share]);
});

test('a folder that is not there, or that is followed no more, is no problem', async (t) => {
  const { root, watches, toldOf } = await setScene(t);
  const share = join(root, 'share');
  await watches.follow(share, [share]);
  assert.deepEqual([...(await toldOf(() => mkdirSync(share)))], [share]);
  await watches.follow(share, [share]);
  const inner = join(share, 'inner');
  await toldOf(() => mkdirSync(inner));
  await watches.follow(share, [share, inner]);
  await watches.follow(share, [share]);
  assert.deepEqual([...(await toldOf(() => writeFileSync(join(inner, 'file'), '')))], []);
});

test('following says whether a change may have been missed: of what was not watched, or is gone', async (t) => {
  const { root, watches } = await setScene(t);
  const [share, inner] = [join(root, 'share'), join(root, 'share', 'inner')];
  mkdirSync(inner, { recursive: true });
  const follow = (): Promise<boolean> => watches.follow(share, [share, inner]);
  assert.deepEqual([await follow(), await follow()], [true, false]);
  rmSync(inner, { recursive: true });
  assert.equal(await follow(), true);
});

test('folders whose way is another one now are watched anew', async (t) => {
  const { root, watches, toldOf } = await setScene(t);
  const [way, share] = [join(root, 'way'), join(root, 'way', 'to', 'share')];
  mkdirSync(share, { recursive: true });
  await watches.follow(share, [share]);
  renameSync(way, join(root, 'old way'));
  mkdirSync(share, { recursive: true });
  assert.equal(await watches.follow(share, [share]), true);
  assert.deepEqual([...(await toldOf(() => writeFileSync(join(share, 'file'), '')))], [share]);
});
