// Port 53 without root: the units that are shipped are good ones, and sockets that come from systemd are used.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { until } from '../interop/until.ts';
import { isInstalled, requireOrSkip } from '../require.ts';

const run = promisify(execFile);
const ROOT = new URL('../../', import.meta.url);
const START_SECONDS_MAX = 60;
const ZONE = 'sn.example.org';

function directoryFor(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'monsoon-dns-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

test('systemd takes the units that are shipped', async (t) => {
  if (!requireOrSkip(t, isInstalled('systemd-analyze'), 'systemd-analyze is not installed')) return;
  const directory = directoryFor(t);
  const units = ['monsoon.service', 'monsoon-dns.socket'];
  for (const name of units) {
    const unit = readFileSync(new URL(`config/${name}`, ROOT), 'utf8');
    // The program need not be installed where the test runs.
    writeFileSync(join(directory, name), unit.replace('/usr/local/bin/monsoon', process.execPath));
  }
  const { stdout, stderr } = await run('systemd-analyze', ['verify', ...units.map((name) => join(directory, name))]);
  // Other units of the machine may have faults of their own.
  assert.doesNotMatch(stdout + stderr, /monsoon/);
});

test('N-30 sockets that were opened for the node are the ones it answers on', async (t) => {
  if (!requireOrSkip(t, process.platform === 'linux', 'sockets are passed on by systemd, on Linux')) return;
  if (!requireOrSkip(t, isInstalled('dig'), 'dig is not installed')) return;
  const udp = createSocket('udp6').bind(0, '::');
  await once(udp, 'listening');
  const { port } = udp.address();
  const tcp = createServer().listen(port, '::');
  await once(tcp, 'listening');
  const fdOf = (owner: object): number => (owner as { _handle: { fd: number } })._handle.fd;
  const handle = Object.getOwnPropertySymbols(udp)
    .map((symbol) => (udp as unknown as Record<symbol, { handle?: { fd: number } }>)[symbol]!)
    .find((state) => state?.handle)?.handle;
  const home = directoryFor(t);
  const flags = ['--role', 'supernode', '--zone', ZONE, '--port', '0', '--bind', '127.0.0.1', '--no-lan'];
  const program = fileURLToPath(new URL('bin/monsoon.js', ROOT));
  const child = spawn(process.execPath, [program, 'start', '--foreground', ...flags], {
    stdio: ['ignore', 'pipe', 'pipe', handle!.fd, fdOf(tcp)],
    env: { ...process.env, MONSOON_HOME: home, LISTEN_PID: String(process.pid), LISTEN_FDS: '2' },
  });
  let output = '';
  for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (text) => (output += text));
  t.after(async () => {
    if (child.exitCode !== null) return;
    child.kill('SIGTERM');
    await once(child, 'exit');
  });
  // Ours are closed without a word: what answers from now on is the node.
  udp.close();
  tcp.close();
  for (const way of ['+notcp', '+tcp']) {
    const ask = ['@127.0.0.1', '-p', String(port), '+short', '+time=1', '+tries=1', way, ZONE, 'SOA'];
    const soa = await until(
      `an answer by ${way}`,
      START_SECONDS_MAX,
      async () => {
        const { stdout } = await run('dig', ask).catch(() => ({ stdout: '' }));
        return stdout.includes('hostmaster') ? stdout : undefined;
      },
      () => output,
    );
    assert.match(soa, /^[0-9a-f]{16}\.sn\.example\.org\. hostmaster\.sn\.example\.org\. /);
  }
});
