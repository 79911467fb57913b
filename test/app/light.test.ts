// What no process of ours loads: the runtime's second HTTP client, which any import of node:http brings along.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';

const ROOT = new URL('../../', import.meta.url);

for (const part of ['app/daemon.ts', 'app/control/client.ts']) {
  test(`${part} loads one HTTP client, not two`, async () => {
    const script = `await import(${JSON.stringify(new URL(part, ROOT).href)}); console.log(process.moduleLoadList.join('\\n'));`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script]);
    assert.match(stdout, /NativeModule net$/m);
    assert.doesNotMatch(stdout, /internal\/deps\/undici\/undici$/m);
  });
}
