// Rates over real sockets: what two limited seeders give together, and what is left when one of them goes.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { SteadyRate } from '../steady-rate.ts';
import type { Client, ClientKind } from './clients/client.ts';
import { libtorrent } from './clients/libtorrent.ts';
import { monsoonAlone, monsoonWith, startMonsoon } from './clients/monsoon.ts';
import { makeContent, treeHash } from './content.ts';
import { hasWhatItTakes, TestBed } from './test-bed.ts';
import { makeTorrent } from './torrent-file.ts';
import { until } from './until.ts';

const MIB = 2 ** 20;
const SIZE = 48 * MIB;
/** Of each seeder. */
const LIMIT_BYTES_PER_SECOND = 2 * MIB;
/** What was given before both were at work, and what the limits let through at once. */
const WARM_UP_BYTES = 4 * MIB;
/** A rate follows from what was there at many moments, each known to a piece and to a step of the client's limiter. */
const MEASURED_SECONDS = 6;
const SECONDS_MAX = 60;

interface Limited {
  readonly kind: ClientKind;
  /** The share of the rate that it may be off by. */
  readonly tolerance: number;
}

const KINDS: readonly Limited[] = [
  // A limiter of somebody else counts headers too, and makes up for no moment in which its machine was late.
  { kind: libtorrent, tolerance: 0.2 },
  {
    kind: { ...monsoonWith({ flags: ['--up-limit', `${LIMIT_BYTES_PER_SECOND}`] }), name: 'monsoon' },
    tolerance: 0.05,
  },
];

/** Bytes per second of a download, from when so much more is there, for as much as `expected` gives in a while. */
async function rateOf(leecher: Client, expected: number): Promise<number> {
  const from = (await leecher.progress()).completedBytes + WARM_UP_BYTES;
  const rate = new SteadyRate();
  return until(
    `${from + MEASURED_SECONDS * expected} bytes`,
    SECONDS_MAX,
    async () => {
      const { completedBytes } = await leecher.progress();
      if (completedBytes >= from) rate.note(completedBytes, performance.now());
      return rate.risen >= MEASURED_SECONDS * expected ? rate.perSecond : undefined;
    },
    () => leecher.program.output,
    20,
  );
}

async function assertRate(leecher: Client, expected: number, tolerance: number, what: string): Promise<void> {
  const share = (await rateOf(leecher, expected)) / expected;
  assert.ok(Math.abs(share - 1) <= tolerance, `${what} give ${share.toFixed(2)} of ${expected / MIB} MiB/s`);
}

for (const { kind, tolerance } of KINDS) {
  test(`W-05 two ${kind.name} seeders limited to one rate give twice that, and one of them gives it alone`, async (t) => {
    if (!(await hasWhatItTakes(t, [kind.requires]))) return;
    // libtorrent limits no peer with a private address.
    const bed = await TestBed.create(t, 'public');
    const supernode = await startMonsoon(await bed.place('supernode'), { role: 'supernode' });
    const content = await makeContent(await bed.directory('content'), 'one file', SIZE, 21);
    const torrentFile = await makeTorrent(content, supernode.announceUrl, 16);
    const seeders: Client[] = [];
    for (let i = 0; i < 2; i++) {
      const seeder = await bed.start(kind, { uploadBytesPerSecond: LIMIT_BYTES_PER_SECOND });
      await seeder.seed(torrentFile, content.parent);
      seeders.push(seeder);
    }
    const leecher = await bed.start(monsoonAlone);
    const into = await bed.directory('fetched');
    await leecher.fetch(torrentFile, into);
    await assertRate(leecher, 2 * LIMIT_BYTES_PER_SECOND, tolerance, 'both');
    await seeders[0]!.stop();
    await assertRate(leecher, LIMIT_BYTES_PER_SECOND, tolerance, 'one');
    await leecher.waitComplete(SECONDS_MAX);
    assert.deepEqual(await treeHash(join(into, content.name)), await treeHash(join(content.parent, content.name)));
  });
}
