// Every diagnosis of `monsoon doctor`, provoked by facts; and those that a machine can be brought to, for real.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type DoctorFacts, diagnose } from '../../app/doctor/doctor.ts';
import { machineFacts } from '../../app/doctor/doctor-facts.ts';
import type { Check, Finding } from '../../app/running-node.ts';
import { resolveConfig } from '../../config/index.ts';
import { BoundNetwork } from '../../src/io/bound-network.ts';
import { NO_GATEWAY } from '../../src/lan/index.ts';
import { isInstalled, requireOrSkip } from '../require.ts';
import { FakeNode } from './fake-node.ts';
import { hostFakeNode, placeFor, runHere } from './place.ts';

const PROGRAM = fileURLToPath(new URL('../../bin/monsoon.js', import.meta.url));
const MAPPED = {
  state: 'mapped',
  protocol: 'pcp',
  host: '8.8.8.8',
  tcpPort: 7373,
  udpPort: 7373,
  problem: null,
} as const;
const NOT_MAPPED = {
  state: 'none',
  protocol: null,
  host: null,
  tcpPort: null,
  udpPort: null,
  problem: 'it refuses',
} as const;
const STATUS = { ...new FakeNode().status(), supernodes: 3, reachedFrom: 'internet', portMapping: MAPPED } as const;
/** A node that has nothing to complain of. */
const WELL: DoctorFacts = {
  status: STATUS,
  port: 7373,
  portProblem: undefined,
  addresses: [
    { host: '192.168.1.2', reach: 'private' },
    { host: '2a00::1', reach: 'public' },
  ],
  clockBehindSeconds: 0.4,
  unresolvedNames: [],
  localNameServers: [],
  lan: 'neighbours',
  disks: [{ path: '/home', freeBytes: 2 ** 40, isWritable: true }],
  openFiles: { most: 65_536, wanted: 700 },
};

function findingOf(check: Check, changes: Partial<DoctorFacts>): Finding {
  const found = diagnose({ ...WELL, ...changes }).find((finding) => finding.check === check);
  assert.ok(found, `${check} was not looked at`);
  return found;
}

test('a healthy node has nothing but good findings', () => {
  const findings = diagnose(WELL);
  assert.ok(findings.length >= 11);
  assert.deepEqual(
    findings.filter(({ state }) => state !== 'good'),
    [],
  );
});

const behindRouter = { ...STATUS, reachedFrom: null, portMapping: NOT_MAPPED };
const nobody = {
  ...STATUS,
  supernodes: 0,
  bootstrap: [{ source: 'lan', kind: 'lan', state: 'silent', found: 0 }],
} as const;
const provoked: readonly [string, Check, Finding['state'], Partial<DoctorFacts>, RegExp, RegExp | null][] = [
  ['no node runs', 'node', 'problem', { status: undefined }, /no node runs/, /monsoon start/],
  [
    'the interface is gone',
    'bind',
    'problem',
    { status: { ...STATUS, bind: { to: 'tun0', device: null, problem: 'tun0 is gone' } } },
    /tun0 is gone/,
    /config set bind/,
  ],
  [
    'the port is taken',
    'port',
    'problem',
    { portProblem: 'taken' },
    /another program has port 7373/,
    /config set port/,
  ],
  [
    'the port is forbidden',
    'port',
    'problem',
    { portProblem: 'forbidden', port: 80 },
    /does not let .* port 80/,
    /setcap/,
  ],
  [
    'the router refuses',
    'reachability',
    'problem',
    { status: behindRouter, addresses: [] },
    /does not pass the port on: it refuses/,
    /UPnP.*Forward/,
  ],
  [
    'the router is behind another one',
    'reachability',
    'problem',
    {
      status: { ...behindRouter, portMapping: { ...MAPPED, problem: 'the router is itself behind another one' } },
      addresses: [],
    },
    /behind another one/,
    /provider/,
  ],
  [
    'the router is not asked',
    'reachability',
    'problem',
    { status: { ...behindRouter, portMapping: { ...NOT_MAPPED, state: 'off' } }, addresses: [] },
    /not asked/,
    /portMapping auto/,
  ],
  [
    'the router is being asked',
    'reachability',
    'problem',
    { status: { ...behindRouter, portMapping: { ...NOT_MAPPED, state: 'searching' } }, addresses: [] },
    /being asked/,
    /minute/,
  ],
  [
    'there is no router',
    'reachability',
    'note',
    { status: { ...behindRouter, portMapping: { ...NOT_MAPPED, problem: NO_GATEWAY } }, addresses: [] },
    /nobody outside .* there is no gateway/,
    null,
  ],
  [
    'a firewall may be in the way',
    'reachability',
    'note',
    { status: behindRouter },
    /nobody has connected/,
    /firewall/,
  ],
  ['nobody is known', 'supernodes', 'problem', { status: nobody }, /no supernode is known: lan silent/, /hosts add/],
  [
    'there is no way to know anybody',
    'supernodes',
    'problem',
    { status: { ...nobody, bootstrap: [] } },
    /no way to find any/,
    /hosts add/,
  ],
  ['the clock is wrong', 'clock', 'problem', { clockBehindSeconds: 86_400 }, /86400 s behind .* refused/, /set-ntp/],
  ['the clock is off', 'clock', 'note', { clockBehindSeconds: -120 }, /120 s ahead of/, /set-ntp/],
  ['the clock is unknown', 'clock', 'note', { clockBehindSeconds: undefined }, /nobody answered yet/, null],
  [
    'a bound node asks a program of its machine for names',
    'dns',
    'note',
    { localNameServers: ['127.0.0.53'] },
    /127\.0\.0\.53, a program of this machine/,
    /resolv\.conf/,
  ],
  [
    'a name leads nowhere',
    'dns',
    'problem',
    { unresolvedNames: ['a.example'] },
    /nowhere: a\.example/,
    /nslookup a\.example/,
  ],
  ['multicast is blocked', 'lan', 'problem', { lan: 'silent' }, /multicast is blocked/, /7374/],
  ['the local network is not asked', 'lan', 'note', { lan: 'off' }, /not asked/, /config set lan true/],
  ['there is no local network', 'lan', 'note', { lan: 'no-network' }, /no local network/, null],
  ['nobody else is on the local network', 'lan', 'note', { lan: 'self' }, /nobody else/, null],
  [
    'the disk is full',
    'disk',
    'problem',
    { disks: [{ path: '/d', freeBytes: 5 * 2 ** 20, isWritable: true }] },
    /5 MiB are free in \/d/,
    /Delete/,
  ],
  [
    'the disk is nearly full',
    'disk',
    'note',
    { disks: [{ path: '/d', freeBytes: 500 * 2 ** 20, isWritable: true }] },
    /500 MiB/,
    /pause/,
  ],
  [
    'the folder cannot be written',
    'disk',
    'problem',
    { disks: [{ path: '/d', freeBytes: 2 ** 40, isWritable: false }] },
    /\/d cannot be written/,
    /chown/,
  ],
  [
    'too few files may be open',
    'files',
    'problem',
    { openFiles: { most: 256, wanted: 700 } },
    /only 256 files/,
    /ulimit -n 700/,
  ],
  ['the limit of files is unknown', 'files', 'note', { openFiles: undefined }, /does not say/, null],
  ['there is no IPv6', 'ipv6', 'note', { addresses: [] }, /no IPv6/, /router/],
  [
    'IPv6 ends at the router',
    'ipv6',
    'note',
    { addresses: [{ host: 'fd00::1', reach: 'private' }] },
    /own network only/,
    /router/,
  ],
];

