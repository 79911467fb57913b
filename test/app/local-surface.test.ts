// The loopback surface over real sockets: which requests reach the API at all.
import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type HostedNode, hostFakeNode, placeFor } from './place.ts';

interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

interface Asked {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Record<string, string | undefined>;
  readonly body?: string;
}

const GOOD_SHARE = JSON.stringify({ path: '/tmp/thing' });

class Surface {
  readonly hosted: HostedNode;
  readonly port: number;
  token = '';

  constructor(hosted: HostedNode) {
    this.hosted = hosted;
    this.port = Number(new URL(hosted.ui).port);
  }

  static async open(t: TestContext): Promise<Surface> {
    const surface = new Surface(await hostFakeNode(t, placeFor(t)));
    const page = await surface.ask({ headers: { 'x-monsoon-token': undefined } });
    surface.token = /<meta name="monsoon-token" content="([0-9a-f]{64})">/.exec(page.text)![1]!;
    return surface;
  }

  /** A request as our own page would send it, except for what the test changes. */
  ask({ method = 'GET', path = '/', headers = {}, body }: Asked): Promise<Answered> {
    const all = { host: `127.0.0.1:${this.port}`, 'x-monsoon-token': this.token, ...headers };
    const sent = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
    return new Promise((resolve, reject) => {
      const asking = request({
        host: '127.0.0.1',
        port: this.port,
        method,
        path,
        headers: sent as Record<string, string>,
      });
      asking.on('error', reject);
      asking.on('response', async (reply) => {
        const text = Buffer.concat(await reply.toArray()).toString();
        resolve({ status: reply.statusCode!, headers: reply.headers, text });
      });
      asking.end(body);
    });
  }

  post(path: string, headers: Record<string, string | undefined> = {}, body: string = GOOD_SHARE): Promise<Answered> {
    return this.ask({ method: 'POST', path, headers: { 'content-type': 'application/json', ...headers }, body });
  }
}

test('a page of ours reads and changes', async (t) => {
  const surface = await Surface.open(t);
  const own = { origin: `http://127.0.0.1:${surface.port}`, 'sec-fetch-site': 'same-origin' };
  assert.equal((await surface.ask({ path: '/api/status', headers: own })).status, 200);
  assert.equal((await surface.post('/api/share', own)).status, 200);
  const byName = { host: `localhost:${surface.port}`, origin: `http://localhost:${surface.port}` };
  assert.equal((await surface.post('/api/share', byName)).status, 200);
  assert.equal(surface.hosted.node.asked.length, 2);
});

test('every request with a wrong Host, Origin, site, token, type or method is refused and changes nothing', async (t) => {
  const surface = await Surface.open(t);
  const { port, token } = surface;
  const wrong: [string, Record<string, string | undefined>][] = [
    ['rebound host', { host: `evil.example:${port}` }],
    ['host without port', { host: '127.0.0.1' }],
    ['host with another port', { host: '127.0.0.1:1' }],
    ['other loopback address', { host: `127.0.0.2:${port}` }],
    ['all addresses', { host: `0.0.0.0:${port}` }],
    ['host in another case', { host: `LOCALHOST:${port}` }],
    ['foreign origin', { origin: 'https://evil.example' }],
    ['opaque origin', { origin: 'null' }],
    ['origin over TLS', { origin: `https://127.0.0.1:${port}` }],
    ['origin of another local port', { origin: 'http://127.0.0.1:1' }],
    ['origin that is not the host', { origin: `http://localhost:${port}` }],
    ['cross site', { 'sec-fetch-site': 'cross-site' }],
    ['same site', { 'sec-fetch-site': 'same-site' }],
    ['no token', { 'x-monsoon-token': undefined }],
    ['empty token', { 'x-monsoon-token': '' }],
    ['short token', { 'x-monsoon-token': token.slice(1) }],
    ['wrong token', { 'x-monsoon-token': `${token.slice(1)}${token[0] === 'a' ? 'b' : 'a'}` }],
  ];
  for (const [name, headers] of wrong) {
    for (const path of ['/api/share', '/api/get', '/api/stop']) {
      const answer = await surface.post(path, headers);
      assert.equal(answer.status, 403, `${name} at ${path}`);
      assert.equal(JSON.parse(answer.text).error, 'refused');
    }
    assert.equal((await surface.ask({ path: '/api/status', headers })).status, 403, `reading with ${name}`);
  }
  for (const type of [undefined, 'text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data']) {
    assert.equal((await surface.post('/api/share', { 'content-type': type })).status, 415, `type ${type}`);
  }
  assert.deepEqual(surface.hosted.node.asked, []);
  assert.equal(surface.hosted.node.isStopped, false);
});

