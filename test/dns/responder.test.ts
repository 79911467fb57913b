import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { TYPE, type ZoneContent } from '../../dns/index.ts';
import { openResponder, type Responder } from '../../dns/io/responder.ts';
import { formatAddress, MonsoonError } from '../../src/base/index.ts';
import { type BootstrapName, resolveBootstrap } from '../../src/io/dns-lookup.ts';
import { isInstalled, requireOrSkip } from '../require.ts';
import { content, headerOf, host, labelOf, query, ZONE } from './fixtures.ts';

const RCODES = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED'];
const SOA_BYTES_MIN = 40;
const vectors: { rows: Record<string, { hex: string; expect: string }> } = JSON.parse(
  readFileSync(new URL('../fixtures/dns_queries.json', import.meta.url), 'utf8'),
);

async function start(t: TestContext, records: () => ZoneContent = content): Promise<Responder> {
  const responder = await openResponder({ zone: ZONE, port: 0, bind: '127.0.0.1', records });
  t.after(() => responder.close());
  return responder;
}
async function openAsker(t: TestContext, address = '127.0.0.1'): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.bind(0, address);
  await once(socket, 'listening');
  t.after(() => socket.close());
  return socket;
}

/** The reply to a datagram; undefined when a probe sent after it is answered first. */
async function ask(socket: Socket, responder: Responder, bytes: Uint8Array): Promise<Buffer | undefined> {
  const probe = query('probe.example', TYPE.A);
  probe.writeUInt16BE(0xffff, 0);
  const replies: Buffer[] = [];
  const note = (reply: Buffer): void => {
    replies.push(reply);
  };
  socket.on('message', note);
  socket.send(bytes, responder.port, '127.0.0.1');
  socket.send(probe, responder.port, '127.0.0.1');
  while (!replies.some((reply) => reply.readUInt16BE(0) === 0xffff)) {
    await once(socket, 'message', { signal: AbortSignal.timeout(1000) });
  }
  socket.off('message', note);
  return replies.find((reply) => reply.readUInt16BE(0) !== 0xffff);
}
async function reply(socket: Socket, responder: Responder, bytes: Uint8Array): Promise<Buffer> {
  const received = await ask(socket, responder, bytes);
  assert.ok(received);
  return received;
}

/** What each vector must get, written down once; the vectors' own texts leave some choices open. */
const VERDICTS: Record<string, string> = {
  aaaa: 'NOERROR 3 answers',
  ns: 'NOERROR 2 answers',
  txt: 'NOERROR 1 answers',
  nodata: 'NOERROR 0 answers',
  out_of_zone: 'REFUSED 0 answers',
  any: 'NOERROR 1 answers',
  axfr_udp: 'REFUSED 0 answers',
  class_any: 'REFUSED 0 answers',
  response_bit: 'no reply',
  notify: 'NOTIMP 0 answers',
  update: 'NOTIMP 0 answers',
  two_questions: 'FORMERR 0 answers',
  qd1_missing: 'FORMERR 0 answers',
  qd65535: 'FORMERR 0 answers',
  all65535: 'FORMERR 0 answers',
  an65535: 'FORMERR 0 answers',
  self_pointer: 'FORMERR 0 answers',
  forward_pointer: 'FORMERR 0 answers',
  label_64: 'FORMERR 0 answers',
  nul_dot_label: 'REFUSED 0 answers',
  truncated_header: 'no reply',
  edns0_65535: 'NOERROR 3 answers',
  edns0_0: 'NOERROR 3 answers',
  opt_twice: 'FORMERR 0 answers',
  trailing_junk: 'FORMERR 0 answers',
  rd_set: 'NOERROR 3 answers',
};

