import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { isFault } from '../../src/base/index.ts';
import { BoundNetwork } from '../../src/io/bound-network.ts';
import { HttpClient, type HttpHead, type HttpRequest, type MayDial } from '../../src/io/http-client.ts';

const network = await BoundNetwork.open('::');

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

async function serve(t: TestContext, answer: Answer): Promise<number> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

function clientFor(t: TestContext, mayDial: MayDial = () => true): HttpClient {
  const client = new HttpClient({ network, mayDial, tls: undefined });
  t.after(() => client.close());
  return client;
}

const get = (port: number, more: Partial<HttpRequest> = {}): HttpRequest => ({
  origin: `http://127.0.0.1:${port}`,
  method: 'GET',
  path: '/',
  timeoutMs: 5000,
  bytesMax: 1000,
  ...more,
});

async function faultOf(asked: Promise<HttpHead | { readonly code: string }>): Promise<string> {
  const result = await asked;
  assert.ok(isFault(result), 'expected a fault');
  return result.code;
}

test('a request goes out as it was given, and the reply comes back as bytes', async (t) => {
  const seen: unknown[] = [];
  const port = await serve(t, async (request, response) => {
    seen.push(request.method, request.url, request.headers['x-a'], Buffer.concat(await request.toArray()).toString());
    response.writeHead(201, { 'X-B': ['1', '2'] }).end(Buffer.from([0, 255, 10]));
  });
  const path = '/announce?info_hash=%00%fF+%2B';
  const asked = { path, method: 'POST', headers: { 'X-A': 'a' }, body: Buffer.from('body') } as const;
  const reply = await clientFor(t).request(get(port, asked));
  assert.ok(!isFault(reply));
  assert.deepEqual(seen, ['POST', path, 'a', 'body']);
  assert.deepEqual([reply.status, reply.headers['x-b'], [...reply.body]], [201, '1, 2', [0, 255, 10]]);
});

test('a redirect comes back to the caller, and a packed body stays packed', async (t) => {
  const packed = Buffer.from('1f8b0800', 'hex');
  const port = await serve(t, (request, response) => {
    if (request.url === '/') response.writeHead(307, { Location: 'http://192.0.2.1/' }).end();
    else response.writeHead(200, { 'Content-Encoding': 'gzip' }).end(packed);
  });
  const client = clientFor(t);
  const redirect = await client.request(get(port));
  assert.ok(!isFault(redirect));
  assert.deepEqual([redirect.status, redirect.headers.location], [307, 'http://192.0.2.1/']);
  const reply = await client.request(get(port, { path: '/packed' }));
  assert.ok(!isFault(reply));
  assert.deepEqual(Buffer.from(reply.body), packed);
});

test('a reply that is longer than allowed is a fault before all of it has come', async (t) => {
  const port = await serve(t, (_, response) => {
    const more = (): void => {
      while (response.writable && response.write(Buffer.alloc(16_384)));
    };
    response.on('drain', more);
    more();
  });
  const client = clientFor(t);
  assert.equal(await faultOf(client.request(get(port))), 'http-too-large');
});

test('the time limit covers a reply that trickles', async (t) => {
  const port = await serve(t, (_, response) => {
    const trickle = setInterval(() => response.write('x'), 20);
    response.on('close', () => clearInterval(trickle));
  });
  assert.equal(await faultOf(clientFor(t).request(get(port, { timeoutMs: 150 }))), 'http-timeout');
});

test('the caller can end a request', async (t) => {
  const abort = new AbortController();
  const port = await serve(t, () => abort.abort());
  assert.equal(await faultOf(clientFor(t).request(get(port, { signal: abort.signal }))), 'http-aborted');
});

test('a streamed answer comes as it is sent, until its taker wants no more of it', async (t) => {
  let end: (() => void) | undefined;
  const port = await serve(t, (_, response) => {
    end = () => response.end('later');
    response.writeHead(206, { 'x-a': 'b' }).write('first');
  });
  const asked = { origin: `http://127.0.0.1:${port}`, path: '/', silenceMs: 5000 };
  const seen: string[] = [];
  const head = await clientFor(t).stream(asked, () => (bytes) => {
    seen.push(Buffer.from(bytes).toString());
    end?.();
    return true;
  });
  assert.ok(!isFault(head));
  assert.deepEqual([head.status, head.headers['x-a'], seen.join('')], [206, 'b', 'firstlater']);

  const endless = await serve(t, (_, response) => {
    const more = (): void =>
      void (response.write(Buffer.alloc(65_536)) ? setImmediate(more) : response.once('drain', more));
    more();
  });
  let took = 0;
  const cut = await clientFor(t).stream({ ...asked, origin: `http://127.0.0.1:${endless}` }, () => (bytes) => {
    took += bytes.length;
    return took < 100_000;
  });
  assert.ok(!isFault(cut) && took >= 100_000);
});