test('a link of another site opens the page as a document of its own, and reaches nothing else', async (t) => {
  const surface = await Surface.open(t);
  const link = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
  const visitor = { ...link, 'x-monsoon-token': undefined };
  assert.equal((await surface.ask({ headers: visitor })).status, 200);
  assert.equal((await surface.ask({ headers: { ...visitor, 'sec-fetch-site': 'same-site' } })).status, 200);
  for (const dest of ['iframe', 'frame', 'embed', 'object', 'script', 'image', 'empty', undefined]) {
    const { status } = await surface.ask({ headers: { ...visitor, 'sec-fetch-dest': dest } });
    assert.equal(status, 403, `as ${dest}`);
  }
  for (const mode of ['cors', 'no-cors', 'websocket', undefined]) {
    assert.equal((await surface.ask({ headers: { ...visitor, 'sec-fetch-mode': mode } })).status, 403, `by ${mode}`);
  }
  for (const path of ['/?', '/index.js', '/index.css', '/api/status', '/api/events', '//', '/#']) {
    assert.equal((await surface.ask({ path, headers: link })).status, 403, path);
  }
  assert.equal((await surface.ask({ headers: { ...visitor, host: 'evil.example' } })).status, 403);
  assert.equal((await surface.ask({ headers: { ...visitor, origin: 'https://evil.example' } })).status, 403);
  assert.equal((await surface.post('/api/stop', link)).status, 403);
  assert.equal((await surface.post('/', visitor)).status, 403);
  assert.deepEqual(surface.hosted.node.asked, []);
  assert.equal(surface.hosted.node.isStopped, false);
});

test('nothing changes by GET, and other methods are refused', async (t) => {
  const surface = await Surface.open(t);
  for (const path of ['/api/share?path=/etc', '/api/get?what=x', '/api/stop']) {
    assert.equal((await surface.ask({ path })).status, 404, path);
  }
  for (const method of ['PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE']) {
    assert.equal((await surface.ask({ method, path: '/api/stop' })).status, 405, method);
  }
  assert.equal((await surface.ask({ method: 'POST', path: '/' })).status, 405);
  assert.deepEqual(surface.hosted.node.asked, []);
});

test('no address reads a file that is not in the table', async (t) => {
  const surface = await Surface.open(t);
  const paths = [
    '/../package.json',
    '/..%2fpackage.json',
    '/%2e%2e/package.json',
    '//etc/passwd',
    '/index.html',
    '/index.js/../../x',
    '/main.tsx',
    '/index.css%00',
    '/local/main.tsx',
    '/dist/page/index.js',
    '/\\..\\package.json',
    '/api',
    '/API/status',
    '/api/../index.js2',
  ];
  for (const path of paths) assert.match(String((await surface.ask({ path })).status), /^40[04]$/, path);
});

