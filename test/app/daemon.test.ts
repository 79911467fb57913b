// Real processes: one daemon per data directory, what kill -9 leaves behind, and the program as scripts see it.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { ControlClient } from '../../app/control/client.ts';
import { lockData } from '../../app/data-lock.ts';
import { prepareHome } from '../../app/home.ts';
import { keepStart } from '../../app/last-start.ts';
import { MonsoonError } from '../../src/base/index.ts';
import { FakeNode, INFO_HASH } from './fake-node.ts';
import {
  homeAt,
  hostFakeNode,
  type Place,
  placeFor,
  runHere,
  runProgram,
  spawnFakeDaemon,
  spawnProgram,
} from './place.ts';

test('W-35 a second daemon of the same home ends, and the first goes on', async (t) => {
  const place = placeFor(t);
  await spawnFakeDaemon(t, place);
  const second = await spawnFakeDaemon(t, place);
  assert.equal(await second.exitCode, 1);
  assert.equal((await runHere(place, ['status'])).exitCode, 0);
});

test('after kill -9 the next daemon takes the home over at once', async (t) => {
  const place = placeFor(t);
  const first = await spawnFakeDaemon(t, place);
  first.kill('SIGKILL');
  await first.exitCode;
  assert.ok(existsSync(place.home.controlSocket), 'the dead socket is still there');
  assert.equal((await runHere(place, ['status'])).exitCode, 4);
  await spawnFakeDaemon(t, place);
  assert.equal((await runHere(place, ['status'])).exitCode, 0);
});

test('SIGTERM and stop end the daemon with 0 and leave no socket', async (t) => {
  const place = placeFor(t);
  const first = await spawnFakeDaemon(t, place);
  first.kill('SIGTERM');
  assert.equal(await first.exitCode, 0);
  assert.equal(existsSync(place.home.controlSocket), false);
  const second = await spawnFakeDaemon(t, place);
  assert.equal((await runHere(place, ['stop'])).exitCode, 0);
  assert.equal(await second.exitCode, 0);
});

test('the lock is for one holder at a time, whatever the path to it', async (t) => {
  const place = placeFor(t);
  await prepareHome(place.home);
  const lock = await lockData(place.home, 0);
  const link = join(placeFor(t).root, 'link');
  symlinkSync(place.root, link);
  await assert.rejects(lockData(homeAt(link), 0), (error) => error instanceof MonsoonError && error.code === 'busy');
  lock.release();
  (await lockData(place.home, 0)).release();
});

test('a home with a very long path has its socket elsewhere, and works', async (t) => {
  const outer = placeFor(t);
  const root = join(outer.root, 'd'.repeat(120));
  mkdirSync(root);
  const place = { root, home: homeAt(root), environment: { ...outer.environment, MONSOON_HOME: root } };
  await hostFakeNode(t, place);
  assert.equal((await runProgram(place, ['status', '--json'])).exitCode, 0);
});

test('a node that cannot start gives up the lock and says why', async (t) => {
  const place = placeFor(t);
  await prepareHome(place.home);
  mkdirSync(place.home.controlSocket);
  await assert.rejects(hostFakeNode(t, place), /Cannot open .*control\.sock/);
  (await lockData(place.home, 0)).release();
});

test('W-19 --version and --help print to standard output and exit with 0', async (t) => {
  const place = placeFor(t);
  const version = await runProgram(place, ['--version']);
  assert.match(version.data, /^\d+\.\d+\.\d+\n$/);
  const help = await runProgram(place, ['--help']);
  const verbHelp = await runProgram(place, ['get', '-h']);
  assert.deepEqual(
    [version, help, verbHelp].map((ran) => [ran.exitCode, ran.notes]),
    Array(3).fill([0, '']),
  );
  for (const verb of [
    'start',
    'stop',
    'status',
    'share',
    'get',
    'list',
    'info',
    'ps',
    'config',
    'supernodes',
    'demo',
  ]) {
    assert.match(help.data, new RegExp(`^  ${verb}\\b`, 'm'));
  }
  assert.ok(!existsSync(place.home.stateDir), 'asking for help leaves nothing behind');
});

test('usage errors exit with 2, say what was wrong and name the help', async (t) => {
  const place = placeFor(t);
  for (const words of [['frobnicate'], ['get'], ['list', '--frob'], ['start', '--port'], ['list', 'movie', 'music']]) {
    const { exitCode, data, notes } = await runProgram(place, words);
    assert.deepEqual([exitCode, data], [2, ''], words.join(' '));
    assert.match(notes, /^monsoon: .+\n[\s\S]*--help/);
  }
});

test('without a node the program exits with 4 and advice, and keeps standard output empty', async (t) => {
  const { exitCode, data, notes } = await runProgram(placeFor(t), ['ps', '--json']);
  assert.deepEqual([exitCode, data], [4, '']);
  assert.equal(notes, 'monsoon: No node is running. Start one with "monsoon start".\n');
});

