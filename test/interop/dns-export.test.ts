// What a node answers and what it writes for other name servers is one zone, and their checkers take it.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import type { ZoneReport } from '../../app/running-node.ts';
import { isInstalled, requireOrSkip } from '../require.ts';
import { startMonsoon } from './clients/monsoon.ts';
import { inNamespace } from './network.ts';
import { hasWhatItTakes, TestBed } from './test-bed.ts';
import { until } from './until.ts';

const ZONE = 'sn.example.org';
const SECONDS_MAX = 120;
const run = promisify(execFile);
const CHECKERS: Record<string, (file: string) => string[]> = {
  'named-checkzone': (file) => ['-i', 'local', ZONE, file],
  kzonecheck: (file) => ['-o', ZONE, file],
};

test('C-03 N-31 two volunteers name each other as servers of one zone, and what they export checkers accept', async (t) => {
  if (!(await hasWhatItTakes(t, ['dig']))) return;
  for (const checker of Object.keys(CHECKERS)) {
    if (!requireOrSkip(t, isInstalled(checker), `${checker} is not installed`)) return;
  }
  const bed = await TestBed.create(t, 'public');
  const flags = ['--zone', ZONE, '--dns-port', '53'];
  const first = await startMonsoon(await bed.place('volunteer'), { role: 'supernode', bootstrap: [], flags });
  const bootstrap = [first.contact];
  const second = await startMonsoon(await bed.place('volunteer'), { role: 'supernode', bootstrap, flags });
  await until('both to name both', SECONDS_MAX, async () => {
    const both = await Promise.all([first, second].map((node) => node.zone()));
    return both.every(({ supernodes, nameServers }) => supernodes === 2 && nameServers.length === 2) || undefined;
  });
  const reports = await Promise.all([first, second].map((node) => node.verb<ZoneReport>('dns', 'zone')));
  assert.deepEqual(reports[0]!.nameServers.toSorted(), reports[1]!.nameServers.toSorted());
  assert.equal(reports[0]!.delegation.filter((line) => / *\tA\t/.test(line)).length, 2, 'glue for both');

  const file = join(await bed.directory('export'), 'zone');
  await first.verb('dns', 'export', file);
  for (const [checker, args] of Object.entries(CHECKERS)) await run(checker, args(file));
  assert.match(readFileSync(file, 'utf8'), new RegExp(`^${ZONE}\\.\t60\tIN\tSOA\t`));
  // The other one is a name server too, asked from elsewhere.
  const asker = await bed.network.addHost();
  const ask = (server: string, ...what: string[]): Promise<string[]> => {
    const [command, args] = inNamespace(asker, ['dig', [`@${server}`, '+short', '+norecurse', ...what]]);
    return run(command, args).then(({ stdout }) => stdout.trim().split('\n').toSorted());
  };
  const addresses = [first, second].map(({ contact }) => contact.split(':')[0]!).toSorted();
  for (const server of addresses) assert.deepEqual(await ask(server, ZONE, 'A'), addresses);

  if (!requireOrSkip(t, isInstalled('zonemaster-cli'), 'zonemaster-cli is not installed')) return;
  const glue = reports[0]!.delegation.flatMap(
    (line) => /^(\S+)\.\t.*\tA\t(\S+)$/.exec(line)?.slice(1, 3).join('/') ?? [],
  );
  const servers = glue.flatMap((server) => ['--ns', server]);
  const check = ['--no-ipv6', '--level', 'ERROR', '--json', '--no-progress', ...servers, ZONE];
  const [command, args] = inNamespace(asker, ['zonemaster-cli', check]);
  const { stdout } = await run(command, args);
  assert.deepEqual(JSON.parse(stdout), [], 'neither ERROR nor CRITICAL');
});
