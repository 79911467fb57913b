// Name servers of other makers as secondaries of the live zone: they fetch it, hear of changes, and answer alike.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { recordRows, type ZoneContent, type ZoneHost, zoneFile } from '../../dns/index.ts';
import { makeTsig } from '../../dns/io/tsig-key.ts';
import { content, host, labelOf, open, ZONE } from '../dns/fixtures.ts';
import { isInstalled, requireOrSkip } from '../require.ts';
import { until } from './until.ts';

const SECRET = Buffer.from('a secret of thirty-two bytes, ok');
const KEY = `hmac-sha256:mover:${SECRET.toString('base64')}`;
const SECONDS_MAX = 60;
const HOUR_MS = 3_600_000;
/** As many as a zone names, with descriptors so large that a transfer takes more than one message. */
const MANY: ZoneHost[] = Array.from({ length: 16 }, (_, n) => ({
  ...host(n + 1),
  record: new Uint8Array(1200).fill(n),
}));
const run = promisify(execFile);

/** A server of another maker that fetches the zone from `primary`. */
interface Maker {
  readonly program: string;
  readonly config: (place: { directory: string; port: number; primary: number; isSigned: boolean }) => string;
  readonly args: (config: string) => string[];
}
const MAKERS: Record<string, Maker> = {
  NSD: {
    program: 'nsd',
    config: ({ directory, port, primary, isSigned }) => `
server:
  ip-address: 127.0.0.1@${port}
  username: ""
  chroot: ""
  server-count: 1
  minimal-responses: yes
  xfrdir: "${directory}"
  zonesdir: "${directory}"
  pidfile: "${directory}/nsd.pid"
  xfrdfile: "${directory}/xfrd.state"
  zonelistfile: "${directory}/zone.list"
  database: ""
remote-control:
  control-enable: no
key:
  name: mover
  algorithm: hmac-sha256
  secret: "${SECRET.toString('base64')}"
zone:
  name: ${ZONE}
  zonefile: "${directory}/zone"
  allow-notify: 127.0.0.1 ${isSigned ? 'mover' : 'NOKEY'}
  request-xfr: AXFR 127.0.0.1@${primary} ${isSigned ? 'mover' : 'NOKEY'}
`,
    args: (config) => ['-d', '-c', config],
  },
  Knot: {
    program: 'knotd',
    config: ({ directory, port, primary, isSigned }) => `
server:
  listen: 127.0.0.1@${port}
  rundir: ${directory}
database:
  storage: ${directory}
key:
  - id: mover
    algorithm: hmac-sha256
    secret: ${SECRET.toString('base64')}
remote:
  - id: primary
    address: 127.0.0.1@${primary}
${isSigned ? '    key: mover' : ''}
acl:
  - id: told
    address: 127.0.0.1
${isSigned ? '    key: mover' : ''}
    action: notify
template:
  - id: default
    storage: ${directory}
    semantic-checks: on
zone:
  - domain: ${ZONE}
    master: primary
    acl: told
`,
    args: (config) => ['-c', config],
  },
};

/** A number that is free for UDP and TCP alike. */
async function freePort(): Promise<number> {
  const tcp = createServer().listen(0, '127.0.0.1');
  await once(tcp, 'listening');
  const { port } = tcp.address() as AddressInfo;
  const udp = createSocket('udp4');
  const isFree = await new Promise<boolean>((resolve) => {
    udp.once('error', () => resolve(false)).bind(port, '127.0.0.1', () => resolve(true));
  });
  udp.close();
  tcp.close();
  await once(tcp, 'close');
  return isFree ? port : freePort();
}

async function look(port: number, ...what: string[]): Promise<string[]> {
  const { stdout } = await run('kdig', ['@127.0.0.1', '-p', String(port), '+short', '+tcp', '+time=5', ...what]).catch(
    () => ({ stdout: '' }),
  );
  return stdout
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith(';'))
    .toSorted();
}