test('the program asks the daemon for a download and prints one JSON line when every byte is there', async (t) => {
  const place = placeFor(t);
  await spawnFakeDaemon(t, place);
  const { exitCode, data } = await runProgram(place, [INFO_HASH, '-o', 'out', '--exit', '--json']);
  const node = new FakeNode();
  node.complete();
  const { infoHash, name, path, size, bytesDownloaded } = node.row;
  assert.deepEqual([exitCode, JSON.parse(data)], [0, { infoHash, name, path, size, seconds: 12.5, bytesDownloaded }]);
});

test('a daemon that cannot start shows the end of its log, and start exits with 1', async (t) => {
  const place = placeFor(t);
  writeFileSync(place.home.configFile, 'bind = "192.0.2.77"\nport = 0\n');
  const { exitCode, data, notes } = await runProgram(place, ['start']);
  assert.deepEqual([exitCode, data], [1, '']);
  assert.match(notes, /The node ended while it was starting\. The end of .*monsoon\.log:\n.+/);
});

test('P-06 W-13 start leaves a daemon behind; started twice at once there is one; stop ends it', async (t) => {
  const place = placeFor(t);
  const words = ['start', '--port', '0', '--bind', '127.0.0.1', '--allow-local', '--json'];
  try {
    const [one, other] = await Promise.all([runProgram(place, words), runProgram(place, words)]);
    assert.deepEqual([one.exitCode, other.exitCode], [0, 0], one.notes + other.notes);
    const { pid, port, ui } = JSON.parse(one.data);
    assert.equal(JSON.parse(other.data).pid, pid);
    assert.ok(port > 0);
    assert.equal((await fetch(ui)).status, 200);
    assert.deepEqual(JSON.parse((await runProgram(place, ['stop', '--json'])).data), { pid });
    await assert.rejects(fetch(ui));
  } finally {
    // A failed assertion must not leave a daemon behind.
    await runProgram(place, ['stop']);
  }
});

/** Resolves when nobody accepts connections: who was killed may do so until the system has seen to it. */
async function goneFrom({ home }: Place): Promise<void> {
  const client = new ControlClient(home.controlSocket, new AbortController().signal);
  while (await client.isThere()) await setImmediate();
  client.close();
}

test('a node that a verb starts is as it was started last: bound to the same, with the same role', async (t) => {
  const place = placeFor(t);
  // In the order of the option table.
  const flags = ['--port', '0', '--bind', '127.0.0.1', '--role', 'client', '--allow-local'];
  try {
    const { pid } = JSON.parse((await runProgram(place, ['start', ...flags, '--json'])).data);
    process.kill(pid, 'SIGKILL');
    await goneFrom(place);
    const listed = await runProgram(place, ['list']);
    assert.equal(listed.exitCode, 0, listed.notes);
    assert.match(listed.notes, new RegExp(`^As it was started last: ${flags.join(' ')}$`, 'm'));
    const { bind, role } = JSON.parse((await runProgram(place, ['status', '--json'])).data);
    assert.deepEqual([bind.to, role], ['127.0.0.1', 'client']);
    await runProgram(place, ['stop']);
    writeFileSync(join(place.home.dataDir, 'last-start.json'), '{"cwd":');
    const refused = await runProgram(place, ['list']);
    assert.deepEqual([refused.exitCode, refused.data], [1, '']);
    assert.match(refused.notes, /cannot be read from .*last-start\.json\. Start it by "monsoon start" as you want it/);
  } finally {
    await runProgram(place, ['stop']);
  }
});

test('a verb starts the node also where the folder of its last start is gone', async (t) => {
  const place = placeFor(t);
  const flags = ['--port', '0', '--bind', '127.0.0.1'];
  await prepareHome(place.home);
  await keepStart(place.home, { cwd: join(place.root, 'gone'), flags });
  try {
    const listed = await runProgram(place, ['list']);
    assert.equal(listed.exitCode, 0, listed.notes);
    const { bind } = JSON.parse((await runProgram(place, ['status', '--json'])).data);
    assert.equal(bind.to, '127.0.0.1');
  } finally {
    await runProgram(place, ['stop']);
  }
});

test('start --foreground serves until SIGTERM, and then ends with 0', async (t) => {
  const place = placeFor(t);
  const daemon = await spawnProgram(t, place, ['start', '--foreground', '--port', '0', '--bind', '127.0.0.1']);
  assert.equal((await runHere(place, ['status'])).exitCode, 0);
  daemon.kill('SIGTERM');
  assert.equal(await daemon.exitCode, 0);
  assert.equal((await runHere(place, ['status'])).exitCode, 4);
});
