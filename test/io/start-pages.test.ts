// What is given up of the runtime's own file, in a process of its own, which goes on to use what it gave up.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { openLibc } from '../../src/io/libc.ts';

const START_PAGES = new URL('../../src/io/start-pages.ts', import.meta.url).href;
const hasFfi = openLibc((ffi) => ffi) !== undefined;
const SCRIPT = `
  import { createHash } from 'node:crypto';
  import { readFileSync } from 'node:fs';
  import { Worker } from 'node:worker_threads';
  const { giveUpStartPages } = await import('${START_PAGES}');
  const fileMib = () => Number(/RssFile:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'latin1'))[1]) / 1024;
  const work = (seed) => {
    const source = 'return [...Array(300).keys()].map((i) => String(i * ' + seed + ').normalize("NFD")).sort().join()';
    return createHash('sha256').update(new Function(source)() + new Intl.NumberFormat('de').format(seed)).digest('hex');
  };
  const expected = work(7);
  const before = fileMib();
  const given = giveUpStartPages() / 2 ** 20;
  const after = fileMib();
  const ended = await new Promise((resolve) => new Worker('process.exit(5)', { eval: true }).on('exit', resolve));
  console.log(JSON.stringify({ before, given, after, isSame: work(7) === expected, ended }));
`;

test('what only a start needs of the runtime is given up, and what is needed again comes back', {
  skip: !hasFfi,
}, () => {
  const text = execFileSync(process.execPath, ['--input-type=module', '-e', SCRIPT], { encoding: 'utf8' });
  const { before, given, after, isSame, ended } = JSON.parse(text);
  assert.ok(given > 20, `${given} MiB were given up`);
  assert.ok(after < before - 20, `${after} MiB of files are resident, before it were ${before}`);
  assert.ok(isSame, 'the same code says the same afterwards');
  assert.equal(ended, 5, 'a thread starts');
});
