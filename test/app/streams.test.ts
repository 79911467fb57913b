// Files over the local surface: what is answered to whom, and what a hostile or slow reader costs.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { type TestContext, test } from 'node:test';
import { READERS_MAX } from '../../app/control/streams.ts';
import type { FileReading, OpenFile } from '../../app/streamed-file.ts';
import { MonsoonError } from '../../src/base/index.ts';
import { FakeNode, FILE_BYTES, INFO_HASH } from './fake-node.ts';
import { hostNode, placeFor } from './place.ts';

const MIB = 1 << 20;

/** Its file comes in parts that a test gives, or never. */
class SlowNode extends FakeNode {
  size = 1000;
  path = 'Flood/film.mp4';
  given = 0;
  closed = 0;
  next: (wait: Promise<undefined>) => Promise<Uint8Array | undefined> = (wait) => wait;

  override open(): OpenFile {
    const read = (): FileReading => {
      const { promise, resolve } = Promise.withResolvers<undefined>();
      const close = (): void => {
        this.closed++;
        resolve(undefined);
      };
      return { next: () => this.next(promise), close };
    };
    return { path: this.path, size: this.size, read };
  }
}

interface Surface<Node extends FakeNode> {
  readonly node: Node;
  readonly port: number;
  readonly token: string;
  /** Where the torrent's files are. */
  readonly path: string;
  stop(): Promise<void>;
}

async function surfaceOf<Node extends FakeNode>(t: TestContext, node: Node): Promise<Surface<Node>> {
  const { ui, stop } = await hostNode(t, placeFor(t), node);
  const port = Number(new URL(ui).port);
  const page = await (await fetch(ui)).text();
  const token = /<meta name="monsoon-token" content="([0-9a-f]{64})">/.exec(page)![1]!;
  const headers = { 'x-monsoon-token': token };
  const { path } = (await (await fetch(`${ui}api/streams/${INFO_HASH}`, { headers })).json()) as { path: string };
  return { node, port, token, path, stop };
}

type Headers = Record<string, string>;

function ask(port: number, path: string, headers: Headers = {}, method = 'GET'): ClientRequest {
  return request({ host: '127.0.0.1', port, path, method, headers, agent: false }).end();
}

async function answerTo(asked: ClientRequest): Promise<{ reply: IncomingMessage; bytes: Buffer }> {
  const [reply] = (await once(asked, 'response')) as [IncomingMessage];
  return { reply, bytes: Buffer.concat(await reply.toArray()) };
}

test('W-42 a file is answered whole or in one range, with its type and size', async (t) => {
  const { node, port, path } = await surfaceOf(t, new FakeNode());
  const whole = await answerTo(ask(port, `${path}1/read%20me.txt`));
  assert.equal(whole.reply.statusCode, 200);
  assert.deepEqual(whole.bytes, Buffer.from(FILE_BYTES));
  assert.equal(whole.reply.headers['content-type'], 'text/plain; charset=utf-8');
  assert.equal(whole.reply.headers['accept-ranges'], 'bytes');
  const ranges: [string, string, string][] = [
    ['bytes=0-', '0-11', 'hello, world'],
    ['bytes=7-8', '7-8', 'wo'],
    ['bytes=-5', '7-11', 'world'],
    ['bytes=9-99', '9-11', 'rld'],
  ];
  for (const [range, said, text] of ranges) {
    const { reply, bytes } = await answerTo(ask(port, `${path}1`, { range }));
    assert.deepEqual([reply.statusCode, bytes.toString()], [206, text], range);
    assert.equal(reply.headers['content-range'], `bytes ${said}/12`);
    assert.equal(reply.headers['content-length'], `${text.length}`);
  }
  const head = await answerTo(ask(port, `${path}1`, { range: 'bytes=7-8' }, 'HEAD'));
  assert.deepEqual([head.reply.statusCode, head.reply.headers['content-length'], head.bytes.length], [200, '12', 0]);
  const tag = whole.reply.headers.etag!;
  const same = await answerTo(ask(port, `${path}1`, { range: 'bytes=7-8', 'if-range': tag }));
  const other = await answerTo(ask(port, `${path}1`, { range: 'bytes=7-8', 'if-range': '"other"' }));
  assert.deepEqual([same.reply.statusCode, other.reply.statusCode], [206, 200]);
  assert.ok(node.asked.every(([verb]) => verb === 'open'));
});

test('a range without a byte, a file that is not there and a torrent that cannot be read are refused', async (t) => {
  const { node, port, path } = await surfaceOf(t, new SlowNode());
  for (const range of ['bytes=1000-', 'bytes=5-4', 'bytes=x', 'bytes=-0', `bytes=${'9'.repeat(30_000)}-`]) {
    const { reply } = await answerTo(ask(port, `${path}1`, { range }));
    assert.deepEqual([reply.statusCode, reply.headers['content-range']], [416, 'bytes */1000'], range.slice(0, 20));
  }
  node.open = () => {
    throw new MonsoonError('refused', 'Flood is paused.');
  };
  const { reply, bytes } = await answerTo(ask(port, `${path}1`));
  assert.deepEqual([reply.statusCode, JSON.parse(bytes.toString()).message], [409, 'Flood is paused.']);
  const fake = await surfaceOf(t, new FakeNode());
  assert.equal((await answerTo(ask(fake.port, `${fake.path}7`))).reply.statusCode, 404);
});