test('N-30 every DNS vector gets its answer over UDP, and the responder goes on', async (t) => {
  const responder = await start(t);
  const socket = await openAsker(t);
  assert.deepEqual(Object.keys(VERDICTS).toSorted(), Object.keys(vectors.rows).toSorted());
  for (const [name, { hex }] of Object.entries(vectors.rows)) {
    const bytes = Buffer.from(hex, 'hex');
    const received = await ask(socket, responder, bytes);
    const header = received && headerOf(received);
    assert.equal(header ? `${RCODES[header.rcode]} ${header.counts[1]} answers` : 'no reply', VERDICTS[name], name);
    if (!received || !header) continue;
    assert.equal(received.readUInt16BE(0), bytes.readUInt16BE(0), name);
    assert.equal(header.isRecursionAvailable, false, name);
    assert.equal(header.isRecursionDesired, (bytes[2]! & 1) === 1, name);
    assert.ok(received.length <= (name.startsWith('edns0_65') ? 1232 : 512), name);
    if (name === 'nodata') {
      assert.equal(header.counts[2], 1);
      assert.ok(received.length - bytes.length > SOA_BYTES_MIN);
    }
  }
});

test('the case of a question comes back bit for bit, and names below it still resolve', async (t) => {
  const responder = await start(t);
  const asked = query(labelOf(2).toUpperCase(), TYPE.A);
  const received = await reply(await openAsker(t), responder, asked);
  assert.deepEqual(received.subarray(12, asked.length), asked.subarray(12));
  assert.deepEqual([...received.subarray(-4)], [10, 0, 0, 2]);
});

test('what does not fit a datagram is cut to an empty answer with TC, and comes whole over TCP', async (t) => {
  const many = content({ hosts: Array.from({ length: 40 }, (_, n) => host(n)) });
  const responder = await start(t, () => many);
  const socket = await openAsker(t);
  const asked = `_monsoon._tcp.${ZONE}`;
  const short = await reply(socket, responder, query(asked, TYPE.SRV));
  assert.deepEqual([headerOf(short).isTruncated, headerOf(short).counts[1]], [true, 0]);
  const long = await reply(socket, responder, query(asked, TYPE.SRV, 4096));
  assert.deepEqual([headerOf(long).isTruncated, headerOf(long).counts[1]], [false, 16]);
  assert.ok(long.length <= 1232);
  const [whole] = await askTcp(responder, [query(asked, TYPE.SRV)]);
  assert.deepEqual([headerOf(whole!).isTruncated, headerOf(whole!).counts[1]], [false, 16]);
});

test('an EDNS version that is not 0 gets BADVERS, and the DO bit is copied', async (t) => {
  const responder = await start(t);
  const socket = await openAsker(t);
  const versioned = query(ZONE, TYPE.A, 1232);
  versioned[versioned.length - 5] = 1;
  const refused = await reply(socket, responder, versioned);
  assert.equal(refused[refused.length - 6], 1, 'extended rcode 16');
  assert.equal(headerOf(refused).rcode, 0);
  const secure = query(ZONE, TYPE.A, 1232);
  secure[secure.length - 4] = 0x80;
  const received = await reply(socket, responder, secure);
  assert.equal(received[received.length - 4], 0x80);
});

test('N-29 answers follow the supernodes without a restart, and the serial rises', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 1_800_000_000_000 });
  let now = 1000;
  t.mock.method(performance, 'now', () => now);
  let known = content();
  const responder = await start(t, () => known);
  const socket = await openAsker(t);
  const serial = async (): Promise<number> => {
    const soa = await reply(socket, responder, query(ZONE, TYPE.SOA));
    return soa.readUInt32BE(soa.length - 20);
  };
  assert.equal(await serial(), 1_800_000_000);
  now += 6000;
  assert.equal(await serial(), 1_800_000_000);
  known = content({ hosts: [host(9)] });
  now += 6000;
  const received = await reply(socket, responder, query(ZONE, TYPE.A));
  assert.deepEqual([...received.subarray(-4)], [10, 0, 0, 9]);
  assert.equal(await serial(), 1_800_000_001);
});