for (const [what, check, state, changes, text, advice] of provoked) {
  test(`it says when ${what}, and what to do`, () => {
    const found = findingOf(check, changes);
    assert.equal(found.state, state);
    assert.match(found.what, text);
    if (advice) assert.match(found.advice ?? '', advice);
    else assert.equal(found.advice, null);
  });
}

test('each disk is looked at once, whatever lies on it', async (t) => {
  const { home, root } = placeFor(t);
  const config = resolveConfig({ flags: {}, environment: {}, file: {} }).config;
  const network = await BoundNetwork.open('127.0.0.1');
  t.after(() => network.close());
  const { disks } = await machineFacts(home, config, network, [root, join(root, 'a/b'), '/dev/shm']);
  assert.equal(disks.length, 2);
  assert.equal(disks.at(-1)?.path, '/dev/shm');
});

test('doctor prints the findings of the node, and ends with 0 when there is no problem', async (t) => {
  const place = placeFor(t);
  const { node } = await hostFakeNode(t, place);
  const { exitCode, data } = await runHere(place, ['doctor', '--json']);
  assert.deepEqual([exitCode, JSON.parse(data)], [0, await node.doctor()]);
  assert.equal((await runHere(place, ['doctor'])).data, 'ok   node         the node runs\n');
});

test('without a node: a full disk, a taken port and a low limit of files are found as they are', async (t) => {
  if (!requireOrSkip(t, process.platform === 'linux' && process.getuid?.() === 0, 'mounting needs Linux and root'))
    return;
  if (!requireOrSkip(t, isInstalled('unshare'), 'unshare is not installed')) return;
  const { root } = placeFor(t);
  const server = createServer().listen(0);
  t.after(() => server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  const script = 'mount -t tmpfs -o size=40m none "$MONSOON_HOME" && ulimit -n 200 && exec "$@"';
  const env = { MONSOON_HOME: root, MONSOON_PORT: `${port}`, PATH: process.env.PATH };
  const args = ['--mount', 'sh', '-c', script, 'sh', process.execPath, PROGRAM, 'doctor', '--json'];
  const ran = await promisify(execFile)('unshare', args, { env }).catch((error) => error);
  assert.equal(ran.code, 1, ran.stderr);
  const problems = (JSON.parse(ran.stdout) as Finding[]).filter(({ state }) => state === 'problem');
  assert.deepEqual(problems.map(({ check }) => check).toSorted(), ['disk', 'files', 'node', 'port']);
  assert.match(problems.find(({ check }) => check === 'disk')!.what, /^(?:40|39) MiB/);
});
