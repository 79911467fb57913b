// Downloads from web servers: ours that say what a test wants, and stock ones.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Torrent } from '../../src/io/torrent.ts';
import { type MadeTorrent, makeTorrent } from '../../src/io/torrent-maker.ts';
import { NO_WISHES } from '../../src/torrent/index.ts';
import { isInstalled, requireOrSkip } from '../require.ts';
import { completed, openNodeFor, randomContent, specOf, temporaryFolder, until } from './loopback-node.ts';

/** A folder with names that need care in a URL, an empty file, and a file larger than one request. */
async function folder(): Promise<{ parent: string; made: MadeTorrent }> {
  const parent = temporaryFolder('web');
  const files: [string, number][] = [
    ['a b/100%?#ü.bin', 70_000],
    ['empty', 0],
    ['large.bin', 6_000_000],
    ['z;&+=@!.txt', 3],
  ];
  for (const [path, size] of files) {
    const file = join(parent, 'Some Folder', path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, randomContent(size));
  }
  return { parent, made: await makeTorrent(join(parent, 'Some Folder')) };
}

interface WebServer {
  readonly url: string;
  readonly asked: string[];
  /** Body bytes handed to the system. */
  sent: number;
}

type Answer = (request: IncomingMessage, response: ServerResponse, send: (status: number) => void) => void;