test('a flood from one network is limited while another is served', async (t) => {
  const responder = await start(t);
  const [flooder, honest] = [await openAsker(t), await openAsker(t, '127.0.1.1')];
  const sizes: number[] = [];
  flooder.on('message', (bytes) => sizes.push(bytes.length));
  // In portions, so that the kernel's receive buffer is not what limits the flood.
  for (let portion = 0; portion < 8; portion++) {
    for (let n = 0; n < 100; n++) flooder.send(query(ZONE, TYPE.AAAA), responder.port, '127.0.0.1');
    assert.equal(headerOf(await reply(honest, responder, query(ZONE, TYPE.A))).counts[1], 3);
  }
  const isFull = (size: number): boolean => size > query(ZONE, TYPE.AAAA).length;
  const full = sizes.filter(isFull).length;
  assert.ok(full >= 200 && full < 400, `${full} full answers to 800 queries`);
  assert.ok(sizes.length - full > 50 && sizes.length < 600, `${sizes.length - full} truncated ones`);
});

/** Sends queries over one TCP connection, in one piece, and reads as many replies. */
async function askTcp(responder: Responder, queries: readonly Buffer[], address = '127.0.0.1'): Promise<Buffer[]> {
  const socket = connect({ port: responder.port, host: '127.0.0.1', localAddress: address });
  socket.write(Buffer.concat(queries.map((asked) => Buffer.concat([Buffer.of(0, asked.length), asked]))));
  const replies: Buffer[] = [];
  let unread = Buffer.alloc(0);
  for await (const bytes of socket) {
    unread = Buffer.concat([unread, bytes]);
    while (unread.length >= 2 && unread.length >= 2 + unread.readUInt16BE(0)) {
      const end = 2 + unread.readUInt16BE(0);
      replies.push(unread.subarray(2, end));
      unread = unread.subarray(end);
    }
    if (replies.length === queries.length) break;
  }
  socket.destroy();
  return replies;
}

test('many queries on one TCP connection are all answered in order, and bad framing ends it', async (t) => {
  const responder = await start(t);
  const queries = Array.from({ length: 3000 }, (_, n) => {
    const asked = query(n % 2 === 0 ? ZONE : 'example.com', TYPE.A);
    asked.writeUInt16BE(n, 0);
    return asked;
  });
  const replies = await askTcp(responder, queries);
  assert.deepEqual(
    replies.map((received) => [received.readUInt16BE(0), headerOf(received).rcode]),
    queries.map((_, n) => [n, n % 2 === 0 ? 0 : 5]),
  );
  const socket = connect(responder.port, '127.0.0.1');
  socket.write(Buffer.of(0xff, 0xff, 0));
  await once(socket, 'close', { signal: AbortSignal.timeout(1000) });
});

test('one address holds at most 10 TCP connections, and others still get in', async (t) => {
  const responder = await start(t);
  const held = await Promise.all(
    Array.from({ length: 10 }, async () => {
      const socket = connect(responder.port, '127.0.0.1');
      await once(socket, 'connect');
      return socket;
    }),
  );
  t.after(() => held.forEach((socket) => void socket.destroy()));
  const eleventh = connect(responder.port, '127.0.0.1');
  eleventh.on('error', () => undefined);
  await once(eleventh, 'close', { signal: AbortSignal.timeout(1000) });
  const [received] = await askTcp(responder, [query(ZONE, TYPE.A)], '127.0.0.2');
  assert.equal(headerOf(received!).counts[1], 3);
});

test('a TCP connection that sends no whole query in 10 s is closed', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const responder = await start(t);
  const socket = connect(responder.port, '127.0.0.1');
  // The second connection is answered after the first was accepted, so the first's deadline runs by then.
  socket.write(Buffer.of(0));
  await askTcp(responder, [query(ZONE, TYPE.A)]);
  t.mock.timers.tick(9_999);
  assert.equal(socket.destroyed, false);
  t.mock.timers.tick(1);
  await once(socket, 'close', { signal: AbortSignal.timeout(1000) });
});

