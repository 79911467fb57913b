// State on disk in two generations (SAFETY rule 5): damage, and kills between any two steps of a save.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { fault } from '../../src/base/index.ts';
import { GenerationFile, type Loaded } from '../../src/io/generation-file.ts';
import { isInstalled, requireOrSkip } from '../require.ts';
import { temporaryFolder } from './loopback-node.ts';

const WRITER = fileURLToPath(new URL('generation-writer.ts', import.meta.url));
const SAVES = 3;
/** Steps of one save: its bytes synced, renamed away, renamed into place, the folder synced. Nothing else here does either. */
const CALLS = ['rename', 'fsync'];
const CALLS_PER_SAVE = 2;

const read = (path: string): Promise<Loaded<string>> =>
  new GenerationFile(path).load((body) => Buffer.from(body).toString());

async function saved(...values: string[]): Promise<string> {
  const path = join(temporaryFolder('generations'), 'state');
  for (const value of values) await new GenerationFile(path).save(Buffer.from(value));
  return path;
}

test('the last save is read, and the one before it is kept', async () => {
  const path = await saved('first', 'second', 'third');
  assert.deepEqual((await read(path)).generation?.value, 'third');
  assert.equal((await read(`${path}.old`)).generation?.value, 'second');
  assert.deepEqual(readdirSync(join(path, '..')).toSorted(), ['state', 'state.old']);
});

test('any flipped bit, any missing tail and an empty file give the generation before, and are set aside', async () => {
  const path = await saved('first', 'second');
  const good = readFileSync(path);
  const flipped = Array.from({ length: good.length * 8 }, (_, bit) => {
    const bytes = Buffer.from(good);
    bytes[bit >> 3]! ^= 1 << (bit & 7);
    return bytes;
  });
  const torn = Array.from({ length: good.length }, (_, length) => good.subarray(0, length));
  for (const damaged of [...flipped, ...torn, Buffer.concat([good, Buffer.from('more')])]) {
    writeFileSync(path, damaged);
    const { generation, setAside } = await read(path);
    assert.equal(generation?.value, 'first');
    assert.equal(generation.isPrevious, true);
    assert.ok(readFileSync(setAside[0]!).equals(damaged));
    assert.ok(!existsSync(path));
  }
});

test('a generation that its reader does not understand is damaged; of two damaged ones nothing is left but their names', async () => {
  const path = await saved('first', 'second');
  const { generation, setAside } = await new GenerationFile(path).load(() => fault('wrong', 'not this'));
  assert.equal(generation, undefined);
  assert.equal(setAside.length, 2);
  assert.deepEqual(await read(path), { generation: undefined, setAside: [] });
});

test('what was removed does not come back in its older generation', async () => {
  const path = await saved('first', 'second');
  await new GenerationFile(path).remove();
  assert.deepEqual(await read(path), { generation: undefined, setAside: [] });
});

test('a save after a damage keeps the good generation until the new one is there', async () => {
  const path = await saved('first', 'second');
  writeFileSync(path, 'noise');
  await read(path);
  await new GenerationFile(path).save(Buffer.from('third'));
  writeFileSync(path, 'noise');
  assert.equal((await read(path)).generation?.value, 'first');
});

for (const call of CALLS) {
  test(`a kill at any ${call} of a save leaves the old state or the new one`, async (t) => {
    if (!requireOrSkip(t, isInstalled('strace'), 'strace is not installed')) return;
    for (let step = 1; step <= SAVES * CALLS_PER_SAVE; step++) {
      const path = join(temporaryFolder('generations'), 'state');
      const strace = ['-f', '-qq', '-o', '/dev/null', '-e', `trace=${call}`];
      const kill = `inject=${call}:signal=KILL:when=${step}`;
      const writer = spawn('strace', [...strace, '-e', kill, process.execPath, WRITER, path, `${SAVES}`], {
        // One thread makes all the calls: strace counts for each by itself.
        env: { ...process.env, UV_THREADPOOL_SIZE: '1' },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const [told] = await Promise.all([text(writer.stdout), once(writer, 'exit')]);
      const last = told.trim().split('\n').map(Number).at(-1)!;
      assert.ok(last < SAVES, 'it was killed');
      const { generation, setAside } = await read(path);
      assert.deepEqual(setAside, []);
      const value = Number(generation?.value ?? 0);
      assert.ok(value === last || value === last + 1, `${value} after ${last} was saved, killed at ${call} ${step}`);
    }
  });
}
