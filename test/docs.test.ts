// What is written about the program is what the program does.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { EXIT } from '../app/cli/verb.ts';
import { FakeNode } from './app/fake-node.ts';
import { placeFor, runHere } from './app/place.ts';
import { CONFIG_PAGE, configPage } from './config-page.ts';
import { LIMITS_PAGE, limitsPage, readLimits } from './limits-page.ts';
import { protocolExamples } from './protocol-examples.ts';
import { isInstalled, requireOrSkip } from './require.ts';
import { readStatements, unknownIds } from './statements.ts';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const TRY_OUT_MS_MAX = 120_000;

const page = (name: string): string => readFileSync(join(ROOT, name), 'utf8');
const readme = page('README.md');

test('docs/CONFIG.md is what the option table says (write it by: node test/config-page.ts)', () => {
  assert.equal(readFileSync(CONFIG_PAGE, 'utf8'), configPage());
});

test('docs/LIMITS.md holds every limit with its value (write it by: node test/limits-page.ts)', () => {
  assert.equal(readFileSync(LIMITS_PAGE, 'utf8'), limitsPage());
  const found = readLimits();
  assert.ok(found.length > 100, `only ${found.length} limits were found`);
  for (const { name, file, value } of found) assert.ok(Number.isFinite(value), `${name} in ${file}`);
});

test('the examples of docs/PROTOCOL.md are the bytes that the code makes', () => {
  for (const { title, bytes, lines } of protocolExamples()) {
    assert.ok(page('docs/PROTOCOL.md').includes(`\n${lines.join('\n')}\n`), `${title}: node test/protocol-examples.ts`);
    assert.ok(page('docs/PROTOCOL.md').includes(`${bytes.length} bytes:`), `${title} has ${bytes.length} bytes`);
  }
});

test('README.md names every verb of the program, and no other', async (t) => {
  const { data } = await runHere(placeFor(t), ['--help']);
  const offered = [...data.matchAll(/^ {2}([a-z]+)(?:\|[a-z]+)? /gm)].map(([, verb]) => verb!);
  const named = [...readme.matchAll(/^\| `([a-z]+)[^`]*` \| (?!`)/gm)].map(([, verb]) => verb!);
  assert.deepEqual(named.toSorted(), offered.filter((verb) => verb !== 'help').toSorted());
});

test('README.md names the exit codes and the members of the JSON that scripts rely on', async () => {
  const node = new FakeNode();
  const rows: Record<string, object> = {
    status: node.status(),
    share: await node.share('/a', {}),
    list: (await node.list({})).rows[0]!,
    ps: node.torrents()[0]!,
    supernodes: node.supernodes()[0]!,
  };
  for (const [verb, row] of Object.entries(rows)) {
    const shape = new RegExp(`^\\| \`${verb}\` \\| \`([^\`]+)\``, 'm').exec(readme)?.[1] ?? '';
    assert.deepEqual(membersOf(shape), Object.keys(row).toSorted(), verb);
  }
  const codes = [...readme.matchAll(/^\| (\d+) \| /gm)].map(([, code]) => Number(code));
  assert.deepEqual(codes, Object.values(EXIT));
});

test('the try-out of README.md works as it is written', { timeout: TRY_OUT_MS_MAX }, async (t) => {
  if (!requireOrSkip(t, process.platform !== 'win32', 'the try-out is for a POSIX shell')) return;
  if (!requireOrSkip(t, isInstalled('aria2c'), 'aria2c is not installed')) return;
  const script = /^```sh\n([\s\S]*?)^```$/m.exec(readme)?.[1];
  assert.ok(script, 'README.md has a shell block');
  const { exitCode, output } = await runShell(t, script);
  assert.equal(exitCode, 0, output);
  for (const promise of ['Ben has the same files', 'aria2 has the same files']) {
    assert.ok(output.includes(`\n${promise}\n`), output);
  }
  assert.match(output, /^music +songs /m, 'the listing shows the share');
  assert.equal(output.match(/^The node has stopped\.$/gm)?.length, 2, output);
});

test('every link between documents leads to a file', () => {
  const pages = ['*.md', 'docs/**/*.md'].flatMap((pattern) => globSync(pattern, { cwd: ROOT }));
  for (const name of pages) {
    for (const [, target] of page(name).matchAll(/\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g)) {
      assert.equal(globSync(join(dirname(name), target!), { cwd: ROOT }).length, 1, `${name} links to ${target}`);
    }
  }
});

test('test names carry only IDs of docs/STATEMENTS.md', () => {
  const statements = readStatements();
  assert.equal(statements.length, 151);
  assert.deepEqual(unknownIds(statements), []);
});

/** The outermost member names of a shape such as `[{name, caps: {peers}}]`. */
function membersOf(shape: string): string[] {
  let flat = shape.replace(/^\[?\{|\}\]?$/g, '');
  while (/[[{][^[\]{}]*[\]}]/.test(flat)) flat = flat.replace(/[[{][^[\]{}]*[\]}]/g, '');
  return flat
    .split(',')
    .map((member) => member.replace(/:.*/, '').trim())
    .toSorted();
}

interface Ran {
  readonly exitCode: number | null;
  readonly output: string;
}

/** Runs a script at the root of the checkout; what it leaves behind when it fails is stopped and removed. */
function runShell(t: TestContext, script: string): Promise<Ran> {
  const home = mkdtempSync(join(tmpdir(), 'monsoon-docs-'));
  const PATH = `${dirname(process.execPath)}${delimiter}${process.env.PATH}`;
  // Tests that run beside this one are no neighbours of its nodes.
  const env = { PATH, HOME: home, TMPDIR: home, MONSOON_LAN: 'false' };
  // A group of its own, so that one signal ends the shell and what it waits for.
  const child = spawn('sh', ['-euc', script], { cwd: ROOT, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => {
    if (child.exitCode === null && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    for (const lock of globSync('*/*/data/lock', { cwd: home })) {
      const MONSOON_HOME = join(home, dirname(dirname(lock)));
      spawnSync(process.execPath, ['bin/monsoon.js', 'stop'], { cwd: ROOT, env: { ...env, MONSOON_HOME } });
    }
    rmSync(home, { recursive: true, force: true });
  });
  let output = '\n';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (exitCode) => resolve({ exitCode, output }));
  });
}