test('a port that is taken and a zone that is no name are MonsoonErrors', async (t) => {
  const { port } = await start(t);
  const open = (options: object): Promise<Responder> =>
    openResponder({ zone: ZONE, port: 0, bind: '127.0.0.1', records: content, ...options });
  await assert.rejects(open({ port }), (error) => error instanceof MonsoonError && error.code === 'port-taken');
  for (const zone of ['', 'a..b', `${'a'.repeat(64)}.test`, 'a.'.repeat(120)]) {
    await assert.rejects(open({ zone }), (error) => error instanceof MonsoonError && error.code === 'config');
  }
});

test('C-09 a newcomer finds supernodes by the name alone: SRV first, then addresses', async (t) => {
  const responder = await start(t);
  const server = { host: '127.0.0.1', port: responder.port };
  const resolved = async (name: BootstrapName): Promise<string[]> => {
    const found: string[] = [];
    await resolveBootstrap(name, ({ addresses }) => found.push(...addresses.map(formatAddress)));
    return found.toSorted();
  };
  const found = (name: string, port?: number): Promise<string[]> => resolved({ name, port, defaultPort: 1234, server });
  const all = (port: number): string[] => [1, 2, 3].flatMap((n) => [`10.0.0.${n}:${port}`, `[2a00:1::${n}]:${port}`]);
  assert.deepEqual(await found(ZONE), all(7373).toSorted());
  assert.deepEqual(await found(ZONE, 80), all(80).toSorted());
  assert.deepEqual(await found(labelOf(2)), ['10.0.0.2:1234', '[2a00:1::2]:1234']);
  assert.deepEqual(await found(`nobody.${ZONE}`), []);
  assert.deepEqual(await found('example.com'), []);
  assert.deepEqual(await found('192.0.2.7', 99), ['192.0.2.7:99']);
  const local = await resolved({ name: 'localhost', port: 5, defaultPort: 1 });
  assert.ok(local.includes('127.0.0.1:5'), JSON.stringify(local));
});

const run = promisify(execFile);
for (const tool of ['dig', 'kdig']) {
  test(`N-27 ${tool} reads every record type over UDP and TCP`, async (t) => {
    if (!requireOrSkip(t, isInstalled(tool), `${tool} is not installed`)) return;
    const responder = await start(t);
    const look = async (...what: string[]): Promise<string[]> => {
      const { stdout } = await run(tool, ['@127.0.0.1', '-p', String(responder.port), '+short', '+time=2', ...what]);
      return stdout.trim().split('\n').toSorted();
    };
    for (const transport of ['+notcp', '+tcp']) {
      assert.deepEqual(await look(ZONE, 'A', transport), ['10.0.0.1', '10.0.0.2', '10.0.0.3']);
      assert.deepEqual(await look(ZONE, 'AAAA', transport), ['2a00:1::1', '2a00:1::2', '2a00:1::3']);
      assert.deepEqual(await look(ZONE, 'NS', transport), [`${labelOf(1)}.`, `${labelOf(2)}.`]);
      assert.deepEqual(await look(ZONE, 'TXT', transport), ['"v=monsoon1 n=monsoon"']);
      assert.deepEqual(
        await look(`_monsoon._tcp.${ZONE}`, 'SRV', transport),
        [1, 2, 3].map((n) => `0 1 7373 ${labelOf(n)}.`),
      );
      const [soa] = await look(ZONE, 'SOA', transport);
      assert.match(soa!, new RegExp(`^${labelOf(1)}\\. hostmaster\\.${ZONE}\\. \\d{10} 60 30 86400 60$`));
      const { stdout } = await run(tool, ['@127.0.0.1', '-p', String(responder.port), `nobody.${ZONE}`, transport]);
      assert.match(stdout, /NXDOMAIN/);
      assert.match(stdout, /SOA/);
    }
  });
}
