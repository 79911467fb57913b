// Thirty nodes of which each was told of the next one alone: what the last one offers is listed by the first.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { until } from '../interop/until.ts';
import { type Running, running } from './running.ts';

const NODES = 30;
const REACH_SECONDS = 60;
const hostOf = (i: number): string => `127.0.1.${i}`;

test('P-11 a client at the end of a chain of thirty lists what the node at its other end shares', async (t) => {
  // Hosts of their own: of one address a supernode takes so many connections and no more.
  const start = (i: number, flags: Record<string, unknown>): Promise<Running> =>
    running(t, { ...flags, bind: hostOf(i) });
  const last = await start(NODES, { role: 'supernode' });
  const shared = join(last.home.dataDir, 'of the last one.txt');
  writeFileSync(shared, 'thirty nodes away');
  const { infoHash } = await last.node.share(shared, {});
  const chain: Running[] = [last];
  for (let i = NODES - 1; i > 0; i--) {
    chain.unshift(await start(i, { role: 'client', bootstrap: [`${hostOf(i + 1)}:${chain[0]!.port}`] }));
  }
  const first = chain[0]!.node;
  await until('the row', REACH_SECONDS, async () => {
    const { rows } = await first.list({});
    return rows.some((row) => row.infoHash === infoHash) || undefined;
  });
  // Who was told of one node asked that one, and was led on by nobody else.
  const asked = chain.slice(0, -1).map(({ node }) => node.status().bootstrap);
  assert.deepEqual(
    asked.map((rows) => rows.map(({ source, found }) => [source, found])),
    chain.slice(1).map(({ port }, i) => [[`${hostOf(i + 2)}:${port}`, 1]]),
  );
});
