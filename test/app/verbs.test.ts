// Every verb against a daemon in this process that hosts a fake node.
import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { FakeNode, INFO_HASH, NODE_ID } from './fake-node.ts';
import { hostFakeNode, placeFor, runHere } from './place.ts';

const MAGNET = `magnet:?xt=urn:btih:${INFO_HASH}`;

test('status --json prints the members that scripts rely on', async (t) => {
  const place = placeFor(t);
  const { ui } = await hostFakeNode(t, place);
  const { exitCode, data, notes } = await runHere(place, ['status', '--json']);
  assert.deepEqual([exitCode, notes], [0, '']);
  assert.deepEqual(JSON.parse(data), { ...new FakeNode().status(), ui });
  assert.match((await runHere(place, ['status'])).data, /^Page +http:\/\/127\.0\.0\.1:\d+\/$/m);
});

test('start says that a node is already running, and exits with 0', async (t) => {
  const place = placeFor(t);
  const { ui } = await hostFakeNode(t, place);
  const { exitCode, data } = await runHere(place, ['start']);
  assert.equal(exitCode, 0);
  assert.equal(data, `The node is already running on port 7373.\nIts page: ${ui}\n`);
});

test('start --open only prints the address where there is no display', {
  skip: process.platform !== 'linux',
}, async (t) => {
  const place = placeFor(t);
  const { ui } = await hostFakeNode(t, place);
  const { exitCode, notes } = await runHere(place, ['start', '--open']);
  assert.equal(exitCode, 0);
  assert.ok(notes.includes(`Open ${ui} in a browser`));
});

test('stop returns when the node has stopped and the socket is closed', async (t) => {
  const place = placeFor(t);
  const { node, ended } = await hostFakeNode(t, place);
  const { exitCode, data } = await runHere(place, ['stop', '--json']);
  assert.deepEqual([exitCode, JSON.parse(data)], [0, { pid: process.pid }]);
  assert.ok(node.isStopped);
  await ended;
  assert.equal((await runHere(place, ['status'])).exitCode, 4);
});

test('status, stop, ps and supernodes without a node exit with 4 and say how to start one', async (t) => {
  const place = placeFor(t);
  for (const verb of ['status', 'stop', 'ps', 'supernodes']) {
    const { exitCode, data, notes } = await runHere(place, [verb, '--json']);
    assert.deepEqual([exitCode, data], [4, ''], verb);
    assert.match(notes, /Start one with "monsoon start"/);
  }
});

test('ps, list, info and supernodes print tables without control characters, and rows as JSON', async (t) => {
  const place = placeFor(t);
  const { node } = await hostFakeNode(t, place);
  const expected: [string[], string, unknown][] = [
    [['ps'], 'Flood [31m of 1997', [node.row]],
    [['list'], '01234567', (await node.list({})).rows],
    [['info', INFO_HASH], 'read me.txt', await node.info('')],
    [['supernodes'], '192.0.2.1:7373', node.supernodes()],
  ];
  for (const [words, text, value] of expected) {
    const table = await runHere(place, words);
    assert.ok(table.data.includes(text), table.data);
    assert.doesNotMatch(table.data, /[\u001b\u202e]/);
    const { exitCode, data } = await runHere(place, [...words, '--json']);
    assert.equal(exitCode, 0);
    assert.deepEqual(JSON.parse(data), JSON.parse(JSON.stringify(value)));
  }
});

test('monsoon alone is the list', async (t) => {
  const place = placeFor(t);
  await hostFakeNode(t, place);
  assert.equal((await runHere(place, [])).data, (await runHere(place, ['list'])).data);
  assert.deepEqual(await runHere(place, ['--json']), await runHere(place, ['list', '--json']));
});

test('N-14 W-38 the list has the columns of a listing site and fits the terminal', async (t) => {
  const place = placeFor(t);
  await hostFakeNode(t, place);
  const { data } = await runHere(place, ['list'], { isTty: true, columns: 80 });
  const [heading, row] = data.split('\n');
  assert.match(heading!, /^Cat +Name +Size +Files +Age +Seeds +Leech +Done +Hash +By$/);
  assert.match(row!, /^movie +Flood.* 300 MiB +9 +\d+ y +4 +0 +\? +01234567 +07070707$/);
  for (const line of data.split('\n')) assert.ok(line.length <= 80, line);
});