function startSecondary(t: TestContext, maker: Maker, primary: number, port: number, isSigned: boolean): () => string {
  const directory = mkdtempSync(join(tmpdir(), 'monsoon-secondary-'));
  mkdirSync(join(directory, 'zones'), { recursive: true });
  const config = join(directory, 'secondary.conf');
  writeFileSync(config, maker.config({ directory, port, primary, isSigned }));
  const child = spawn(maker.program, maker.args(config), { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text));
  t.after(async () => {
    if (child.exitCode === null) {
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
    rmSync(directory, { recursive: true, force: true });
  });
  return () => output;
}

for (const [name, maker] of Object.entries(MAKERS)) {
  for (const isSigned of [false, true]) {
    const how = isSigned ? 'signed by its key' : 'from its address';
    test(`N-31 ${name} fetches the live zone ${how}, hears of a change, and answers alike`, async (t) => {
      if (!requireOrSkip(t, isInstalled(maker.program), `${maker.program} is not installed`)) return;
      if (!requireOrSkip(t, isInstalled('kdig'), 'kdig is not installed')) return;
      const port = await freePort();
      let known: ZoneContent = content();
      const tsig = isSigned ? makeTsig('mover', SECRET) : undefined;
      // Told of changes in either case; who signs need not be known by address to fetch.
      const responder = await open({ content: () => known, secondaries: [{ host: '127.0.0.1', port }], tsig });
      t.after(() => responder.close());
      const output = startSecondary(t, maker, responder.port, port, isSigned);
      await until('the zone', SECONDS_MAX, async () => (await look(port, ZONE, 'A')).length === 3 || undefined, output);
      for (const [owner, type] of [
        [ZONE, 'SOA'],
        [ZONE, 'A'],
        [ZONE, 'AAAA'],
        [ZONE, 'NS'],
        [ZONE, 'TXT'],
        [`_monsoon._tcp.${ZONE}`, 'SRV'],
        [labelOf(1), 'A'],
        [labelOf(2), 'TXT'],
        [`nobody.${ZONE}`, 'A'],
        [`_tcp.${ZONE}`, 'A'],
      ] as const) {
        const [theirs, ours] = await Promise.all([look(port, owner, type), look(responder.port, owner, type)]);
        assert.deepEqual(theirs, ours, `${owner} ${type}`);
      }
      known = content({ hosts: MANY });
      const moved = (await until(
        'the change',
        SECONDS_MAX,
        async () => {
          const addresses = await look(port, ZONE, 'A');
          return addresses.length === MANY.length ? addresses : undefined;
        },
        output,
      )) as string[];
      assert.deepEqual(moved, await look(responder.port, ZONE, 'A'));
    });
  }
}

/** What dig, which checks each message's signature, says of a signed transfer. */
async function digTransfer(port: number): Promise<string> {
  const ask = ['@127.0.0.1', '-p', String(port), '-y', KEY, '+time=2', '+onesoa', ZONE, 'AXFR'];
  const { stdout, stderr } = await run('dig', ask, { maxBuffer: 2 ** 24 });
  return stdout + stderr;
}

test('N-31 a zone of several messages is fetched whole, each of them signed', async (t) => {
  if (!requireOrSkip(t, isInstalled('dig'), 'dig is not installed')) return;
  const responder = await open({ tsig: makeTsig('mover', SECRET), content: () => content({ hosts: MANY }) });
  t.after(() => responder.close());
  const output = await digTransfer(responder.port);
  const [, records, messages] = /XFR size: (\d+) records \(messages (\d+),/.exec(output) ?? [];
  // Its SOA comes twice.
  assert.equal(Number(records), recordRows(responder.zone()).length + 1);
  assert.ok(Number(messages) > 1, output.slice(-400));
  assert.doesNotMatch(output, /verify|failed/i);
});

test('a transfer is refused to everybody else, and to whom the key or the clock is wrong', async (t) => {
  if (!requireOrSkip(t, isInstalled('kdig') && isInstalled('dig'), 'kdig or dig is not installed')) return;
  const responder = await open({ tsig: makeTsig('mover', SECRET) });
  t.after(() => responder.close());
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
  const transfer = async (...key: string[]): Promise<string> => {
    const ask = ['@127.0.0.1', '-p', String(responder.port), ...key, '+time=2', ZONE, 'AXFR'];
    const { stdout, stderr } = await run('kdig', ask).catch((error: { stdout: string; stderr: string }) => error);
    return stdout + stderr;
  };
  assert.match(await transfer(), /REFUSED/);
  assert.match(await transfer('-y', `hmac-sha256:mover:${Buffer.alloc(32).toString('base64')}`), /NOTAUTH|BADSIG/);
  assert.match(await transfer('-y', `hmac-sha256:other:${SECRET.toString('base64')}`), /NOTAUTH|BADKEY/);
  t.mock.timers.setTime(Date.now() + HOUR_MS);
  assert.match(await transfer('-y', KEY), /BADTIME/);
  // Signed by the key, so that its asker can trust what it says of the time.
  assert.match(await digTransfer(responder.port), /clocks are unsynchronized/);
  t.mock.timers.setTime(Date.now() - HOUR_MS);
  const whole = await transfer('-y', KEY);
  assert.match(whole, new RegExp(`^${ZONE}\\.\\s+60\\s+IN\\s+SOA[^]*^${ZONE}\\.\\s+60\\s+IN\\s+SOA`, 'm'));
  assert.doesNotMatch(whole, /WARNING|;; ERROR/);
});

/** Status, flags and the sections of the replies about each type, in an order that says nothing. */
async function repliesOf(port: number, edns: string, owner: string, types: readonly string[]): Promise<object[]> {
  const global = ['@127.0.0.1', '-p', String(port), '+tcp', '+keepopen', '+norecurse', '+nocookie', edns];
  const { stdout } = await run('dig', [...global, ...types.flatMap((type) => ['-q', owner, '-t', type])]);
  const [, ...replies] = stdout.split(';; Got answer:');
  assert.equal(replies.length, types.length, stdout);
  return replies.map((reply) => {
    const sectionOf = (title: string): string[] => {
      const [, body] = new RegExp(`;; ${title} SECTION:\n([^]*?)\n\n`).exec(reply) ?? [];
      return (body ?? '')
        .split('\n')
        .map((line) => line.replace(/\s+/g, ' '))
        .toSorted();
    };
    const [status, flags] = [/status: (\w+)/, /flags: ([a-z ]+);/].map((pattern) => pattern.exec(reply)?.[1]);
    return { status, flags, sections: ['QUESTION', 'ANSWER', 'AUTHORITY'].map(sectionOf) };
  });
}

test('N-27 every answer is that of NSD serving the exported zone', async (t) => {
  if (!requireOrSkip(t, isInstalled('nsd') && isInstalled('dig'), 'nsd or dig is not installed')) return;
  const responder = await open();
  t.after(() => responder.close());
  const port = await freePort();
  const file = zoneFile(recordRows(responder.zone()));
  const maker = MAKERS.NSD!;
  const alone: Maker = {
    ...maker,
    config: (place) => {
      writeFileSync(join(place.directory, 'zone'), file);
      return maker.config(place).replace(/ {2}(?:allow-notify|request-xfr): .*\n/g, '');
    },
  };
  const output = startSecondary(t, alone, responder.port, port, false);
  await until('NSD', SECONDS_MAX, async () => (await look(port, ZONE, 'A')).length === 3 || undefined, output);
  const owners = [ZONE, 'sN.MoNsOoN.tEsT', `_monsoon._tcp.${ZONE}`, `_tcp.${ZONE}`, labelOf(2), `nobody.${ZONE}`];
  const types = ['A', 'AAAA', 'NS', 'SOA', 'TXT', 'SRV', 'MX', 'CNAME', 'DS', 'HTTPS', 'TYPE65280'];
  for (const owner of [...owners, 'example.com', 'monsoon.test', `a.b.${labelOf(1)}`]) {
    for (const edns of ['+edns=0', '+noedns']) {
      const [ours, theirs] = await Promise.all([responder.port, port].map((at) => repliesOf(at, edns, owner, types)));
      assert.deepEqual(ours, theirs, `${owner} ${edns}`);
    }
  }
});
