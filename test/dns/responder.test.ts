import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { ZoneSerials } from '../../app/dns/zone-serials.ts';
import { isSerialAfter, TYPE } from '../../dns/index.ts';
import type { Responder, ResponderOptions } from '../../dns/io/responder.ts';
import { formatAddress, isFault, MonsoonError, wallSeconds } from '../../src/base/index.ts';
import { BoundNetwork } from '../../src/io/bound-network.ts';
import { type BootstrapName, resolveBootstrap } from '../../src/io/dns-lookup.ts';
import { parseZoneText } from '../../src/overlay/index.ts';
import { isInstalled, requireOrSkip } from '../require.ts';
import { content, cookieOption, type Header, headerOf, host, labelOf, open, query, ZONE } from './fixtures.ts';

const RCODES = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED'];
const SOA_BYTES_MIN = 40;
const vectors: { rows: Record<string, { hex: string; expect: string }> } = JSON.parse(
  readFileSync(new URL('../fixtures/dns_queries.json', import.meta.url), 'utf8'),
);

async function start(t: TestContext, changes: Partial<ResponderOptions> = {}): Promise<Responder> {
  const responder = await open(changes);
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
    await once(socket, 'message', { signal: AbortSignal.timeout(20_000) });
  }
  socket.off('message', note);
  return replies.find((reply) => reply.readUInt16BE(0) !== 0xffff);
}
async function reply(socket: Socket, responder: Responder, bytes: Uint8Array): Promise<Buffer> {
  const received = await ask(socket, responder, bytes);
  assert.ok(received);
  return received;
}

const verdictOf = ({ rcode, counts, isTruncated }: Header): string =>
  `${RCODES[rcode]} ${counts[1]} answers${isTruncated ? ', TC' : ''}`;

