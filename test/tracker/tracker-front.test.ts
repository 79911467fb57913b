// Every row of test/fixtures/tracker_requests.json that concerns announces and scrapes, through real sockets.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { type Instant, instant, later } from '../../src/base/index.ts';
import { HEAD_BYTES_MAX, type Tracker } from '../../tracker/index.ts';
import { TrackerFront } from '../../tracker/io/index.ts';
import { announceQuery, dictOf, escaped, HASH, newTracker, peersOf, textOf } from './requests.ts';

const VECTORS = JSON.parse(readFileSync(new URL('../fixtures/tracker_requests.json', import.meta.url), 'utf8')).rows;
// Rows about parts of a node that are not the tracker's.
const ELSEWHERE = ['cors', 'slow_body'];
const proven = new Set<string>();

let tracker: Tracker;
let front: TrackerFront;
let server: Server;
let port: number;
let clock: Instant = instant(0);
const pages = createServer((incoming, response) => {
  if (!front.answer(incoming, response)) response.end(`page ${incoming.url}`);
});

before(async () => {
  tracker = newTracker();
  front = new TrackerFront({
    tracker,
    now: () => clock,
    nodeAt: () => undefined,
    handOver: (socket, unread) => {
      pages.emit('connection', socket);
      socket.unshift(unread);
      socket.resume();
    },
  });
  server = createTcpServer((socket) => socket.once('data', (bytes: Buffer) => front.accept(socket, bytes)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});

after(() => {
  front.close();
  pages.close();
  server.close();
});

/** One connection; `received` grows, `ended` resolves when the other side has closed. */
function open(): {
  socket: Socket;
  received: () => Buffer;
  ended: Promise<void>;
  until: (bytes: number) => Promise<void>;
} {
  const chunks: Buffer[] = [];
  const socket = connect(port, '127.0.0.1').on('error', () => {});
  const received = () => Buffer.concat(chunks);
  const ended = new Promise<void>((resolve) => socket.on('close', () => resolve()));
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  const until = async (bytes: number): Promise<void> => {
    while (received().length < bytes) await new Promise((resolve) => socket.once('data', resolve));
  };
  return { socket, received, ended, until };
}

/** Everything the other side sends until it closes. */
async function exchange(raw: string | Buffer): Promise<string> {
  const { socket, received, ended } = open();
  socket.write(typeof raw === 'string' ? Buffer.from(raw, 'latin1') : raw);
  await ended;
  return received().toString('latin1');
}

const get = (target: string, headers = ''): string =>
  `GET ${target} HTTP/1.1\r\nHost: tracker\r\n${headers}Connection: close\r\n\r\n`;

function dictIn(response: string) {
  assert.match(response, /^HTTP\/1\.1 200 OK\r\n/);
  const body = response.slice(response.indexOf('\r\n\r\n') + 4);
  assert.equal(/Content-Length: (\d+)\r\n/.exec(response)?.[1], String(body.length));
  return dictOf(Buffer.from(body, 'latin1'));
}

const announced = async (query: string, headers = '') => dictIn(await exchange(get(`/announce?${query}`, headers)));

test('queries that are no announce get a failure reason', async () => {
  const hash = escaped(HASH);
  const queries: Record<string, string> = {
    ih_missing: 'peer_id=...&port=1&left=0',
    ih_19: `info_hash=${escaped(HASH.subarray(1))}&port=6881&left=0`,
    ih_21: `info_hash=${hash}%00&port=6881&left=0`,
    ih_twice: `info_hash=${hash}&info_hash=${hash}&port=6881&left=0`,
    pct_bad: `info_hash=%zz${hash.slice(3)}&port=6881&left=0`,
    port_nan: `info_hash=${hash}&port=abc&left=0`,
  };
  for (const [row, query] of Object.entries(queries)) {
    assert.ok(textOf(await announced(query), 'failure reason'), row);
    proven.add(row);
  }
  assert.equal(tracker.swarmCount, 0);
});

test('odd values are taken the safe way', async () => {
  const lone = new Uint8Array(20).fill(1);
  assert.deepEqual(peersOf(await announced(announceQuery({ port: 22 }, lone))), []);
  assert.deepEqual(peersOf(await announced(announceQuery({ port: 6881 }, lone))), []);
  proven.add('port_low');
  const huge = await announced(announceQuery({ left: '99999999999999999999', port: 6882 }, lone));
  assert.deepEqual([huge.get('complete'), huge.get('incomplete')], [0, 2]);
  proven.add('left_huge');
  for (let i = 0; i < 300; i++) await announced(announceQuery({ port: 10_000 + i }));
  assert.equal(peersOf(await announced(announceQuery({ numwant: 100000000 }))).length, 200);
  proven.add('numwant_huge');
  const before = tracker.peerCount;
  await announced(announceQuery({ event: '%3Cscript%3E', port: 7777 }));
  await announced(announceQuery({ event: '<script>', port: 7778 }));
  assert.equal(tracker.peerCount, before + 2);
  proven.add('event_junk');
});

test('the source address is the only one recorded, whatever the request claims', async () => {
  const claims: Record<string, [string, string]> = {
    ip_private: ['ip=192.168.0.1', ''],
    ipv6_param: ['ipv6=[2001:db8::1]:6881', ''],
    xff: ['x=1', 'X-Forwarded-For: 198.51.100.7\r\n'],
  };
  for (const [row, [claim, header]] of Object.entries(claims)) {
    const hash = new Uint8Array(20).fill(row.length);
    await announced(`${announceQuery({}, hash)}&${claim}`, header);
    const seen = await announced(announceQuery({ port: 6999 }, hash));
    assert.deepEqual(peersOf(seen), ['127.0.0.1:6881'], row);
    assert.equal(seen.has('peers6'), false);
    proven.add(row);
  }
});

test('a scrape of everything is refused, one of a thousand is cut to 70 or refused by size', async () => {
  assert.ok(textOf(dictIn(await exchange(get('/scrape'))), 'failure reason'));
  proven.add('scrape_all');
  const hashes = (count: number) =>
    Array.from({ length: count }, (_, i) => `info_hash=${'%00'.repeat(19)}%${(16 + (i % 200)).toString(16)}`);
  const short = Array.from({ length: 200 }, (_, i) => `info_hash=${'a'.repeat(17)}${String(i).padStart(3, '0')}`);
  assert.equal(
    (dictIn(await exchange(get(`/scrape?${short.join('&')}`))).get('files') as Map<string, unknown>).size,
    70,
  );
  assert.match(await exchange(get(`/scrape?${hashes(1000).join('&')}`)), /^HTTP\/1\.1 431 /);
  proven.add('scrape_1000');
});

test('methods other than GET get 405, ambiguous heads get 400, and both close', async () => {
  for (const method of ['POST', 'HEAD', 'PUT', 'OPTIONS']) {
    const response = await exchange(`${method} /announce?a=1 HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\nhello`);
    assert.match(response, /^HTTP\/1\.1 405 .*\r\n\r\n$/s);
  }
  proven.add('method_post');
  const target = `/announce?${announceQuery()}`;
  const smuggled: Record<string, string> = {
    smuggle_clte: 'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n',
    smuggle_tecl: 'Transfer-Encoding: xchunked\r\n',
    smuggle_obsfold: 'X-A: 1\r\n folded\r\n',
    space_before_colon: 'Content-Length : 0\r\n',
    two_lengths: 'Content-Length: 0\r\nContent-Length: 0\r\n',
    length: 'Content-Length: 5\r\n',
    bare_lf: 'X-A: 1\nX-B: 2\r\n',
    bare_cr: 'X-A: 1\rX-B: 2\r\n',
    nul: 'X-A: \0\r\n',
    no_name: ': 1\r\n',
  };
  for (const [row, header] of Object.entries(smuggled)) {
    assert.match(await exchange(get(target, header)), /^HTTP\/1\.1 400 .*\r\n\r\n$/s, row);
    if (row in VECTORS) proven.add(row);
  }
  for (const line of [
    `GET ${target} HTTP/2.0`,
    `GET ${target}`,
    `GET ${target} junk HTTP/1.1`,
    'GET /announce?\x01 HTTP/1.1',
  ]) {
    assert.match(await exchange(`${line}\r\n\r\n`), /^HTTP\/1\.1 400 /, line);
  }
});

test('the absolute form is served as its path and never proxied', async () => {
  const answer = dictIn(await exchange(get(`http://evil.example:1/announce?${announceQuery()}`)));
  assert.ok(answer.has('interval'));
  proven.add('absolute_form');
});

test('a head of more than 8 KiB is refused', async () => {
  const long = get(`/announce?${announceQuery()}`, `X-A: ${'a'.repeat(HEAD_BYTES_MAX)}\r\n`);
  assert.match(await exchange(long), /^HTTP\/1\.1 431 /);
  const endless = open();
  endless.socket.write(`GET /announce?${'a'.repeat(HEAD_BYTES_MAX + 100)}`);
  await endless.ended;
  assert.match(endless.received().toString(), /^HTTP\/1\.1 431 /);
});

test('a head must be whole 5 s after its first byte, a quiet connection goes after a minute', async () => {
  const countIs = async (count: number): Promise<void> => {
    while (front.connectionCount !== count) await new Promise((resolve) => setImmediate(resolve));
  };
  await countIs(0);
  const slow = open();
  const idle = open();
  slow.socket.write('GET /announce?info_hash=');
  idle.socket.write(`GET /announce?${announceQuery()} HTTP/1.1\r\n\r\n`);
  await idle.until(1);
  await countIs(2);
  clock = later(clock, 4_000);
  slow.socket.write('%aa');
  front.sweep(clock);
  assert.equal(front.connectionCount, 2);
  clock = later(clock, 1_500);
  front.sweep(clock);
  await slow.ended;
  assert.equal(front.connectionCount, 1);
  clock = later(clock, 60_000);
  front.sweep(clock);
  await idle.ended;
  assert.equal(front.connectionCount, 0);
  proven.add('slow_headers');
});

test('requests cut at every byte are answered alike', async () => {
  const raw = Buffer.from(
    `GET /announce?${announceQuery({ port: 5555 })} HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n`,
  );
  const whole = await exchange(raw);
  for (let cut = 1; cut < raw.length; cut += 3) {
    const { socket, received, ended } = open();
    socket.setNoDelay(true);
    socket.write(raw.subarray(0, cut));
    setImmediate(() => socket.write(raw.subarray(cut)));
    await ended;
    assert.equal(received().toString('latin1').slice(0, 60), whole.slice(0, 60), `cut at ${cut}`);
  }
});

test('a thousand pipelined announces are answered in order, never far ahead of a client that does not read', async () => {
  const hash = new Uint8Array(20).fill(0x77);
  for (let i = 0; i < 200; i++) await announced(announceQuery({ port: 20_000 + i }, hash));
  const requests = Array.from({ length: 1000 }, (_, i) => {
    const connection = i === 999 ? 'Connection: close\r\n' : '';
    return `GET /announce?${announceQuery({ port: 2000 + i, numwant: 200, compact: 0 }, hash)} HTTP/1.1\r\n${connection}\r\n`;
  });
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
  const { socket, received, ended } = open();
  socket.pause();
  socket.write(requests.join(''));
  const serving = await accepted;
  while (!serving.writableNeedDrain) await new Promise((resolve) => setImmediate(resolve));
  // One write buffer short of the mark, and one more.
  assert.ok(serving.writableLength <= 131_072, `${serving.writableLength} bytes wait`);
  assert.ok(serving.readableLength <= 128 * 1024);
  socket.resume();
  await ended;
  const counts = [
    ...received()
      .toString('latin1')
      .matchAll(/10:incompletei(\d+)e/g),
  ].map((match) => Number(match[1]));
  assert.deepEqual(
    counts,
    Array.from({ length: 1000 }, (_, i) => 201 + i),
  );
  proven.add('pipeline_1000');
});

test('HTTP/1.1 stays open unless asked to close, HTTP/1.0 closes unless asked to stay', async () => {
  const target = `/announce?${announceQuery()}`;
  assert.match(await exchange(`GET ${target} HTTP/1.0\r\n\r\n`), /\r\nConnection: close\r\n/);
  for (const raw of [`GET ${target} HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n`, `GET ${target} HTTP/1.1\r\n\r\n`]) {
    const { socket, received, until, ended } = open();
    socket.write(raw);
    await until(1);
    const once = received().length;
    socket.write(raw);
    await until(once + 1);
    assert.doesNotMatch(received().toString('latin1'), /Connection: close/);
    socket.end();
    await ended;
  }
});

test('any other path goes on with all its bytes, also behind announces on the same connection', async () => {
  const announce = `GET /announce?${announceQuery()} HTTP/1.1\r\n\r\n`;
  for (const target of ['/listing?a=1', '/', '/announcement', '/announce/x', '/scrap']) {
    const response = await exchange(announce + get(target));
    assert.match(response, /interval.*HTTP\/1\.1 200 OK\r\n/s);
    assert.ok(response.includes(`page ${target}`), target);
  }
  const posted = await exchange(
    'POST /listing HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi',
  );
  assert.ok(posted.includes('page /listing'));
});

test('an announce behind a page on one connection is answered as well', async () => {
  const response = await exchange(
    get('/listing').replace('Connection: close\r\n', '') + get(`/announce?${announceQuery()}`),
  );
  assert.match(response, /page \/listing.*8:intervali/s);
  const status = await new Promise((resolve) => {
    request({ port, path: '/announce?x', method: 'POST' }, (answer) => resolve(answer.resume().statusCode)).end('x');
  });
  assert.equal(status, 405);
});

test('every row of the vectors that is the tracker’s was proven above', () => {
  assert.deepEqual(
    [...proven].toSorted(),
    Object.keys(VECTORS)
      .filter((row) => !ELSEWHERE.includes(row))
      .toSorted(),
  );
});
