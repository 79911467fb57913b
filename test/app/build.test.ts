// The built program (bin/build-program.ts) is what runs as long as it says what the sources say, and never afterwards.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const PARTS = ['app', 'bin', 'config', 'dns', 'package-lock.json', 'package.json', 'src', 'tracker', 'web'];
const SUMMARY = 'stop the node';
const SAYS_SO = "console.log('this is the build');\n";

/** A checkout of its own. */
function checkout(after: (end: () => void) => void): string {
  const root = join(mkdtempSync(join(tmpdir(), 'monsoon-build-')), 'monsoon');
  after(() => rmSync(join(root, '..'), { recursive: true }));
  mkdirSync(root);
  for (const part of PARTS) cpSync(join(ROOT, part), join(root, part), { recursive: true, preserveTimestamps: true });
  symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'));
  return root;
}

async function node(...args: string[]): Promise<string> {
  return (await promisify(execFile)(process.execPath, args)).stdout;
}

/** Makes the current build of a checkout say that it is what runs. */
function mark(root: string): void {
  const { folder } = JSON.parse(readFileSync(join(root, 'dist/program/current.json'), 'utf8'));
  const main = join(root, 'dist/program', folder, 'main.js');
  writeFileSync(main, SAYS_SO + readFileSync(main, 'utf8'));
}

function edit(path: string, from: string, to: string): void {
  const text = readFileSync(path, 'utf8');
  assert.ok(text.includes(from), path);
  writeFileSync(path, text.replace(from, to));
}

test('the build runs until a source changes, then the sources do, then the next build', async (t) => {
  const root = checkout((end) => t.after(end));
  const help = (): Promise<string> => node(join(root, 'bin/monsoon.js'), '--help');
  const build = (): Promise<string> => node(join(root, 'bin/build-program.ts'));
  const ofSources = await help();
  assert.match(ofSources, new RegExp(SUMMARY));

  await build();
  mark(root);
  const ofBuild = await help();
  assert.match(ofBuild, /^this is the build$/m);
  assert.equal(ofBuild.replace(/^this is the build\n/, ''), ofSources, 'both say the same');

  await build();
  assert.equal(await help(), ofBuild, 'a build that is current is not made again');

  edit(join(root, 'app/cli/stop.ts'), SUMMARY, 'halt the node');
  const ofEdited = await help();
  assert.match(ofEdited, /halt the node/);
  assert.doesNotMatch(ofEdited, /this is the build/);

  await build();
  mark(root);
  assert.equal(await help(), `this is the build\n${ofEdited}`);
});

test('a build that is damaged or half gone is not what runs', async (t) => {
  const root = checkout((end) => t.after(end));
  await node(join(root, 'bin/build-program.ts'));
  rmSync(join(root, 'dist/program/a'), { recursive: true });
  assert.match(await node(join(root, 'bin/monsoon.js'), '--version'), /^\d+\.\d+\.\d+$/m);
  writeFileSync(join(root, 'dist/program/current.json'), '{"folder":');
  assert.match(await node(join(root, 'bin/monsoon.js'), '--version'), /^\d+\.\d+\.\d+$/m);
});
