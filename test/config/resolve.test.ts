// Every option through every source, whatever stands there; the file and the command line are test/app's.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  encryptionOf,
  expectation,
  OPTION_NAMES,
  OPTIONS,
  type Option,
  parseOptionValue,
  resolveConfig,
  variableOf,
} from '../../config/index.ts';
import { randomBelow, seededRandom } from '../../src/base/index.ts';
import { eachSeed, pick, SEED } from '../seed.ts';

const none = { flags: {}, environment: {}, file: {} };

test('without any source every option has its default', () => {
  const { config, origins, problems } = resolveConfig(none);
  for (const name of OPTION_NAMES) {
    assert.deepEqual(config[name], OPTIONS[name].default);
    assert.equal(origins[name], 'default');
  }
  assert.deepEqual(problems, []);
});

test('N-38 tracking takes less than half of a line of 1 Mbit/s by default', () => {
  assert.ok(OPTIONS.trackingBytesPerSecond.default <= 1_000_000 / 8 / 2);
});

test('every default is a value its own option takes, and survives being written as text', () => {
  for (const name of OPTION_NAMES) {
    const option: Option = OPTIONS[name];
    assert.deepEqual(parseOptionValue(option, option.default), option.default, name);
    const text = Array.isArray(option.default) ? option.default.join(',') : `${option.default}`;
    assert.deepEqual(parseOptionValue(option, text), option.default, name);
    assert.match(expectation(option), /^expected /);
  }
});

test('what is asked of links is one word for both directions, and each may have its own', () => {
  const of = (flags: object) => encryptionOf(resolveConfig({ ...none, flags: { ...flags } }).config);
  assert.deepEqual(of({}), { in: 'prefer', out: 'prefer' });
  assert.deepEqual(of({ encryption: 'require' }), { in: 'require', out: 'require' });
  assert.deepEqual(of({ encryption: 'require', encryptionIn: 'off' }), { in: 'off', out: 'require' });
  assert.deepEqual(of({ encryption: 'require', encryptionOut: 'off' }), { in: 'require', out: 'off' });
  assert.deepEqual(of({ encryptionIn: 'require', encryptionOut: 'off' }), { in: 'require', out: 'off' });
});

test('variables are the names in capitals, and an empty one counts as absent', () => {
  assert.equal(variableOf('linksPerTorrentMax'), 'MONSOON_LINKS_PER_TORRENT_MAX');
  assert.equal(resolveConfig({ ...none, environment: { MONSOON_PORT: '' } }).origins.port, 'default');
  assert.equal(resolveConfig({ ...none, environment: { MONSOON_PORT: '0' } }).config.port, 0);
});

test('a wrong value is named with its source, leaves the default, and never falls through to the next source', () => {
  const resolved = resolveConfig({
    flags: { port: '70000' },
    environment: { MONSOON_PORT: '80' },
    file: { role: 'boss' },
  });
  assert.equal(resolved.config.port, OPTIONS.port.default);
  assert.equal(resolved.origins.port, 'default');
  assert.deepEqual(resolved.problems, [
    'flag port: expected a whole number from 0 to 65535, not "70000"',
    'file role: expected one of client, auto, supernode, not "boss"',
  ]);
});

test('unknown keys of the file are named, those of every object’s prototype too', () => {
  const file = { ports: 1, constructor: 1, toString: 2 };
  const { problems } = resolveConfig({ ...none, file });
  assert.deepEqual(
    problems,
    ['ports', 'constructor', 'toString'].map((key) => `config file: there is no option "${key}"`),
  );
});

test('integers, switches and lists are taken in the spellings people use, and no others', () => {
  for (const wrong of [
    '',
    ' 80',
    '80 ',
    '-1',
    '+80',
    '8e3',
    '0x50',
    '80.0',
    80.5,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    80n,
    true,
    null,
    [],
    {},
    '9'.repeat(400),
  ]) {
    assert.equal(parseOptionValue(OPTIONS.port, wrong), undefined, String(wrong));
  }
  for (const yes of [true, 'true', '1', 'on']) assert.equal(parseOptionValue(OPTIONS.dht, yes), true);
  for (const no of [false, 'false', '0', 'off']) assert.equal(parseOptionValue(OPTIONS.dht, no), false);
  for (const wrong of ['TRUE', 'yes', '', 1, 0, null]) assert.equal(parseOptionValue(OPTIONS.dht, wrong), undefined);
  assert.deepEqual(parseOptionValue(OPTIONS.bootstrap, 'a:1, b:2\n c'), ['a:1', 'b:2', 'c']);
  assert.deepEqual(parseOptionValue(OPTIONS.bootstrap, ''), []);
  assert.equal(parseOptionValue(OPTIONS.bootstrap, ['a:1', 7]), undefined);
  assert.equal(
    parseOptionValue(
      OPTIONS.bootstrap,
      Array.from({ length: 51 }, (_, n) => `h${n}`),
    ),
    undefined,
  );
});

test(`whatever the sources hold, there is a config of the right types and a line per problem (seed ${SEED})`, () => {
  const things = [
    '',
    '1',
    'x'.repeat(50),
    '[::1]:1',
    -1,
    2 ** 53,
    7n,
    null,
    undefined,
    true,
    [],
    ['a'],
    [1],
    {},
    new Date(0),
    Symbol.iterator,
    () => 1,
  ];
  eachSeed(3000, (seed) => {
    const random = seededRandom(seed);
    const source = (): Record<string, unknown> =>
      Object.fromEntries(
        Array.from({ length: randomBelow(random, 6) }, () => [
          pick(random, [...OPTION_NAMES, '__proto__', 'x']),
          pick(random, things),
        ]),
      );
    const environment = Object.fromEntries(
      OPTION_NAMES.filter(() => random() < 0.1).map((name) => [variableOf(name), `${randomBelow(random, 99_999)}`]),
    );
    const resolved = resolveConfig({ flags: source(), environment, file: source() });
    for (const name of OPTION_NAMES) {
      assert.deepEqual(parseOptionValue(OPTIONS[name], resolved.config[name]), resolved.config[name], name);
    }
    for (const problem of resolved.problems) assert.equal(typeof problem, 'string');
  });
});