test('only the key of the torrent opens its files, to this machine alone, and opens nothing else', async (t) => {
  const { node, port, path, token } = await surfaceOf(t, new FakeNode());
  const [, , hash, key] = path.split('/') as [string, string, string, string];
  const bent = `${key.slice(1)}${key[0] === 'a' ? 'b' : 'a'}`;
  assert.ok(!token.includes(key));
  const paths = [
    `/stream/${hash}/${bent}/1`,
    `/stream/${hash}/${key.toUpperCase()}/1`,
    `/stream/${'0'.repeat(40)}/${key}/1`,
    ...[
      `/stream/${hash}/${key}/`,
      `/stream/${hash}/${key}/01`,
      `/stream/${hash}/${key}/-1`,
      `/stream/${hash}/${key}/1?x`,
    ],
    ...[
      `/stream/${hash}/${key}/1/a/b`,
      `/stream/${hash}/${key}/../1`,
      `/stream//${hash}/${key}/1`,
      `/stream/${hash}/1`,
    ],
    ...['/api/status', `/api/streams/${hash}`, `${path}../../../api/status`],
  ];
  for (const wrong of paths) assert.equal((await answerTo(ask(port, wrong))).reply.statusCode, 403, wrong);
  const others: Headers[] = [
    { host: `evil.example:${port}` },
    { origin: 'https://evil.example' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' },
  ];
  for (const headers of others) {
    assert.equal((await answerTo(ask(port, `${path}1`, headers))).reply.statusCode, 403, JSON.stringify(headers));
  }
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
    assert.equal((await answerTo(ask(port, `${path}1`, {}, method))).reply.statusCode, 405, method);
  }
  assert.deepEqual(node.asked, []);
  for (const site of ['none', 'same-origin']) {
    assert.equal((await answerTo(ask(port, `${path}1`, { 'sec-fetch-site': site }))).reply.statusCode, 200);
  }
});

test('nothing of a torrent runs as a page', async (t) => {
  const { node, port, path } = await surfaceOf(t, new SlowNode());
  node.size = 0;
  for (const name of ['a.html', 'a.svg', 'a.xhtml', 'a.xml', 'a.js', 'a.pdf', 'a.mht', 'a', 'a.constructor']) {
    node.path = name;
    const { reply } = await answerTo(ask(port, `${path}1/x.html`, {}, 'HEAD'));
    assert.equal(reply.headers['content-type'], 'application/octet-stream', name);
    assert.equal(reply.headers['x-content-type-options'], 'nosniff');
    assert.match(String(reply.headers['content-security-policy']), /^default-src 'none'; media-src 'self'/);
    assert.doesNotMatch(String(reply.headers['content-security-policy']), /script-src|connect-src/);
  }
});

test('more readers than allowed are turned away until one leaves, and who leaves is waited for no more', async (t) => {
  const { node, port, path } = await surfaceOf(t, new SlowNode());
  const readers: ClientRequest[] = [];
  for (let i = 0; i < READERS_MAX; i++) {
    const asked = ask(port, `${path}1`);
    const [reply] = (await once(asked, 'response')) as [IncomingMessage];
    assert.equal(reply.statusCode, 200, 'its head comes at once');
    reply.on('error', () => undefined);
    readers.push(asked);
  }
  const { reply, bytes } = await answerTo(ask(port, `${path}1`));
  assert.deepEqual([reply.statusCode, JSON.parse(bytes.toString()).error], [409, 'busy']);
  assert.equal(node.closed, 0);
  readers[0]!.destroy();
  let again = 409;
  while (again === 409) {
    const asked = ask(port, `${path}1`);
    const [answered] = (await once(asked, 'response')) as [IncomingMessage];
    answered.on('error', () => undefined).resume();
    again = answered.statusCode!;
    if (again === 200) readers.push(asked);
  }
  assert.equal(again, 200);
  assert.equal(node.closed, 1);
  for (const asked of readers) asked.destroy();
});

test('a reader that does not read takes no more memory than its connection holds', async (t) => {
  const { node, port, path } = await surfaceOf(t, new SlowNode());
  node.size = 512 * MIB;
  node.next = async () => {
    node.given += 131_072;
    return node.given <= node.size ? new Uint8Array(131_072) : undefined;
  };
  const asked = ask(port, `${path}1`);
  const [reply] = (await once(asked, 'response')) as [IncomingMessage];
  reply.pause();
  // Each of these would have let another part go.
  for (let i = 0; i < 100; i++) await answerTo(ask(port, '/'));
  assert.ok(node.given < 32 * MIB, `${node.given} bytes were read for it`);
  let taken = 0;
  for await (const bytes of reply as AsyncIterable<Buffer>) taken += bytes.length;
  assert.equal(taken, node.size, 'and all of it comes when it reads');
  assert.equal(node.closed, 1);
});

test('a torrent that ends while somebody waits, and a node that stops, end the connection', async (t) => {
  const { node, port, path, stop } = await surfaceOf(t, new SlowNode());
  let isFirst = true;
  node.next = async (wait) => {
    if (!isFirst) return wait;
    isFirst = false;
    throw new MonsoonError('not-found', 'Flood is not here any more.');
  };
  await assert.rejects(answerTo(ask(port, `${path}1`)), { code: 'ECONNRESET' });
  const [waiting] = (await once(ask(port, `${path}1`), 'response')) as [IncomingMessage];
  const cut = assert.rejects(waiting.toArray(), { code: 'ECONNRESET' });
  await stop();
  await cut;
  assert.equal(node.closed, 2);
});
