// The built program (bin/build-program.ts) is what runs as long as it says what the sources say, and never afterwards.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const PARTS = ['app', 'bin', 'config', 'dns', 'package-lock.json', 'package.json', 'src', 'tracker', 'web'];
const SUMMARY = 'stop the node';
const SAYS_SO = "console.log('this is the build');\n";

/** A checkout of its own. */
function checkout(after: (end: () => void) => void, from = ROOT, parts: readonly string[] = PARTS): string {
  const root = join(mkdtempSync(join(tmpdir(), 'monsoon-build-')), 'monsoon');
  after(() => rmSync(join(root, '..'), { recursive: true }));
  mkdirSync(root);
  for (const part of parts) cpSync(join(from, part), join(root, part), { recursive: true, preserveTimestamps: true });
  symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'));
  return root;
}

let built = '';
let removeBuilt: () => void;
before(async () => {
  built = checkout((end) => (removeBuilt = end));
  await node(join(built, 'bin/build-program.ts'));
});
after(() => removeBuilt());

/** The same with a current build: a copy, because making one takes two seconds. */
function builtCheckout(after: (end: () => void) => void): string {
  return checkout(after, built, [...PARTS, 'dist']);
}

async function node(...args: string[]): Promise<string> {
  return (await promisify(execFile)(process.execPath, args)).stdout;
}

/** The first file of the current build of a checkout. */
function mainOf(root: string): string {
  const { folder } = JSON.parse(readFileSync(join(root, 'dist/program/current.json'), 'utf8'));
  return join(root, 'dist/program', folder, 'main.js');
}

/** Makes the current build of a checkout say that it is what runs. */
function mark(root: string): void {
  const main = mainOf(root);
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

test('a verb runs the build although a source has changed that only nodes run, and a node does not', async (t) => {
  const root = builtCheckout((end) => t.after(end));
  const program = join(root, 'bin/monsoon.js');
  mark(root);
  edit(join(root, 'app/node.ts'), 'export', '// Edited.\nexport');
  assert.match(await node(program, 'ps', '--help'), /^this is the build$/m);
  assert.doesNotMatch(await node(program, 'start', '--help'), /this is the build/);
  assert.doesNotMatch(await node(program, '--help'), /this is the build/);
});

test('a build that is damaged or half gone is not what runs', async (t) => {
  const root = builtCheckout((end) => t.after(end));
  rmSync(join(root, 'dist/program/a'), { recursive: true });
  assert.match(await node(join(root, 'bin/monsoon.js'), '--version'), /^\d+\.\d+\.\d+$/m);
  writeFileSync(join(root, 'dist/program/current.json'), '{"folder":');
  assert.match(await node(join(root, 'bin/monsoon.js'), '--version'), /^\d+\.\d+\.\d+$/m);
});

test('compiled code is kept beside the build, and made anew when it is damaged, cut off or of another file', async (t) => {
  const root = builtCheckout((end) => t.after(end));
  const help = (): Promise<string> => node(join(root, 'bin/monsoon.js'), '--help');
  const said = await help();
  const main = mainOf(root);
  const kept = `${main}.code`;
  const stampOf = (): bigint => statSync(kept, { bigint: true }).mtimeNs;
  const requireTaken = async (): Promise<void> => {
    const before = stampOf();
    assert.equal(await help(), said);
    assert.equal(stampOf(), before, 'what is taken is not written again');
  };
  await requireTaken();

  const good = readFileSync(kept);
  const flipped = Buffer.from(good);
  flipped[good.length >> 1]! ^= 1;
  const ofOther = readFileSync(join(main, '..', 'home.js.code'));
  for (const bad of [flipped, good.subarray(0, good.length >> 1), Buffer.alloc(0), ofOther]) {
    writeFileSync(kept, bad);
    assert.equal(await help(), said);
    assert.notDeepEqual(readFileSync(kept), bad, 'what does not fit is replaced');
    await requireTaken();
  }

  mark(root);
  assert.match(await help(), /^this is the build$/m, 'a file that changed is not run by its old code');
  const names = readdirSync(join(main, '..'));
  assert.deepEqual(
    names.filter((name) => !/\.(?:js|code)$/.test(name)),
    [],
    'nothing half written is left',
  );
});
