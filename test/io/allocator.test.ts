// What the C library keeps of freed memory, in processes of their own: a setting lasts as long as its process.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';

const ALLOCATOR = new URL('../../src/io/allocator.ts', import.meta.url).href;
const isGlibc = 'glibcVersionRuntime' in (process.report.getReport() as { header: object }).header;

/** Frees 64 MiB that lie between small pieces which stay; returns the MiB that are resident all the same. */
function residentAfterFreeing(isTold: boolean): number {
  const script = `
    const { giveMemoryBack } = await import('${ALLOCATOR}');
    if (${isTold} && !giveMemoryBack()) throw new Error('the C library was not told');
    // The thread that frees buffers after one collection has ended when the next one begins.
    const collect = () => [gc(), gc()];
    const fill = (bytes) => Buffer.allocUnsafeSlow(bytes).fill(1);
    let large = fill(16 << 20);
    large = undefined;
    collect();
    const before = process.memoryUsage.rss();
    const small = [];
    large = [];
    for (let i = 0; i < 64; i++) large.push(fill(1 << 20)) && small.push(fill(65536));
    large = undefined;
    collect();
    console.log(Math.round((process.memoryUsage.rss() - before) / 2 ** 20), small.length);
  `;
  const text = execFileSync(process.execPath, ['--expose-gc', '--input-type=module', '-e', script], {
    encoding: 'utf8',
  });
  return Number(text.split(' ')[0]);
}

test('large pieces of freed memory go back to the system', { skip: !isGlibc }, () => {
  const [told, untold] = [residentAfterFreeing(true), residentAfterFreeing(false)];
  assert.ok(told < 20, `${told} MiB stay`);
  assert.ok(untold > 40, `without being told ${untold} MiB would stay`);
});
