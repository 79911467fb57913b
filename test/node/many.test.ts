// Many torrents at once between real nodes, one of them with thousands of files.
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { SharedTorrent } from '../../app/running-node.ts';
import { randomContent, temporaryFolder, until } from '../io/loopback-node.ts';
import { running } from './running.ts';

const TORRENTS = 50;
const FILES = 2000;
/** Fewer than there are, so that the queue has to pass turns on. */
const RUNNING_MAX = 8;

test(`${TORRENTS} torrents, one of ${FILES} files, arrive identical through a queue of ${RUNNING_MAX}`, async (t) => {
  const sharer = await running(t);
  const getter = await running(t, { bootstrap: [`127.0.0.1:${sharer.port}`], downloadsMax: RUNNING_MAX });
  const source = temporaryFolder('source');
  const shared: SharedTorrent[] = [];
  for (let i = 0; i < TORRENTS; i++) {
    const folder = join(source, `t${i}`);
    mkdirSync(folder);
    const files = i === 0 ? FILES : 1 + (i % 4);
    for (let file = 0; file < files; file++) {
      const sub = join(folder, `d${file % 20}`);
      mkdirSync(sub, { recursive: true });
      writeFileSync(join(sub, `${file}.bin`), randomContent((file * 7919) % (i === 0 ? 3000 : 90_000)));
    }
    shared.push(await sharer.node.share(folder, {}));
  }
  for (const { magnet } of shared) await getter.node.get(magnet, undefined);
  let mostAtOnce = 0;
  const busy = new Set(['metadata', 'checking', 'downloading']);
  await until(
    'all to be here',
    () => {
      const rows = getter.node.torrents();
      mostAtOnce = Math.max(mostAtOnce, rows.filter(({ state }) => busy.has(state)).length);
      return rows.every(({ state }) => state === 'seeding');
    },
    150_000,
  );
  assert.ok(mostAtOnce <= RUNNING_MAX, `${mostAtOnce} at once`);
  for (const { path, name } of getter.node.torrents()) {
    const files = readdirSync(join(source, name), { recursive: true, withFileTypes: true }).filter((file) =>
      file.isFile(),
    );
    for (const file of files) {
      const there = join(file.parentPath, file.name);
      const here = join(path, there.slice(join(source, name).length));
      assert.ok(readFileSync(here).equals(readFileSync(there)), here);
    }
  }
});