test('no spelling of an API path gets around the token', async (t) => {
  const surface = await Surface.open(t);
  const { port } = surface;
  const paths = [
    '/./api/status',
    '/x/../api/status',
    '//api/status',
    '/%61pi/status',
    '/api%2fstatus',
    '/index.css/../api/status',
    '/?/../api/status',
    '\\\\api/status',
    `http://127.0.0.1:${port}/api/status`,
    '/index.css?/../../api/status',
    '/api/status#',
  ];
  for (const path of paths) {
    const answer = await surface.ask({ path, headers: { 'x-monsoon-token': undefined } });
    assert.ok(answer.status === 403 || answer.status === 400, `${path}: ${answer.status}`);
    assert.doesNotMatch(answer.text, /nodeId/);
  }
});

test('every answer carries the headers that keep scripts and frames out', async (t) => {
  const surface = await Surface.open(t);
  for (const path of ['/', '/index.js', '/api/status', '/nothing']) {
    const { headers } = await surface.ask({ path });
    const policy = String(headers['content-security-policy']);
    assert.match(policy, /default-src 'none'/);
    assert.doesNotMatch(policy, /unsafe|\*/);
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.equal(headers['x-frame-options'], 'DENY');
    assert.equal(headers['cache-control'], 'no-store');
    assert.equal(headers['access-control-allow-origin'], undefined);
  }
  const refused = await surface.ask({ headers: { host: 'evil.example' } });
  assert.match(String(refused.headers['content-security-policy']), /default-src 'none'/);
});

test('questions that the schema does not know are usage errors', async (t) => {
  const surface = await Surface.open(t);
  const bodies = [
    '{',
    '[]',
    'null',
    '{}',
    '{"path":"relative"}',
    '{"path":7}',
    '{"path":"/x","category":"tv"}',
    '{"path":"/x","extra":1}',
    '{"path":"/x","tags":["a","b","c","d","e","f"]}',
    `{"path":"/${'x'.repeat(5000)}"}`,
  ];
  for (const body of bodies) {
    const answer = await surface.post('/api/share', {}, body);
    assert.equal(answer.status, 400, body.slice(0, 40));
    assert.equal(JSON.parse(answer.text).error, 'usage');
  }
  for (const query of ['sort=worst', 'category=tv', 'limit=-1', 'limit=1e3', 'limit=1001', 'offset=x', 'other=1']) {
    assert.equal((await surface.ask({ path: `/api/listing?${query}` })).status, 400, query);
  }
  assert.deepEqual(surface.hosted.node.asked, []);
  const long = await surface.post('/api/share', {}, JSON.stringify({ path: `/${'x'.repeat(70_000)}` }));
  assert.equal(long.status, 413);
});

test('a body without a length and a request smuggled behind another change nothing', async (t) => {
  const surface = await Surface.open(t);
  const head = `POST /api/share HTTP/1.1\r\nHost: 127.0.0.1:${surface.port}\r\nX-Monsoon-Token: ${surface.token}\r\n`;
  const smuggled = `GET / HTTP/1.1\r\nHost: 127.0.0.1:${surface.port}\r\n\r\n`;
  const requests = [
    `${head}Content-Type: application/json\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
    `${head}Content-Type: application/json\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}`,
    `${head}Host: evil.example\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`,
    `${head}X-Long: ${'x'.repeat(40_000)}\r\n\r\n`,
  ];
  for (const raw of requests) {
    const answer = await rawAnswer(surface.port, raw);
    assert.match(answer, /^HTTP\/1\.1 4[0-9][0-9] /, answer.slice(0, 60));
  }
  assert.deepEqual(surface.hosted.node.asked, []);
  assert.equal((await surface.ask({ path: '/api/status' })).status, 200);
});

test('the control socket is for this user only', { skip: process.platform === 'win32' }, async (t) => {
  const place = placeFor(t);
  await hostFakeNode(t, place);
  const { controlSocket } = place.home;
  assert.equal(statSync(controlSocket).mode & 0o777, 0o600);
  assert.equal(statSync(dirname(controlSocket)).mode & 0o777, 0o700);
});

function rawAnswer(port: number, raw: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.end(raw));
    let text = '';
    socket.on('data', (bytes) => {
      text += bytes;
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(text));
  });
}