test('W-14 search hands words, phrases and filters on, and names a wrong one', async (t) => {
  const place = placeFor(t);
  const { node } = await hostFakeNode(t, place);
  await runHere(place, [
    'search',
    'silicon',
    'the valley',
    '-x',
    '--cat',
    'movie',
    '--min-size',
    '1G',
    '--age',
    '7',
    '--exact',
  ]);
  const query = {
    text: 'silicon "the valley" -x',
    category: 'movie',
    isExact: true,
    sizeMin: 2 ** 30,
    ageMaxSeconds: 604_800,
  };
  assert.deepEqual(node.asked, [['list', query]]);
  const wrong = await runHere(place, ['search', 'x', '--min-size', 'big']);
  assert.equal(wrong.exitCode, 2);
  assert.match(wrong.notes, /min-size is bytes/);
  assert.equal((await runHere(place, ['search', 'x', '--no-such-flag'])).exitCode, 2);
});

test('publish, edit and withdraw hand on what is said, and filter its rules', async (t) => {
  const place = placeFor(t);
  const { node } = await hostFakeNode(t, place);
  assert.match((await runHere(place, ['publish', 'abcdef', '--cat', 'music', '--tags', 'a,b'])).data, /listed/);
  await runHere(place, ['edit', 'abcdef', '--desc', '']);
  assert.equal(JSON.parse((await runHere(place, ['withdraw', 'abcdef', '--json'])).data).listing, null);
  assert.equal((await runHere(place, ['edit', 'abcdef'])).exitCode, 2, 'nothing to change');
  assert.deepEqual(node.asked, [
    ['say', 'abcdef', { type: 'publish', claims: { category: 'music', tags: ['a', 'b'] } }],
    ['say', 'abcdef', { type: 'edit', claims: { description: '' } }],
    ['say', 'abcdef', { type: 'withdraw' }],
  ]);
  await runHere(place, ['filter', 'add', 'name:spam', 'name:*x*']);
  await runHere(place, ['filter', 'remove', 'name:*x*']);
  const shown = JSON.parse((await runHere(place, ['filter', '--json'])).data);
  assert.deepEqual(shown, { rules: ['name:spam'], total: 1, lists: [], own: null });
  assert.equal((await runHere(place, ['filter', 'ban', 'x'])).exitCode, 2);
});