/** Serves the files below `root` by range; `answer` may do something else. */
async function serve(t: TestContext, root: string, answer: Answer = (_, __, send) => send(206)): Promise<WebServer> {
  const files = new Map<string, Buffer>();
  const fileOf = (url: string): Buffer => {
    const path = join(root, decodeURIComponent(url.split('?')[0]!));
    const bytes = files.get(path) ?? readFileSync(path);
    files.set(path, bytes);
    return bytes;
  };
  const server = createServer((request, response) => {
    web.asked.push(`${request.headers.range} ${request.url}`);
    answer(request, response, (status) => {
      const bytes = fileOf(request.url!);
      const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range!)!.map(Number) as [number, number, number];
      const body = status === 206 ? bytes.subarray(from, to + 1) : bytes;
      const range = status === 206 ? { 'content-range': `bytes ${from}-${to}/${bytes.length}` } : {};
      response.writeHead(status, { 'content-length': body.length, ...range });
      response.end(body);
      web.sent += body.length;
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const web = { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, asked: [] as string[], sent: 0 };
  return web;
}

interface Download {
  readonly host: Torrent;
  readonly directory: string;
  readonly log: readonly string[];
}

async function download(t: TestContext, { info }: MadeTorrent, webSeeds: string[]): Promise<Download> {
  const node = await openNodeFor(t);
  const directory = temporaryFolder('fetched');
  const { host, started } = node.torrents.add(specOf(info, directory, { webSeeds }))!;
  await started;
  return { host, directory, log: node.log };
}

async function assertSame(made: MadeTorrent, parent: string, directory: string): Promise<void> {
  for (const [file, { path }] of made.info.files.entries()) {
    const source = made.sourcePaths[file] ?? join(parent, ...path);
    await until('the file, which may be empty', () => existsSync(join(directory, ...path)));
    assert.ok(readFileSync(join(directory, ...path)).equals(readFileSync(source)), source);
  }
}

test('a folder comes from a web server alone, identical, without a byte fetched twice', async (t) => {
  const { parent, made } = await folder();
  const web = await serve(t, parent);
  const { host, directory } = await download(t, made, [web.url]);
  await completed(host);
  await assertSame(made, parent, directory);
  assert.equal(web.sent, made.info.length);
  const { pieceCount, files } = made.info;
  assert.ok(web.asked.length < pieceCount + files.length, `${web.asked.length} requests for ${pieceCount} pieces`);
});

test('what is wanted later comes from the web server too, after everything wanted before was there', async (t) => {
  const { parent, made } = await folder();
  const web = await serve(t, parent);
  const node = await openNodeFor(t);
  const directory = temporaryFolder('fetched');
  const wishes = { ...NO_WISHES, rules: [{ files: '*.bin', priority: 0 }] } as const;
  const { host, started } = node.torrents.add(specOf(made.info, directory, { webSeeds: [web.url], wishes }))!;
  await started;
  await completed(host);
  assert.ok(web.sent < made.info.length / 2);
  assert.equal(await host.useWishes(NO_WISHES), undefined);
  await completed(host);
  await assertSame(made, parent, directory);
});

test('a single file comes from its own URL, through a redirect, together with a peer', async (t) => {
  const parent = temporaryFolder('web');
  writeFileSync(join(parent, 'one.bin'), randomContent(3_000_000));
  const made = await makeTorrent(join(parent, 'one.bin'));
  const web = await serve(t, parent, (request, response, send) => {
    if (request.url !== '/old?v=1') return send(206);
    response.writeHead(302, { location: '/one.bin' });
    response.end();
  });
  const seeder = await openNodeFor(t);
  await seeder.torrents.add(specOf(made.info, parent, { isWhole: true }))!.started;
  const { host, directory } = await download(t, made, [`${web.url}old?v=1`]);
  host.learn([seeder.address], 'user', 'user');
  await completed(host);
  await assertSame(made, parent, directory);
  assert.ok(web.sent > 0);
});

test('a server that ignores ranges is refused at its first answer, and rests', async (t) => {
  const parent = temporaryFolder('web');
  writeFileSync(join(parent, 'one.bin'), randomContent(40_000_000));
  const made = await makeTorrent(join(parent, 'one.bin'));
  const web = await serve(t, parent, (_, __, send) => send(200));
  const { host, log } = await download(t, made, [web.url]);
  await until('the refusal', () => /ignores ranges/.test(log.join('\n')));
  assert.equal(host.figures().downloaded, 0);
  assert.equal(web.asked.length, 1);
});

test('a web seed with bad data is banned after one piece, and a good one finishes', async (t) => {
  const { parent, made } = await folder();
  const bad: WebServer = await serve(t, parent, (request, response) => {
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range!)!.map(Number) as [number, number, number];
    const { length } = readFileSync(join(parent, decodeURIComponent(request.url!)));
    response.writeHead(206, { 'content-range': `bytes ${from}-${to}/${length}` });
    response.end(Buffer.alloc(to - from + 1, 7));
    bad.sent += to - from + 1;
  });
  const { host, log } = await download(t, made, [bad.url]);
  await until('the ban', () => /is not asked again/.test(log.join('\n')));
  assert.equal(host.figures().storedBytes, 0);
  // More is asked for while the first piece is being hashed, but not for long.
  assert.ok(bad.sent < made.info.length / 2, `${bad.sent} bytes before the ban`);
  const good = await serve(t, parent);
  const again = await download(t, made, [bad.url, good.url]);
  await completed(again.host);
  await assertSame(made, parent, again.directory);
});

for (const [what, answer, reason] of [
  ['answers 503', (_, response) => response.writeHead(503).end(), /HTTP 503/],
  ['redirects in a circle', (_, response) => response.writeHead(301, { location: '/x' }).end(), /circle/],
  ['redirects out of the web', (_, response) => response.writeHead(301, { location: 'file:///x' }).end(), /out of/],
  [
    'ends early',
    (request, response) => {
      const range = /bytes=(.*)/.exec(request.headers.range!)![1];
      response.writeHead(206, { 'content-range': `bytes ${range}/*`, connection: 'close' });
      response.write('x');
      response.socket!.end();
    },
    /shorter|terminated|other side closed/,
  ],
] as const satisfies [string, Answer, RegExp][]) {
  test(`a web seed that ${what} is asked no more than a few times, and rests`, async (t) => {
    const { parent, made } = await folder();
    const web = await serve(t, parent, answer);
    const { host, log } = await download(t, made, [web.url]);
    await until('the refusal', () => reason.test(log.join('\n')));
    assert.equal(host.figures().storedBytes, 0);
    assert.ok(web.asked.length <= 4);
  });
}

/** Starts a stock server on a port that was free a moment ago. */
async function stock(t: TestContext, command: (port: number) => [string, string[]]): Promise<string> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  const server: ChildProcess = spawn(...command(port), { stdio: 'ignore' });
  t.after(() => server.kill('SIGKILL'));
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const isUp = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    });
    socket.destroy();
    if (isUp) return `http://127.0.0.1:${port}/`;
    assert.equal(server.exitCode, null, 'the server runs');
  }
}

test('a folder comes from lighttpd, identical', async (t) => {
  if (!requireOrSkip(t, isInstalled('lighttpd'), 'lighttpd is not installed')) return;
  const { parent, made } = await folder();
  const url = await stock(t, (port) => {
    const settings = join(temporaryFolder('lighttpd'), 'lighttpd.conf');
    const lines = [
      `server.document-root = "${parent}"`,
      `server.port = ${port}`,
      'server.bind = "127.0.0.1"',
      'server.range-requests = "enable"',
    ];
    writeFileSync(settings, lines.join('\n'));
    return ['lighttpd', ['-D', '-f', settings]];
  });
  const { host, directory } = await download(t, made, [url]);
  await completed(host);
  await assertSame(made, parent, directory);
});

test("python's http.server, which knows no ranges, is refused", async (t) => {
  if (!requireOrSkip(t, isInstalled('python3'), 'python3 is not installed')) return;
  const { parent, made } = await folder();
  const url = await stock(t, (port) => ['python3', ['-m', 'http.server', '-b', '127.0.0.1', '-d', parent, `${port}`]]);
  const { log } = await download(t, made, [url]);
  await until('the refusal', () => /ignores ranges/.test(log.join('\n')));
});
