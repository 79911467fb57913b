// Searching asks nobody: with a network that is listened to nothing of a search is on the line, and with the cable
// pulled the same rows are found.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { startMonsoon } from './clients/monsoon.ts';
import { writeRandomFile } from './content.ts';
import { Program } from './program.ts';
import { hasWhatItTakes, TestBed } from './test-bed.ts';
import { until } from './until.ts';

const SEARCHES = 500;
const SECONDS_MAX = 60;
/** No frame is smaller. */
const FRAME_BYTES_MIN = 54;
const MARK = 'zebrafishes';

test('N-11 N-16 C-07 no packet of a search leaves the machine, and it finds the same with the cable pulled', async (t) => {
  if (!(await hasWhatItTakes(t, ['tcpdump']))) return;
  const bed = await TestBed.create(t);
  // In clear, so that whatever is said can be read.
  const supernode = await startMonsoon(await bed.place('supernode'), { role: 'supernode', encryption: 'off' });
  const joined = { bootstrap: [supernode.contact], encryption: 'off' } as const;
  const client = await startMonsoon(await bed.place('client'), joined);
  const folder = await bed.directory('shared');
  for (const name of ['Silicon Valley.bin', 'Copper Canyon.bin']) {
    await writeRandomFile(join(folder, name), 5000, name.length);
    await supernode.share(join(folder, name));
  }
  await until('the listing', SECONDS_MAX, async () => ((await client.listing()).length === 2 ? true : undefined));
  const found = async (): Promise<string[]> =>
    (await client.verb<{ name: string }[]>('search', 'slicon', 'valey')).map(({ name }) => name);
  assert.deepEqual(await found(), ['Silicon Valley.bin']);

  const file = join(await bed.directory('capture'), 'all.pcap');
  const tcpdump = new Program(
    bed.network.atHub(['tcpdump', ['--interface', 'bridge', '--immediate-mode', '-U', '-Z', 'root', '-w', file]]),
  );
  await until('tcpdump to listen', 10, () => tcpdump.output.includes('listening on') || undefined);
  const before = await bed.network.bytesFrom(client.host);
  assert.ok(before > 0, 'what is sent is counted');
  for (let i = 0; i < SEARCHES; i++) assert.deepEqual(await client.search(`${MARK} ${i}`), []);
  const sent = (await bed.network.bytesFrom(client.host)) - before;
  process.kill(tcpdump.pid, 'SIGINT');
  await tcpdump.exited;
  t.diagnostic(`${sent} bytes left the machine during ${SEARCHES} searches`);
  assert.ok(sent < SEARCHES * FRAME_BYTES_MIN, `${sent} bytes`);
  assert.ok(!(await readFile(file)).includes(MARK));

  await bed.network.plug(client.host, false);
  assert.deepEqual(await found(), ['Silicon Valley.bin']);
});
