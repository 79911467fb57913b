// What the page needs of the local API besides questions and answers: events, torrent files, settings, and its port.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { loadConfig } from '../../app/config-file.ts';
import { openControl } from '../../app/control/open-control.ts';
import type { SettingRow } from '../../app/control/settings.ts';
import { prepareHome } from '../../app/home.ts';
import { EventReader, type ServerEvent } from '../../web/local/event-stream.ts';
import { FakeNode } from './fake-node.ts';
import { type Place, placeFor, SILENT_LOG } from './place.ts';

interface Opened {
  readonly node: FakeNode;
  readonly url: string;
  readonly ask: (path: string, options?: RequestInit) => Promise<Response>;
  close(): Promise<void>;
}

async function open(t: TestContext, place: Place = placeFor(t)): Promise<Opened> {
  const { home } = place;
  const node = new FakeNode();
  const resolved = await loadConfig(home, { flags: {}, environment: {} });
  await prepareHome(home);
  const control = await openControl(node, { home, resolved, log: SILENT_LOG, requestStop: () => {} });
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= control.close();
    return closing;
  };
  t.after(close);
  const url = control.uiAddress;
  const [, token = ''] = /name="monsoon-token" content="([0-9a-f]{64})"/.exec(await (await fetch(url)).text()) ?? [];
  const ask = (path: string, options: RequestInit = {}): Promise<Response> =>
    fetch(url + path, { ...options, headers: { 'X-Monsoon-Token': token, ...options.headers } });
  return { node, url, ask, close };
}

/** The events of a stream, one after the other; `undefined` at its end. */
function eventsOf(response: Response): () => Promise<ServerEvent | undefined> {
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  const events = new EventReader();
  const waiting: ServerEvent[] = [];
  return async () => {
    while (waiting.length === 0) {
      const { done, value } = await reader.read();
      if (done) return undefined;
      waiting.push(...events.take(value));
    }
    return waiting.shift();
  };
}

test('a stream begins with everything, then tells what changed, and ends with the node', async (t) => {
  const { node, ask, close } = await open(t);
  const answer = await ask('api/events');
  assert.equal(answer.headers.get('content-type'), 'text/event-stream');
  const next = eventsOf(answer);
  const first = [await next(), await next(), await next()];
  assert.deepEqual(
    first.map((event) => event?.type),
    ['status', 'supernodes', 'torrents'],
  );
  assert.match(JSON.parse(first[0]!.data).ui, /^http:\/\/127\.0\.0\.1:\d+\/$/);
  assert.deepEqual(JSON.parse(first[2]!.data), {
    isWhole: true,
    rows: [JSON.parse(JSON.stringify(node.row))],
    gone: [],
  });
  node.complete();
  const { type, data } = (await next())!;
  assert.equal(type, 'torrents');
  const { isWhole, rows, gone } = JSON.parse(data);
  assert.deepEqual([isWhole, rows[0].state, gone], [false, 'seeding', []]);
  node.torrents = () => [];
  assert.deepEqual(JSON.parse((await next())!.data), { isWhole: false, rows: [], gone: [node.row.infoHash] });
  const begun = performance.now();
  const ended = next();
  await close();
  assert.equal(await ended, undefined);
  assert.ok(performance.now() - begun < 1900, 'a page that is open does not hold up the end');
});

test('a page hears of a change that another page began with', async (t) => {
  const { node, ask } = await open(t);
  const next = eventsOf(await ask('api/events'));
  for (const _ of ['status', 'supernodes', 'torrents']) await next();
  node.torrents = () => [];
  const other = eventsOf(await ask('api/events'));
  for (const _ of ['status', 'supernodes']) await other();
  assert.deepEqual(JSON.parse((await other())!.data), { isWhole: true, rows: [], gone: [] });
  assert.deepEqual(JSON.parse((await next())!.data), { isWhole: false, rows: [], gone: [node.row.infoHash] });
});

test('only so many pages are told, and one that leaves makes room', async (t) => {
  const { ask } = await open(t);
  // Who asks for the head alone takes no place.
  const heads = await Promise.all(Array.from({ length: 15 }, () => ask('api/events', { method: 'HEAD' })));
  assert.ok(heads.every(({ status }) => status === 200));
  const leaving = new AbortController();
  const first = await ask('api/events', { signal: leaving.signal });
  const others = await Promise.all(Array.from({ length: 15 }, () => ask('api/events')));
  assert.ok([first, ...others].every(({ status }) => status === 200));
  const refused = await ask('api/events');
  assert.equal(refused.status, 409);
  leaving.abort();
  for (let status = 0; status !== 200; ) status = (await ask('api/events')).status;
});

test('a torrent file is sent as it is and saved as it is, up to its own limit', async (t) => {
  const { node, ask } = await open(t);
  const headers = { 'Content-Type': 'application/x-bittorrent' };
  const post = (length: number) => ask('api/torrent-files', { method: 'POST', headers, body: new Uint8Array(length) });
  assert.equal((await post(300_000)).status, 200);
  assert.deepEqual(node.asked, [['getFile', 300_000]]);
  assert.equal((await post(11 * 2 ** 20)).status, 413);
  const saved = await ask(`api/torrent-files/${node.row.infoHash}`);
  assert.equal(saved.headers.get('content-type'), 'application/x-bittorrent');
  assert.equal(await saved.text(), 'd4:infode');
  const [file] = (await (await ask(`api/files/${node.row.infoHash}`)).json()) as { path: string }[];
  assert.equal(file?.path, 'Flood/read me.txt');
});

test('settings are checked all together before one is written', async (t) => {
  const place = placeFor(t);
  const { node, ask } = await open(t, place);
  const headers = { 'Content-Type': 'application/json' };
  const set = (changes: object) => ask('api/config', { method: 'POST', headers, body: JSON.stringify(changes) });
  const wrong: object[] = [
    { downLimit: '1M', linksMax: '0' },
    { __proto__: null, toString: 'x' },
    { nothing: 'x' },
    { encryption: 'none' },
    { port: 70_000 },
    { downloadDir: `/${'x'.repeat(5000)}` },
    Object.fromEntries(Array.from({ length: 41 }, (_, i) => [`o${i}`, ''])),
    [],
  ];
  for (const changes of wrong) assert.equal((await set(changes)).status, 400, JSON.stringify(changes).slice(0, 50));
  assert.deepEqual(node.asked, []);
  assert.throws(() => readFileSync(place.home.configFile), { code: 'ENOENT' });
  const rows = (await (await set({ downLimit: '1M', downloadDir: '/films' })).json()) as SettingRow[];
  const found = (name: string): SettingRow => rows.find((row) => row.name === name)!;
  assert.deepEqual(node.asked, [['limit', { down: 2 ** 20 }]]);
  assert.deepEqual([found('downLimit').value, found('downLimit').next], ['1M', '1M']);
  assert.deepEqual([found('downloadDir').value, found('downloadDir').next], ['', '/films']);
});

test('the page keeps its port from one start to the next, and takes another when that is not free', async (t) => {
  const place = placeFor(t);
  const first = await open(t, place);
  await first.close();
  const second = await open(t, place);
  assert.equal(second.url, first.url);
  await second.close();
  const { port } = new URL(first.url);
  const squatter = createServer().listen(Number(port), '127.0.0.1');
  t.after(() => squatter.close());
  await new Promise((resolve) => squatter.once('listening', resolve));
  const third = await open(t, place);
  assert.notEqual(third.url, first.url);
  assert.equal((await fetch(third.url)).status, 200);
});
