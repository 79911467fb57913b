// The cap on tracking bandwidth, over the tracker's entrance: whatever the load, 10 seconds send what the cap allows.
// Sockets are real, time is not: each step is a tenth of a second in which as many clients come as the load says.
import assert from 'node:assert/strict';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { after, before, test } from 'node:test';
import { type Instant, instant, later } from '../../src/base/index.ts';
import { Registrar, Tracker } from '../../tracker/index.ts';
import { TrackerFront } from '../../tracker/io/index.ts';
import { announceQuery, HASH, newTracker, SELF } from './requests.ts';

const CAP_BYTES_PER_SECOND = 20_000;
const STEP_MS = 100;
const STEPS = 100;
// What TCP over IPv4 sends besides for a connection with one answer: SYN, answer, FIN and the last acknowledgement.
const TCP_BYTES = 60 + 3 * 52;
/** 50 peers, the rest of the answer and its headers. */
const FULL_ANSWER_BYTES = 300 + 140 + 85 + TCP_BYTES;

let clock: Instant = instant(0);
let front: TrackerFront;
const server: Server = createServer((socket) => {
  socket.on('error', () => {}).once('data', (bytes: Buffer) => front.accept(socket, bytes));
});

before(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
after(() => server.close());

function filledTracker(): Tracker {
  const options = { ownership: SELF, random: Math.random, hashKey: { k0: 1, k1: 2 }, swarmsMax: 10, peersMax: 1000 };
  const registrar = new Registrar({ ...options, bytesPerSecond: CAP_BYTES_PER_SECOND });
  for (let i = 0; i < 100; i++) {
    registrar.swarms.note(HASH, Uint8Array.of(20, 1, 2, i, 0x1a, 0xe1), false, false, clock);
  }
  return new Tracker(registrar);
}

/** The bytes that one client is sent; 0 when it is sent away unheard. */
function announce(): Promise<number> {
  const { port } = server.address() as AddressInfo;
  const request = `GET /announce?${announceQuery({ numwant: 50 })} HTTP/1.1\r\nConnection: close\r\n\r\n`;
  return new Promise((resolve) => {
    let bytes = 0;
    const socket = connect(port, '127.0.0.1', () => socket.write(request));
    socket.on('data', (chunk) => {
      bytes += chunk.length;
    });
    socket.on('error', () => {}).on('close', () => resolve(bytes));
  });
}

for (const load of [1, 3, 20]) {
  test(`N-35 at ${load} times the load that the cap can answer in full, 10 s send the cap within 10 %`, async () => {
    front = new TrackerFront({
      tracker: filledTracker(),
      now: () => clock,
      nodeAt: () => undefined,
      handOver: (socket) => socket.destroy(),
    });
    const perStep = (load * CAP_BYTES_PER_SECOND * STEP_MS) / 1000 / FULL_ANSWER_BYTES;
    const sent: number[] = [];
    let due = 0;
    for (let step = 0; step < 1.5 * STEPS; step++) {
      clock = later(clock, STEP_MS);
      due += perStep;
      const answers = await Promise.all(Array.from({ length: Math.floor(due) }, announce));
      due -= Math.floor(due);
      sent.push(answers.reduce((sum, bytes) => sum + (bytes > 0 ? bytes + TCP_BYTES : 0), 0));
    }
    front.close();
    const cap = (CAP_BYTES_PER_SECOND * STEPS * STEP_MS) / 1000;
    for (let from = 0; from + STEPS <= sent.length; from++) {
      const bytes = sent.slice(from, from + STEPS).reduce((sum, step) => sum + step, 0);
      assert.ok(Math.abs(bytes - cap) <= cap * 0.1, `${bytes} bytes instead of ${cap} from step ${from} on`);
    }
  });
}

test('a cap that changes counts from then on, and what is above lower caps goes within two sweeps', () => {
  const tracker = newTracker({ swarmsMax: 100, peersMax: 1000 });
  const hashOf = (swarm: number) => new Uint8Array(20).fill(swarm);
  const announceTo = (swarm: number, host: number) =>
    tracker.serve(
      'announce',
      Uint8Array.from(announceQuery({}, hashOf(swarm)), (character) => character.charCodeAt(0)),
      Uint8Array.of(20, 1, host >>> 8, host),
      clock,
    );
  for (let i = 0; i < 500; i++) announceTo(i % 50, i);
  assert.deepEqual([tracker.peerCount, tracker.swarmCount], [500, 50]);
  tracker.cap({ swarmsMax: 20, peersMax: 300, bytesPerSecond: 1000 });
  for (let i = 0; i < 3; i++) announceTo(60, 1000);
  assert.equal(announceTo(60, 1000).status, undefined);
  for (let i = 0; i < 60; i++) tracker.sweep(clock);
  assert.ok(tracker.peerCount <= 300 && tracker.swarmCount <= 20, `${tracker.peerCount} in ${tracker.swarmCount}`);
  tracker.cap({ swarmsMax: 1_000_000, peersMax: 1_000_000, bytesPerSecond: 1_000_000_000 });
  clock = later(clock, 2000);
  for (let i = 0; i < 5000; i++) announceTo(i % 200, i);
  assert.ok(tracker.peerCount <= 1000 && tracker.swarmCount <= 100, 'never more than the table was made for');
});
