// What torrents cost a whole node that nobody asks for: its parts hold no timer and no socket for each of them.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { HeldResources } from '../held-resources.ts';
import { randomContent, until } from '../io/loopback-node.ts';
import { running } from './running.ts';

const TORRENTS = 200;
/** Of exchanges that come and go. */
const MOMENTARY_MAX = 10;

test(`${TORRENTS} shares, announced to a supernode and listed, add no timer and no socket each`, async (t) => {
  const held = new HeldResources();
  t.after(() => held.close());
  const supernode = await running(t, { role: 'supernode' });
  const sharer = await running(t, { role: 'client', bootstrap: [`127.0.0.1:${supernode.port}`] });
  const isAs = (timers: number, sockets: number): boolean =>
    held.timers <= timers + MOMENTARY_MAX && held.sockets <= sockets + MOMENTARY_MAX;
  const share = async (name: string): Promise<void> => {
    const path = join(sharer.place.root, name);
    writeFileSync(path, randomContent(1000));
    await sharer.node.share(path, {});
  };
  // The first one opens what the others use.
  await share('first');
  await until('the row', () => supernode.node.status().listingRows === 1);
  const { timers, sockets } = held;
  for (let i = 1; i < TORRENTS; i++) await share(`${i}`);
  await until('the rows', () => supernode.node.status().listingRows === TORRENTS);
  await until('everything to be let go', () => isAs(timers, sockets));
  assert.ok(
    sharer.node.torrents().every(({ state, stalledBecause }) => state === 'seeding' && stalledBecause === null),
  );
});