/** What each vector must get, written down once; the vectors' own texts leave some choices open. */
const VERDICTS: Record<string, string> = {
  aaaa: 'NOERROR 2 answers, TC',
  ns: 'NOERROR 2 answers',
  txt: 'NOERROR 0 answers, TC',
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
    assert.equal(header ? verdictOf(header) : 'no reply', VERDICTS[name], name);
    if (!received || !header) continue;
    assert.equal(received.readUInt16BE(0), bytes.readUInt16BE(0), name);
    assert.equal(header.isRecursionAvailable, false, name);
    assert.equal(header.isRecursionDesired, (bytes[2]! & 1) === 1, name);
    assert.ok(received.length <= Math.min(512, 3 * bytes.length), name);
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

/** Asks twice: the second time with the cookie that the first answer brought. */
async function askProven(
  socket: Socket,
  responder: Responder,
  name: string,
  type: number,
  size = 4096,
): Promise<Buffer> {
  const client = Buffer.from('0102030405060708', 'hex');
  const first = await reply(socket, responder, query(name, type, size, { options: cookieOption(client) }));
  const cookie = first.subarray(-24);
  assert.deepEqual(cookie.subarray(0, 8), client);
  return reply(socket, responder, query(name, type, size, { options: cookieOption(cookie) }));
}

test('what does not fit a datagram is cut to an empty answer with TC, and comes whole over TCP', async (t) => {
  const hosts = Array.from({ length: 40 }, (_, n) => host(n));
  const responder = await start(t, { content: () => content({ hosts }) });
  const socket = await openAsker(t);
  const asked = `_monsoon._tcp.${ZONE}`;
  const short = await reply(socket, responder, query(asked, TYPE.SRV));
  assert.deepEqual([headerOf(short).isTruncated, headerOf(short).counts[1]], [true, 0]);
  const long = await askProven(socket, responder, asked, TYPE.SRV);
  assert.deepEqual([headerOf(long).isTruncated, headerOf(long).counts[1]], [false, 16]);
  assert.ok(long.length <= 1232);
  const small = await askProven(socket, responder, asked, TYPE.SRV, 512);
  assert.equal(headerOf(small).isTruncated, true);
  const [whole] = await askTcp(responder, [query(asked, TYPE.SRV)]);
  assert.deepEqual([headerOf(whole!).isTruncated, headerOf(whole!).counts[1]], [false, 16]);
});

test('who has proved nothing gets three bytes for one: and TC with as many addresses as fit', async (t) => {
  const hosts = Array.from({ length: 16 }, (_, n) => host(n));
  const responder = await start(t, { content: () => content({ hosts }) });
  const socket = await openAsker(t);
  for (const type of [TYPE.A, TYPE.AAAA, TYPE.TXT, TYPE.NS, TYPE.SOA, 15]) {
    for (const asked of [query(ZONE, type), query(ZONE, type, 4096), query(`nobody.${ZONE}`, type)]) {
      const received = await reply(socket, responder, asked);
      assert.ok(received.length <= 3 * asked.length, `type ${type}: ${received.length} to ${asked.length}`);
    }
  }
  const some = headerOf(await reply(socket, responder, query(ZONE, TYPE.A, 1232)));
  assert.deepEqual([some.isTruncated, some.counts[1]], [true, 5]);
  const all = headerOf(await askProven(socket, responder, ZONE, TYPE.A));
  assert.deepEqual([all.isTruncated, all.counts[1]], [false, 16]);
});

test('a cookie without a question gets one of ours, and a forged one proves nothing', async (t) => {
  const responder = await start(t);
  const socket = await openAsker(t);
  const whole = query(ZONE, TYPE.A, 1232, { options: cookieOption(Buffer.alloc(8, 7)) });
  const alone = Buffer.concat([whole.subarray(0, 12), whole.subarray(whole.length - 23)]);
  alone.writeUInt16BE(0, 4);
  const received = await reply(socket, responder, alone);
  assert.deepEqual(headerOf(received).counts, [0, 0, 0, 1]);
  assert.equal(received.length, 12 + 11 + 28);
  const forged = query(ZONE, TYPE.TXT, 1232, { options: cookieOption(Buffer.alloc(24, 7)) });
  assert.equal(headerOf(await reply(socket, responder, forged)).isTruncated, true);
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
  const responder = await start(t, { content: () => known });
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

test('N-29 the serial goes on where it was after a restart, whatever the clock says then', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'monsoon-zone-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'zone.serial');
  let last = 0;
  for (const clock of [1_800_000_000, 1_900_000_000, 1_500_000_000, 1_500_000_000]) {
    // Killed each time: nothing is closed.
    const serials = await ZoneSerials.open(path, wallSeconds(clock), (error) => assert.fail(String(error)));
    for (let n = 0; n < 3; n++) {
      const next = serials.next(wallSeconds(clock + n));
      assert.ok(isSerialAfter(next, last), `${next} after ${last}`);
      last = next;
    }
  }
});

test('N-28 every record has the TTL that was set, and absent names too', async (t) => {
  const responder = await start(t, { ttlSeconds: 17 });
  const { ttlSeconds, records } = responder.zone();
  assert.equal(ttlSeconds, 17);
  const [soa] = records.get(ZONE)!.filter((data) => data.type === 'SOA');
  assert.equal(soa!.minimumSeconds, 17);
  const received = await reply(await openAsker(t), responder, query(ZONE, TYPE.A));
  const asked = query(ZONE, TYPE.A).length;
  assert.equal(received.readUInt32BE(asked + 6), 17);
});

test('a flood from one network is limited while another is served', async (t) => {
  const responder = await start(t);
  const [flooder, honest] = [await openAsker(t), await openAsker(t, '127.0.1.1')];
  const sizes: number[] = [];
  flooder.on('message', (bytes) => sizes.push(bytes.length));
  // In portions, so that the kernel's receive buffer is not what limits the flood.
  for (let portion = 0; portion < 8; portion++) {
    for (let n = 0; n < 100; n++) flooder.send(query(ZONE, TYPE.A), responder.port, '127.0.0.1');
    assert.equal(headerOf(await reply(honest, responder, query(ZONE, TYPE.A))).counts[1], 3);
  }
  const isFull = (size: number): boolean => size > query(ZONE, TYPE.A).length;
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
  await assert.rejects(open({ port }), (error) => error instanceof MonsoonError && error.code === 'port-taken');
  for (const zone of ['', 'a..b', `${'a'.repeat(64)}.test`, 'a.'.repeat(120)]) {
    await assert.rejects(open({ zone }), (error) => error instanceof MonsoonError && error.code === 'config');
  }
});

for (const bind of ['::', '127.0.0.1']) {
  test(`C-09 a newcomer finds supernodes by the name alone: SRV first, then addresses; bound to ${bind}`, async (t) => {
    const network = await BoundNetwork.open(bind);
    t.after(() => network.close());
    const responder = await start(t);
    const server = { host: '127.0.0.1', port: responder.port };
    const resolved = async (name: BootstrapName): Promise<string[]> => {
      const found: string[] = [];
      await resolveBootstrap(name, network, ({ addresses }) => found.push(...addresses.map(formatAddress)));
      return found.toSorted();
    };
    const found = (name: string, port?: number): Promise<string[]> =>
      resolved({ name, port, defaultPort: 1234, server });
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
}

const run = promisify(execFile);
/** How each tool is asked: its way to say "in short", and its sizes and transports. */
const TOOLS: Record<string, { short: string[]; ways: string[][] }> = {
  dig: { short: ['+short', '+time=2'], ways: [[], ['+tcp'], ['+bufsize=512'], ['+noedns'], ['+cookie']] },
  kdig: { short: ['+short', '+time=2'], ways: [[], ['+tcp'], ['+bufsize=1232'], ['+noedns'], ['+cookie']] },
  drill: { short: ['-Q'], ways: [['-a'], ['-a', '-b', '1232'], ['-t'], ['-t', '-b', '1232'], ['-t', '-b', '512']] },
};
for (const [tool, { short, ways }] of Object.entries(TOOLS)) {
  test(`N-27 C-03 ${tool} reads every record type over UDP and TCP, at every size and in every case`, async (t) => {
    if (!requireOrSkip(t, isInstalled(tool), `${tool} is not installed`)) return;
    const responder = await start(t);
    const look = async (...what: string[]): Promise<string[]> => {
      const { stdout } = await run(tool, ['-p', String(responder.port), ...what, '@127.0.0.1']);
      return stdout.trim().split('\n').toSorted();
    };
    for (const way of ways) {
      const read = (name: string, type: string): Promise<string[]> => look(...short, ...way, name, type);
      assert.deepEqual(await read(ZONE, 'A'), ['10.0.0.1', '10.0.0.2', '10.0.0.3'], way.join(' '));
      assert.deepEqual(await read('SN.monSOON.Test', 'AAAA'), ['2a00:1::1', '2a00:1::2', '2a00:1::3'], way.join(' '));
      assert.deepEqual(await read(ZONE, 'NS'), [`${labelOf(1)}.`, `${labelOf(2)}.`]);
      assert.match((await read(ZONE, 'TXT'))[0]!, /^"v=monsoon1 n=monsoon d=[A-Za-z0-9_-]+" "[^"]+"/);
      const places = [1, 2, 3].map((n) => `0 1 7373 ${labelOf(n)}.`);
      assert.deepEqual(await read(`_monsoon._TCP.${ZONE}`, 'SRV'), places);
      const [soa] = await read(ZONE, 'SOA');
      assert.match(soa!, new RegExp(`^${labelOf(1)}\\. hostmaster\\.${ZONE}\\. \\d{10} 60 30 86400 60$`));
      const absent = (await look(...way, `nobody.${ZONE}`, 'A')).join('\n');
      assert.match(absent, /NXDOMAIN/);
      assert.match(absent, /SOA/);
    }
  });
}

test('N-27 Node’s resolver reads every record type', async (t) => {
  const responder = await start(t);
  const resolver = new Resolver({ timeout: 2000, tries: 2 });
  resolver.setServers([`127.0.0.1:${responder.port}`]);
  const three = [1, 2, 3];
  assert.deepEqual(
    (await resolver.resolve4(ZONE)).toSorted(),
    three.map((n) => `10.0.0.${n}`),
  );
  assert.deepEqual(
    (await resolver.resolve6(ZONE)).toSorted(),
    three.map((n) => `2a00:1::${n}`),
  );
  assert.deepEqual((await resolver.resolveNs(ZONE)).toSorted(), [labelOf(1), labelOf(2)]);
  const places = await resolver.resolveSrv(`_monsoon._tcp.${ZONE}`);
  assert.deepEqual(
    places.map(({ name, port }) => `${name} ${port}`).toSorted(),
    three.map((n) => `${labelOf(n)} 7373`),
  );
  const [text] = await resolver.resolveTxt(ZONE);
  const parsed = parseZoneText(text!.join(''));
  assert.deepEqual(!isFault(parsed) && parsed.network, 'monsoon');
  assert.equal((await resolver.resolveSoa(ZONE)).nsname, labelOf(1));
  await assert.rejects(resolver.resolve4(`nobody.${ZONE}`), { code: 'ENOTFOUND' });
  await assert.rejects(resolver.resolveMx(ZONE), { code: 'ENODATA' });
  await assert.rejects(resolver.resolve4('example.com'), { code: 'EREFUSED' });
});
