// One supernode under three times the announces that its caps allow. What leaves its host is counted on the bridge, by
// the kernel and with every header; hashes and peers by the node itself.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AnnounceLoad } from './announce-load.ts';
import { startSupernodes } from './supernodes.ts';
import { hasWhatItTakes, TestBed } from './test-bed.ts';
import { until } from './until.ts';

const CAPS = { trackingBytesPerSecond: 20_000, hashes: 100, peers: 150 };
const OVERLOAD = 3;
/** Of an answer with its headers and segments, about. */
const ANSWER_BYTES = 450;
const TOLERANCE = 0.1;
/** Four segments of TCP: what it takes to let a connection come and go. No cap can prevent that. */
const CLOSING_BYTES = 300;
const MEASURED_SECONDS = 10;
const SECONDS_MAX = 120;

test('N-35 N-36 N-37 a supernode keeps to its caps within a tenth under three times the load', async (t) => {
  if (!(await hasWhatItTakes(t, []))) return;
  const bed = await TestBed.create(t);
  const { trackingBytesPerSecond, hashes, peers } = CAPS;
  const caps = ['--tracking-bytes', trackingBytesPerSecond, '--tracking-hashes', hashes, '--tracking-peers', peers];
  const [node] = await startSupernodes(bed, 1, caps.map(String));
  const perSecond = (OVERLOAD * trackingBytesPerSecond) / ANSWER_BYTES;
  const load = new AnnounceLoad([node!.contact], OVERLOAD * hashes, perSecond);
  t.after(() => load.close());
  load.start();
  // The bucket is full at first; from the first silence on, it is empty.
  await until('the cap to be reached', SECONDS_MAX, () => load.outcomes.silent > 0 || undefined);
  const closedBefore = load.outcomes.silent;
  const bytesBefore = await bed.network.bytesFrom(node!.host);
  const startedAt = performance.now();
  await until(
    'a while to pass',
    SECONDS_MAX,
    () => performance.now() - startedAt > MEASURED_SECONDS * 1000 || undefined,
  );
  const seconds = (performance.now() - startedAt) / 1000;
  const rate = ((await bed.network.bytesFrom(node!.host)) - bytesBefore) / seconds;
  const { used } = (await node!.status()).overlay;
  const closed = (load.outcomes.silent - closedBefore) / seconds;
  t.diagnostic(`${Math.round(rate)} B/s on the wire, ${Math.round(closed)} connections/s closed without an answer`);
  t.diagnostic(`${JSON.stringify(used)} as it counts, ${JSON.stringify(load.outcomes)}`);
  const bytesMax = trackingBytesPerSecond * (1 + TOLERANCE);
  assert.ok(used.trackingBytesPerSecond <= bytesMax, `${used.trackingBytesPerSecond} B/s as it counts`);
  assert.ok(rate - closed * CLOSING_BYTES <= bytesMax, `${rate} B/s on the wire`);
  assert.ok(rate >= trackingBytesPerSecond * (1 - TOLERANCE), `${rate} B/s on the wire`);
  assert.ok(used.hashes <= hashes * (1 + TOLERANCE), `${used.hashes} hashes`);
  assert.ok(used.peers <= peers * (1 + TOLERANCE), `${used.peers} peers`);
});