test('filter subscribes to lists by key, shows and leaves them, and publishes one', async (t) => {
  const place = placeFor(t);
  const { node } = await hostFakeNode(t, place);
  const key = 'ab'.repeat(32);
  writeFileSync(join(place.root, 'fakes.txt'), 'name:fake\n');
  await runHere(place, ['filter', 'subscribe', key.toUpperCase(), '--only']);
  const { data } = await runHere(place, ['filter', 'publish', 'fakes.txt']);
  assert.match(data, /\(only its publishers\).*12.*1 min.* ago .*abab/);
  assert.match(data, /You publish .* with 12 rules/);
  assert.ok(!data.includes('\u202e'), 'no control character reaches the terminal');
  assert.match((await runHere(place, ['filter', 'show', key])).data, /^# .*\nname:one\nname:two\n$/);
  await runHere(place, ['filter', 'unsubscribe', key]);
  assert.deepEqual(node.asked, [
    ['filter', { subscribe: { author: key, takesOnly: true } }],
    ['filter', { publish: { title: 'fakes.txt', rules: 'name:fake\n' } }],
    ['filterList', key],
    ['filter', { unsubscribe: key }],
  ]);
  for (const words of [['subscribe', 'abc'], ['subscribe'], ['publish', 'fakes.txt', 'more.txt'], ['show']]) {
    assert.equal((await runHere(place, ['filter', ...words])).exitCode, 2, words.join(' '));
  }
  assert.equal((await runHere(place, ['filter', 'publish', 'nowhere.txt'])).exitCode, 3);
});

test('list hands category and order on, and refuses others with 2', async (t) => {
  const place = placeFor(t);
  const { node } = await hostFakeNode(t, place);
  await runHere(place, ['list', 'movie', '--sort', 'seeds']);
  assert.deepEqual(node.asked, [['list', { category: 'movie', sort: 'seeds' }]]);
  assert.equal((await runHere(place, ['list', 'tv'])).exitCode, 2);
  assert.equal((await runHere(place, ['list', '--sort', 'worst'])).exitCode, 2);
  assert.equal(node.asked.length, 1);
});

test('share takes several paths relative to the caller, with their claims', async (t) => {
  const place = placeFor(t);
  const { node } = await hostFakeNode(t, place);
  for (const name of ['a', 'b']) writeFileSync(join(place.root, name), name);
  const words = ['share', 'a', './b', '--cat', 'music', '--desc', 'two letters', '--tags', 'a, b', '--json'];
  const { exitCode, data } = await runHere(place, words);
  assert.equal(exitCode, 0);
  assert.equal(JSON.parse(data).length, 2);
  const claims = { category: 'music', description: 'two letters', tags: ['a', 'b'] };
  assert.deepEqual(
    node.asked,
    ['a', 'b'].map((name) => ['share', join(place.root, name), claims]),
  );
});

test('share of what is not there exits with 3, of an unknown category with 2', async (t) => {
  const place = placeFor(t);
  assert.equal((await runHere(place, ['share', 'missing'])).exitCode, 3);
  assert.equal((await runHere(place, ['share', '.', '--cat', 'tv'])).exitCode, 2);
  assert.equal((await runHere(place, ['share'])).exitCode, 2);
});

test('W-20 share refuses the download folder, what it lies in, what lies in it, and links to it', async (t) => {
  const place = placeFor(t);
  const { node } = await hostFakeNode(t, place);
  const { downloadDir } = place.home;
  mkdirSync(join(downloadDir, 'inner'), { recursive: true });
  mkdirSync(join(place.root, 'downloads-2'));
  symlinkSync(downloadDir, join(place.root, 'link'));
  for (const path of [downloadDir, place.root, join(downloadDir, 'inner'), 'link', 'link/inner']) {
    const { exitCode, notes } = await runHere(place, ['share', path]);
    assert.equal(exitCode, 1, path);
    assert.match(notes, /lie in one another/);
  }
  assert.deepEqual(node.asked, []);
  assert.equal((await runHere(place, ['share', 'downloads-2'])).exitCode, 0);
});

test('get --exit --json waits for every byte and prints one line', async (t) => {
  const place = placeFor(t);
  const { node } = await hostFakeNode(t, place);
  const running = runHere(place, ['get', MAGNET, '-o', 'out', '--exit', '--json'], { onNote: () => node.complete() });
  const { exitCode, data } = await running;
  assert.equal(exitCode, 0);
  const { infoHash, name, path, size, bytesDownloaded } = node.row;
  assert.deepEqual(JSON.parse(data), { infoHash, name, path, size, seconds: 12.5, bytesDownloaded });
  assert.equal(data.split('\n').length, 2);
  assert.deepEqual(node.asked, [['get', MAGNET, join(place.root, 'out')]]);
});

test('get -s and --seq say what is wanted, and files changes it', async (t) => {
  const place = placeFor(t);
  const { node } = await hostFakeNode(t, place);
  await runHere(place, ['get', MAGNET, '-s', '*.mkv', '--select', '0,2', '--seq', '--json']);
  const { data } = await runHere(place, ['files', INFO_HASH]);
  assert.match(data, /1 +12 B +50 % +first +Flood\/read me.txt/);
  assert.match((await runHere(place, ['files', INFO_HASH, '--only', '3', '--high', 'a', '--high', 'b'])).data, /first/);
  await runHere(place, ['files', INFO_HASH, '--rarest', '--json']);
  assert.deepEqual(node.asked, [
    ['get', MAGNET, undefined, { files: ['*.mkv', '0,2'], isSequential: true }],
    ['info', INFO_HASH],
    ['choose', INFO_HASH, { only: ['3'], high: ['a', 'b'] }],
    ['choose', INFO_HASH, { isSequential: false }],
  ]);
});

test('get without --exit returns at once where nobody watches', async (t) => {
  const place = placeFor(t);
  const { node } = await hostFakeNode(t, place);
  const { exitCode, data } = await runHere(place, ['get', INFO_HASH, '--json']);
  assert.deepEqual([exitCode, JSON.parse(data)], [0, node.row]);
});

test('get --exit of a download that fails exits with 1 and says why', async (t) => {
  const place = placeFor(t);
  const { node } = await hostFakeNode(t, place);
  node.row = { ...node.row, state: 'failed', stalledBecause: 'the disk is full' };
  const { exitCode, data, notes } = await runHere(place, ['get', INFO_HASH, '--exit', '--json']);
  assert.deepEqual([exitCode, data], [1, '']);
  assert.match(notes, /the disk is full\. Run "monsoon info/);
});

test('get that is interrupted leaves the download running, says so and exits with 130', async (t) => {
  const place = placeFor(t);
  const { node } = await hostFakeNode(t, place);
  const interrupt = new AbortController();
  const options = { isTty: true, columns: 80, interrupt: interrupt.signal, onNote: () => interrupt.abort() };
  const { exitCode, notes } = await runHere(place, ['get', INFO_HASH], options);
  assert.equal(exitCode, 130);
  assert.match(notes, /the node goes on\. Run "monsoon ps"/);
  assert.equal(node.row.state, 'downloading');
});

test('get makes the path of a .torrent file absolute, and says when there is none', async (t) => {
  const place = placeFor(t);
  const { node } = await hostFakeNode(t, place);
  writeFileSync(join(place.root, 'x.torrent'), 'd4:infode');
  for (const what of ['x.torrent', './x.torrent', 'a name', '012345']) await runHere(place, ['get', what]);
  const path = join(place.root, 'x.torrent');
  assert.deepEqual(
    node.asked.map(([, what]) => what),
    [path, path, 'a name', '012345'],
  );
  assert.equal((await runHere(place, ['get', './y.torrent'])).exitCode, 3);
  assert.equal((await runHere(place, ['get', 'nowhere'])).exitCode, 3);
});

test('W-15 a bare magnet or info hash means get, and download is another name for it', async (t) => {
  const place = placeFor(t);
  const { node } = await hostFakeNode(t, place);
  const upper = INFO_HASH.toUpperCase();
  for (const words of [[MAGNET], [upper], ['download', INFO_HASH]]) {
    assert.equal((await runHere(place, words)).exitCode, 0);
  }
  assert.deepEqual(
    node.asked.map(([, what]) => what),
    [MAGNET, upper, INFO_HASH],
  );
});

test('info takes a prefix, names the publisher by its whole id, and says how each link is hidden', async (t) => {
  const place = placeFor(t);
  await hostFakeNode(t, place);
  const { data } = await runHere(place, ['info', INFO_HASH.slice(0, 6)]);
  assert.ok(data.includes(`Publisher  ${NODE_ID} (name, size and files verified)`), data);
  assert.match(data, /Peer +to 192\.0\.2\.7:6881, RC4\n/);
});

test('pause, resume, verify, queue and rm act on each torrent and print its row', async (t) => {
  const place = placeFor(t);
  const { node } = await hostFakeNode(t, place);
  const said: [string[], object, RegExp][] = [
    [['pause', 'abcdef', 'Flood'], { type: 'pause' }, /: paused\n/],
    [['resume', 'abcdef'], { type: 'resume' }, /: downloading\n/],
    [['verify', 'abcdef'], { type: 'verify' }, /: 42 % is good\n/],
    [['queue', 'abcdef', '--to', 'last'], { type: 'queue', to: 'last' }, /: number 1 in the queue\n/],
    [['rm', 'abcdef'], { type: 'remove', withData: false }, /: removed; its files stay\n/],
    [['rm', 'abcdef', '--data'], { type: 'remove', withData: true }, /: removed with its files\n/],
  ];
  for (const [words, action, text] of said) {
    node.asked.length = 0;
    const { exitCode, data } = await runHere(place, words);
    assert.equal(exitCode, 0, words.join(' '));
    assert.match(data, text);
    assert.ok(!data.includes('\u202e'), 'no control character reaches the terminal');
    const named = words.slice(1).filter((word) => !word.startsWith('--') && word !== 'last');
    assert.deepEqual(
      node.asked,
      named.map((what) => ['act', what, action]),
    );
  }
  const { data } = await runHere(place, ['pause', 'abcdef', '--json']);
  assert.deepEqual(JSON.parse(data), [node.row]);
  assert.equal((await runHere(place, ['pause', 'nowhere'])).exitCode, 3);
  assert.equal((await runHere(place, ['queue', 'abcdef', '--to', 'nowhere'])).exitCode, 2);
});

test('limit acts on torrents, or on the node and its config file, and takes only rates', async (t) => {
  const place = placeFor(t);
  const { node } = await hostFakeNode(t, place);
  const one = await runHere(place, ['limit', 'abcdef', '--down', '1.5M', '--up', 'none']);
  assert.deepEqual(node.asked, [['act', 'abcdef', { type: 'limit', down: 1_572_864, up: null }]]);
  assert.match(one.data, /: down no limit, up 4.00 KiB\/s\n$/);
  const all = await runHere(place, ['limit', '--down', '500k']);
  assert.deepEqual(node.asked.at(-1), ['limit', { down: 512_000 }]);
  assert.equal(all.data, 'The whole node: down 500 KiB/s, up no limit\n');
  assert.equal(JSON.parse((await runHere(place, ['config', 'get', 'downLimit', '--json'])).data).value, '512000');
  for (const wrong of ['fast', '-1', '1e9', '5T']) {
    assert.equal((await runHere(place, ['limit', `--down=${wrong}`])).exitCode, 2, wrong);
  }
});

test('supernode on and off change the role at once and in the config file, drain waits, and nothing else is taken', async (t) => {
  const place = placeFor(t);
  const { node } = await hostFakeNode(t, place);
  const configured = async (name: string): Promise<unknown> =>
    JSON.parse((await runHere(place, ['config', 'get', name, '--json'])).data).value;
  const on = await runHere(place, ['supernode', 'on']);
  assert.deepEqual([on.exitCode, on.data, node.asked.at(-1)], [0, 'It is a supernode.\n', ['volunteer', 'supernode']]);
  assert.equal(await configured('role'), 'supernode');
  await runHere(place, ['supernode', 'off']);
  assert.deepEqual(node.asked.at(-1), ['volunteer', 'client']);
  assert.equal(await configured('role'), 'client');
  const drained = await runHere(place, ['supernode', 'drain', '--json']);
  assert.deepEqual([node.asked.at(-1), JSON.parse(drained.data).role], [['drain'], 'client']);
  assert.equal((await runHere(place, ['supernode', 'perhaps'])).exitCode, 2);
});

test('supernode caps shows what is used of them, and changes those that are given', async (t) => {
  const place = placeFor(t);
  const { node } = await hostFakeNode(t, place);
  const shown = await runHere(place, ['supernode', 'caps']);
  assert.match(shown.data, /^Bandwidth +5.86 KiB\/s of 58.6 KiB\/s\nHashes +120 of 200000\nPeers +3400 of 1000000\n$/);
  const changed = await runHere(place, ['supernode', 'caps', '--bandwidth', '32K', '--peers', '5000', '--json']);
  assert.deepEqual(node.asked.at(-1), ['cap', { trackingBytesPerSecond: 32_768, peers: 5000 }]);
  const caps = { trackingBytesPerSecond: 32_768, hashes: 200_000, peers: 5000 };
  assert.deepEqual(JSON.parse(changed.data), { caps, used: node.status().overlay.used });
  assert.match((await runHere(place, ['config', 'get', 'trackingBytesPerSecond'])).data, /32768/);
  for (const wrong of [
    ['--bandwidth', 'none'],
    ['--bandwidth', '10'],
    ['--hashes', '-1'],
    ['--peers', 'many'],
  ]) {
    assert.equal((await runHere(place, ['supernode', 'caps', ...wrong])).exitCode, 2, wrong.join(' '));
  }
});

test('supernodes --why says who owns a hash, and why', async (t) => {
  const place = placeFor(t);
  const { node } = await hostFakeNode(t, place);
  const { data } = await runHere(place, ['supernodes', '--why', INFO_HASH]);
  assert.match(data, new RegExp(`Owner +${NODE_ID}\\nBecause +its own election`));
  const { data: json } = await runHere(place, ['supernodes', '--why', INFO_HASH, '--json']);
  assert.deepEqual(JSON.parse(json), await node.placement(INFO_HASH));
});

test('N-26 hosts lists, adds, imports and exports; what is exported can be imported', async (t) => {
  const place = placeFor(t);
  const { node } = await hostFakeNode(t, place);
  assert.deepEqual(JSON.parse((await runHere(place, ['hosts', '--json'])).data), node.hosts());
  assert.match((await runHere(place, ['hosts', 'list'])).data, /192\.0\.2\.1:7373.*anchor/);
  const { data } = await runHere(place, ['hosts', 'export']);
  assert.equal(data, `# nodes of the network monsoon\n192.0.2.1:7373 ${NODE_ID}\n`);
  writeFileSync(join(place.root, 'list.txt'), data);
  assert.equal(
    (await runHere(place, ['hosts', 'import', 'list.txt'])).data,
    `${join(place.root, 'list.txt')}: 3 supernodes.\n`,
  );
  assert.equal((await runHere(place, ['hosts', 'import', 'http://a.example/list'])).exitCode, 0);
  assert.equal((await runHere(place, ['hosts', 'add', 'a.example:1', '192.0.2.9'])).exitCode, 0);
  assert.deepEqual(
    node.asked.map(([, list]) => list),
    [data, 'http://a.example/list', 'a.example:1\n192.0.2.9'],
  );
  const exported = JSON.parse((await runHere(place, ['hosts', 'export', '--json'])).data);
  assert.deepEqual(exported, { network: 'monsoon', hosts: [{ nodeId: NODE_ID, addresses: ['192.0.2.1:7373'] }] });
  assert.equal((await runHere(place, ['hosts', 'import', 'nowhere.txt'])).exitCode, 3);
  assert.equal((await runHere(place, ['hosts', 'forget'])).exitCode, 2);
});

test('C-09 bootstrap adds a name to the file, and a running node asks it at once', async (t) => {
  const place = placeFor(t);
  assert.equal(
    (await runHere(place, ['bootstrap', 'seeds.example.org'])).data,
    'seeds.example.org is asked at every start; "monsoon bootstrap --remove seeds.example.org" ends that.\n',
  );
  const { node } = await hostFakeNode(t, place);
  assert.match(
    (await runHere(place, ['bootstrap', '192.0.2.1:7373'])).data,
    /^192.0.2.1:7373: 3 supernodes\.\n.* every start; /,
  );
  assert.deepEqual(node.asked, [['addHosts', '192.0.2.1:7373']]);
  const { data } = await runHere(place, ['config', 'get', 'bootstrap']);
  assert.equal(data, 'seeds.example.org,192.0.2.1:7373\n');
  assert.equal((await runHere(place, ['bootstrap', 'no name'])).exitCode, 2);
  assert.equal((await runHere(place, ['bootstrap', 'bogus:99999'])).exitCode, 2);
  const removed = await runHere(place, ['bootstrap', '--remove', 'seeds.example.org']);
  assert.deepEqual([removed.exitCode, removed.data], [0, 'seeds.example.org is asked at no further start.\n']);
  assert.equal((await runHere(place, ['bootstrap', '--remove', 'seeds.example.org'])).exitCode, 3);
  assert.equal((await runHere(place, ['config', 'get', 'bootstrap'])).data, '192.0.2.1:7373\n');
});