test('a streamed answer is not read unless somebody takes it, and its address is judged like any other', async (t) => {
  const port = await serve(t, (_, response) => response.end('unwanted'));
  const asked = { origin: `http://127.0.0.1:${port}`, path: '/', silenceMs: 5000 };
  const head = await clientFor(t).stream(asked, () => undefined);
  assert.ok(!isFault(head) && head.status === 200);
  assert.equal(await faultOf(clientFor(t, () => false).stream(asked, () => undefined)), 'http-forbidden');
});

test('a streamed answer that stays silent too long, or that the caller ends, is a fault', async (t) => {
  const port = await serve(t, (_, response) => void response.writeHead(200).write('x'));
  const asked = { origin: `http://127.0.0.1:${port}`, path: '/' };
  const keep = () => () => true;
  const silent = clientFor(t).stream({ ...asked, silenceMs: 300 }, keep);
  assert.equal(await faultOf(silent), 'http-timeout');
  const abort = new AbortController();
  const ended = clientFor(t).stream({ ...asked, silenceMs: 5000, signal: abort.signal }, () => {
    queueMicrotask(() => abort.abort());
    return () => true;
  });
  assert.equal(await faultOf(ended), 'http-aborted');
});

test('a server that is not there, hangs up or speaks nonsense is a fault', async (t) => {
  const port = await serve(t, (request, response) => {
    if (request.url === '/') request.socket.destroy();
    else response.socket!.end('HTTP/9.9 banana\r\n\r\n');
  });
  const client = clientFor(t);
  assert.equal(await faultOf(client.request(get(port))), 'http-unreachable');
  assert.equal(await faultOf(client.request(get(port, { path: '/nonsense' }))), 'http-unreachable');
  assert.equal(await faultOf(client.request(get(1))), 'http-unreachable');
  assert.equal(await faultOf(client.request(get(1, { origin: 'not a url' }))), 'http-unreachable');
});

test('an address that may not be dialled is never connected to, however it is spelled', async (t) => {
  let connections = 0;
  const port = await serve(t, (_, response) => {
    connections++;
    response.end();
  });
  const asked: string[] = [];
  const client = clientFor(t, (ip, asPort) => {
    asked.push(ip);
    assert.equal(asPort, port);
    return false;
  });
  const hosts = ['127.0.0.1', 'localhost', '[::ffff:127.0.0.1]', '0x7f.1', '2130706433', '127.1', '[::1]'];
  for (const host of hosts) {
    assert.equal(
      await faultOf(client.request(get(port, { origin: `http://${host}:${port}` }))),
      'http-forbidden',
      host,
    );
  }
  assert.equal(connections, 0);
  assert.ok(asked.length >= hosts.length && asked.every((ip) => /^[0-9a-f.:]+$/.test(ip)), asked.join(' '));
});

test('a name is connected to at those of its addresses that may be dialled', async (t) => {
  const port = await serve(t, (_, response) => void response.end('here'));
  const client = clientFor(t, (ip) => ip === '127.0.0.1');
  const reply = await client.request(get(port, { origin: `http://localhost:${port}` }));
  assert.ok(!isFault(reply));
  assert.equal(Buffer.from(reply.body).toString(), 'here');
});

test('no more than eight connections go to one origin', async (t) => {
  let open = 0;
  let most = 0;
  const waiting: ServerResponse[] = [];
  const port = await serve(t, (_, response) => {
    most = Math.max(most, ++open);
    waiting.push(response);
    if (waiting.length >= 8) for (const held of waiting.splice(0)) held.end(() => open--);
  });
  const client = clientFor(t);
  const replies = await Promise.all(Array.from({ length: 32 }, () => client.request(get(port))));
  assert.ok(replies.every((reply) => !isFault(reply)));
  assert.equal(most, 8);
});
