// What no process of ours loads: the runtime's second HTTP client, which any import of node:http brings along. And what no
// verb does, which would wait for it before it asks the daemon.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';

const ROOT = new URL('../../', import.meta.url);

async function loadedBy(part: string): Promise<string> {
  const script = `await import(${JSON.stringify(new URL(part, ROOT).href)}); console.log(process.moduleLoadList.join('\\n'));`;
  return (await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script])).stdout;
}

for (const part of ['app/daemon.ts', 'app/control/client.ts']) {
  test(`${part} loads one HTTP client, not two`, async () => {
    const loaded = await loadedBy(part);
    assert.match(loaded, /NativeModule net$/m);
    assert.doesNotMatch(loaded, /internal\/deps\/undici\/undici$/m);
  });
}

test('get loads none of the hashes', async () => {
  const loaded = await loadedBy('app/cli/get.ts');
  assert.match(loaded, /NativeModule net$/m);
  assert.doesNotMatch(loaded, /NativeModule crypto$/m);
});
