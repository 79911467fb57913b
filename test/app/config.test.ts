// `monsoon config`, config.toml and the precedence of flag, variable, file and default.
import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { loadConfig } from '../../app/config-file.ts';
import { OPTION_NAMES } from '../../config/index.ts';
import { type Place, placeFor, runHere } from './place.ts';

const withVariables = (place: Place, variables: Record<string, string>): Place => ({
  ...place,
  environment: { ...place.environment, ...variables },
});

test('a flag counts before a variable, a variable before the file, the file before the default', async (t) => {
  const { home } = placeFor(t);
  const origins: string[] = [];
  const portWith = async (flags: object, environment: Record<string, string>): Promise<number> => {
    const resolved = await loadConfig(home, { flags: { ...flags }, environment });
    origins.push(resolved.origins.port);
    return resolved.config.port;
  };
  assert.equal(await portWith({}, {}), 7373);
  writeFileSync(home.configFile, 'port = 1111\n');
  assert.equal(await portWith({}, {}), 1111);
  assert.equal(await portWith({}, { MONSOON_PORT: '2222' }), 2222);
  assert.equal(await portWith({ port: '3333' }, { MONSOON_PORT: '2222' }), 3333);
  assert.deepEqual(origins, ['default', 'file', 'environment', 'flag']);
});

test('W-18 config prints every option with its value and where it came from', async (t) => {
  const place = withVariables(placeFor(t), { MONSOON_PORT: '2222', MONSOON_BOOTSTRAP: 'a.example:1 b.example' });
  writeFileSync(place.home.configFile, 'role = "client"\n');
  const { exitCode, data } = await runHere(place, ['config', '--json']);
  assert.equal(exitCode, 0);
  const rows: { name: string; value: unknown; origin: string }[] = JSON.parse(data);
  assert.deepEqual(
    rows.map((row) => row.name),
    OPTION_NAMES,
  );
  const given = rows.filter((row) => row.origin !== 'default').map(({ name, value, origin }) => [name, value, origin]);
  assert.deepEqual(given, [
    ['port', 2222, 'environment'],
    ['role', 'client', 'file'],
    ['bootstrap', ['a.example:1', 'b.example'], 'environment'],
    // As every place of a test has it.
    ['lan', false, 'environment'],
  ]);
  const table = await runHere(place, ['config']);
  assert.match(table.data, /^port +2222 +environment +TCP and UDP port of this node/m);
});

test('config get prints the bare value, and config path the file', async (t) => {
  const place = withVariables(placeFor(t), { MONSOON_BOOTSTRAP: 'a.example:1,b.example' });
  assert.equal((await runHere(place, ['config', 'get', 'port'])).data, '7373\n');
  assert.equal((await runHere(place, ['config', 'get', 'bootstrap'])).data, 'a.example:1,b.example\n');
  assert.equal((await runHere(place, ['config', 'path'])).data, `${place.home.configFile}\n`);
});

test('config set checks the value, makes the file for this user alone, and keeps comments and other keys', async (t) => {
  const place = placeFor(t);
  const file = place.home.configFile;
  assert.equal((await runHere(place, ['config', 'set', 'port', '8080'])).exitCode, 0);
  assert.equal(readFileSync(file, 'utf8'), 'port = 8080\n');
  assert.equal(statSync(file).mode & 0o777, 0o600);
  writeFileSync(file, '# mine\nport = 1 # was 2\nrole = "client"\nbootstrap = [\n  "a.example",\n]\n');
  await runHere(place, ['config', 'set', 'port', '9090']);
  await runHere(place, ['config', 'set', 'allowLocal', 'on']);
  const text = readFileSync(file, 'utf8');
  assert.equal(text, 'allowLocal = true\n# mine\nport = 9090\nrole = "client"\nbootstrap = [\n  "a.example",\n]\n');
  await runHere(place, ['config', 'set', 'bootstrap', 'b.example,c.example']);
  const { config } = await loadConfig(place.home, { flags: {}, environment: {} });
  assert.deepEqual([config.port, config.role, config.bootstrap], [9090, 'client', ['b.example', 'c.example']]);
});

test('a value with quotes, dollars and backslashes comes back as it was set', async (t) => {
  const place = placeFor(t);
  const odd = '/a "b" $& $1 \\c ünï';
  for (const _ of [1, 2]) await runHere(place, ['config', 'set', 'downloadDir', odd]);
  assert.equal((await runHere(place, ['config', 'get', 'downloadDir'])).data, `${odd}\n`);
});

test('a wrong value, an unknown option and an unknown action are usage errors that name the way out', async (t) => {
  const place = placeFor(t);
  const wrong: [string[], RegExp][] = [
    [['config', 'set', 'port', '70000'], /expected a whole number from 0 to 65535/],
    [['config', 'set', 'role', 'king'], /expected one of client, auto, supernode/],
    [['config', 'get', 'prot'], /Run "monsoon config"/],
    [['config', 'get', '__proto__'], /There is no option/],
    [['config', 'set', 'port'], /config set NAME VALUE/],
    [['config', 'reset'], /Run "monsoon config"/],
    [['start', '--port', 'x'], /flag port: expected a whole number/],
  ];
  for (const [words, text] of wrong) {
    const { exitCode, data, notes } = await runHere(place, words);
    assert.deepEqual([exitCode, data], [2, ''], words.join(' '));
    assert.match(notes, text);
  }
});

test('a file that is not TOML, or names what is no option, is an error that names the file', async (t) => {
  const place = placeFor(t);
  for (const text of ['port = = 1', 'prot = 1', 'port = "many"']) {
    writeFileSync(place.home.configFile, text);
    const { exitCode, notes } = await runHere(place, ['config']);
    assert.equal(exitCode, 1, text);
    assert.ok(notes.includes(place.home.configFile), notes);
  }
});
