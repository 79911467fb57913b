// The layers of the house (docs/ARCHITECTURE.md), checked so that nobody has to remember them.
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';

const RANKS: [RegExp, number][] = [
  [/^app\//, 6],
  [/^(src|tracker|dns)\/io\//, 5],
  [/^(tracker|dns)\//, 4],
  [/^src\/(session|view)\//, 3],
  [/^src\/(torrent|overlay|listing|lan)\//, 2],
  [/^src\/(wire|link|ports)\//, 1],
  [/^(src\/base|config)\//, 0],
];
const IMPORT =
  /^(?:import|export)\s(?:type\s)?(?:[\w$]+,?\s*)?(?:\{[^}]*\}\s*|\*(?:\sas\s[\w$]+)?\s*)?(?:from\s*)?'([^']+)';$/gm;
const FILE_LINES_MAX = 500;
const FUNCTION_LINES_MAX = 60;
// Functions that were longer when the rule came: this list may only shrink.
const LONG_FUNCTIONS: string[] = [];

const files = globSync('{app,src,tracker,dns,config}/**/*.ts').filter((file) => !file.endsWith('.d.ts'));
const sources = new Map(files.map((file) => [file, readFileSync(file, 'utf8')]));
const rankOf = (file: string): number => RANKS.find(([room]) => room.test(file))?.[1] ?? Number.NaN;
const isHost = (file: string): boolean => /^app\/|(^|\/)io\//.test(file);
const importsOf = (file: string): string[] => [...sources.get(file)!.matchAll(IMPORT)].map((match) => match[1]!);
const internalImports = (file: string): string[] =>
  importsOf(file)
    .filter((name) => name.startsWith('.'))
    .map((name) => normalize(join(dirname(file), name)));
const withoutComments = (text: string): string => text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/\/\/.*$/gm, '');

test('every file lives in a room, and imports go to a lower rank or stay in the folder', () => {
  for (const file of files) {
    assert.ok(rankOf(file) >= 0, `${file} is in no room`);
    for (const target of internalImports(file)) {
      const isAllowed = rankOf(target) < rankOf(file) || dirname(target) === dirname(file) || rankOf(file) === 6;
      assert.ok(isAllowed, `${file} must not import ${target}`);
    }
  }
});

test('only io/ and app/ import node: modules or packages, and each package in exactly one file', () => {
  const importer = new Map<string, string>();
  for (const file of files) {
    for (const name of importsOf(file).filter((name) => !name.startsWith('.'))) {
      assert.ok(isHost(file), `${file} must not import ${name}`);
      if (name.startsWith('node:')) continue;
      const bare = name
        .split('/')
        .slice(0, name.startsWith('@') ? 2 : 1)
        .join('/');
      assert.equal(importer.get(bare) ?? file, file, `${bare} is imported twice`);
      importer.set(bare, file);
    }
  }
});

test('names are looked up in one place, which knows what the node is bound to', () => {
  const importers = files.filter((file) => importsOf(file).some((name) => name.startsWith('node:dns')));
  // A type alone looks nothing up.
  const callers = importers.filter((file) => !/^import type [^;]*'node:dns';$/m.test(sources.get(file)!));
  assert.deepEqual(callers, ['src/io/dns-lookup.ts']);
});

test('C-10 the packages that monsoon was asked to be built of are used, and the top level is as it was asked for', () => {
  const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
  const wanted = ['bittorrent-dht', 'bittorrent-protocol', 'parse-torrent', 'undici', 'dns2', 'libsodium-wrappers'];
  const text = [...sources.values()].join('');
  for (const name of wanted)
    assert.ok(dependencies[name] && (text.includes(`'${name}'`) || text.includes(`'${name}/`)), name);
  for (const path of ['package.json', 'tsconfig.json', 'src', 'tracker', 'dns', 'test', 'config', 'README.md']) {
    assert.ok(existsSync(path), path);
  }
});

test('pure files name no clock, no randomness, no timer and nothing asynchronous', () => {
  for (const file of files.filter((file) => !isHost(file))) {
    const found = /\b(?:Date\.now|new Date|Math\.random|setTimeout|setInterval|async|await|Promise)\b/.exec(
      withoutComments(sources.get(file)!).replace(/'[^'\n]*'|`[^`]*`/g, ''),
    );
    assert.equal(found, null, `${file} names ${found?.[0]}`);
  }
});

test('no import cycle', () => {
  const done = new Set<string>();
  const visit = (file: string, path: string[]): void => {
    assert.ok(!path.includes(file), `cycle: ${[...path, file].join(' > ')}`);
    if (done.has(file) || !sources.has(file)) return;
    for (const target of internalImports(file)) visit(target, [...path, file]);
    done.add(file);
  };
  for (const file of files) visit(file, []);
});

test('an index.ts holds named exports and nothing else', () => {
  for (const file of files.filter((file) => file.endsWith('/index.ts'))) {
    const rest = withoutComments(sources.get(file)!).replace(/export (?:type )?\{[^}]*\} from '[^']+';/g, '');
    assert.equal(rest.trim(), '', `${file} holds code`);
  }
});

test(`no file over ${FILE_LINES_MAX} lines, no function over ${FUNCTION_LINES_MAX}`, () => {
  const long: string[] = [];
  for (const [file, text] of sources) {
    const lines = text.split('\n');
    assert.ok(lines.length <= FILE_LINES_MAX + 1, `${file} has ${lines.length} lines`);
    for (const [start, line] of lines.entries()) {
      const opening = /^(\s*)(?:export |async |static |private |#)*(?:function\*? )?(?:get |set )?([\w#]+)\(.*\{$/.exec(
        line,
      );
      if (!opening || /^(?:if|for|while|switch|catch|constructor)$/.test(opening[2]!)) continue;
      const end = lines.findIndex((other, i) => i > start && other === `${opening[1]}}`);
      if (end - start > FUNCTION_LINES_MAX) long.push(`${file}:${opening[2]}`);
    }
  }
  assert.deepEqual(long.toSorted(), LONG_FUNCTIONS.toSorted());
});
