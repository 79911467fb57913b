// Where a responder listens, on a network whose addresses come and go.
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { TYPE } from '../../dns/index.ts';
import { MonsoonError } from '../../src/base/index.ts';
import type { Place } from '../../src/ports/index.ts';
import { connects } from '../connects.ts';
import { until } from '../interop/until.ts';
import { headerOf, open, query, ZONE } from './fixtures.ts';

const [FIRST, SECOND, THIRD] = ['127.0.0.1', '127.0.0.2', '127.0.0.3'] as const;
const FOLLOWED_SECONDS_MAX = 30;

class ChangingNetwork {
  hosts: readonly string[];
  /** How often a device was made anew. */
  generation = 0;
  #changed: () => void = () => {};

  constructor(...hosts: string[]) {
    this.hosts = hosts;
  }

  exactPlaces(): Map<string, Place> {
    return new Map(this.hosts.map((host) => [`${host} ${this.generation}`, { host, device: undefined }]));
  }
  heldSocket(): undefined {}
  watchPlaces(changed: () => void): void {
    this.#changed = changed;
  }
  change(...hosts: string[]): void {
    this.hosts = hosts;
    this.#changed();
  }
}

/** Asks from an address of its own, so that an answer by another address than the one that was asked is none. */
async function ask(t: TestContext, host: string, port: number): Promise<number> {
  const socket = createSocket('udp4');
  t.after(() => socket.close());
  socket.connect(port, host);
  await once(socket, 'connect');
  const [reply] = await new Promise<[Buffer]>((resolve, reject) => {
    socket.once('message', (bytes) => resolve([bytes]));
    socket.once('error', reject);
    socket.send(query(ZONE, TYPE.SOA));
  });
  return headerOf(reply).counts[1]!;
}

/** Nobody tells when a change has been followed. */
function follows(t: TestContext, host: string, port: number, shouldAnswer: boolean): Promise<true> {
  return until(`${host} ${shouldAnswer ? 'to answer' : 'to be silent'}`, FOLLOWED_SECONDS_MAX, async () => {
    const doesAnswer = await ask(t, host, port).then(
      (answers) => answers === 1,
      () => false,
    );
    return doesAnswer === shouldAnswer || undefined;
  });
}

test('it listens at every place under one number, and follows them as they come and go', async (t) => {
  const network = new ChangingNetwork(FIRST, SECOND);
  const responder = await open({ network });
  t.after(() => responder.close());
  const { port } = responder;
  for (const host of [FIRST, SECOND]) {
    assert.equal(await ask(t, host, port), 1);
    assert.ok(await connects(host, port));
  }
  await assert.rejects(ask(t, THIRD, port), { code: 'ECONNREFUSED' });

  network.change(SECOND, THIRD);
  await follows(t, THIRD, port, true);
  assert.equal(await ask(t, SECOND, port), 1);
  await follows(t, FIRST, port, false);
  assert.deepEqual([await connects(FIRST, port), await connects(THIRD, port)], [false, true]);
  assert.equal(responder.port, port);

  network.change();
  await follows(t, SECOND, port, false);
  network.generation++;
  network.change(SECOND);
  await follows(t, SECOND, port, true);
});

test('a number that another program has at one of the places is not taken at any', async (t) => {
  const other = createServer().listen(0, SECOND);
  await once(other, 'listening');
  t.after(() => other.close());
  const { port } = other.address() as { port: number };
  const isTaken = (error: unknown): boolean => error instanceof MonsoonError && error.code === 'port-taken';
  await assert.rejects(open({ network: new ChangingNetwork(FIRST, SECOND, THIRD), port }), isTaken);
  assert.deepEqual(await Promise.all([FIRST, THIRD].map((host) => connects(host, port))), [false, false]);
});
