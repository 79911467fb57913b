// What a change of a share does beside what its user does at the same moment, step by step: torrents and listing are the
// test's, and a publication takes as long as it says. The files are real.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Publisher } from '../../app/listing/publisher.ts';
import { Shares, type SharesSettings } from '../../app/torrents/shares.ts';
import type { InfoHash } from '../../src/base/index.ts';
import { AlarmClock } from '../../src/io/alarm-clock.ts';
import type { Torrent } from '../../src/io/torrent.ts';
import type { TorrentSpec } from '../../src/io/torrent-spec.ts';
import type { CheckedClaims } from '../../src/listing/index.ts';
import { NO_ORDERS, type UserOrders } from '../../src/torrent/index.ts';
import { until } from '../interop/until.ts';

const SECONDS_MAX = 60;

class FakeTorrent {
  readonly started = Promise.resolve();
  readonly announced = Promise.resolve();
  phase = 'running';
  spec: TorrentSpec;
  orders: UserOrders;
  constructor(spec: TorrentSpec, orders: UserOrders) {
    this.spec = spec;
    this.orders = orders;
  }
  get info(): TorrentSpec['info'] {
    return this.spec.info;
  }
  async verify(): Promise<void> {
    this.phase = 'failed';
  }
  async pause(): Promise<void> {
    this.orders = { ...this.orders, isPaused: true };
  }
}

/** A node's torrents, its entries, and its shares. */
class Scene {
  readonly root = mkdtempSync(join(tmpdir(), 'monsoon-shares-'));
  readonly torrents = new Map<string, FakeTorrent>();
  readonly entries = new Map<string, CheckedClaims>();
  readonly #alarms = new AlarmClock();
  /** Whatever is awaited before something is published, or withdrawn. */
  beforePublishing: (infoHash: string) => Promise<void> = async () => {};
  beforeWithdrawing: () => Promise<void> = async () => {};
  shares = this.#open();

  static of(t: TestContext): Scene {
    const scene = new Scene();
    t.after(async () => {
      await scene.shares.close();
      scene.#alarms.close();
      rmSync(scene.root, { recursive: true });
    });
    return scene;
  }

  #open(): Shares {
    const { torrents, entries } = this;
    const add = (spec: TorrentSpec, orders: UserOrders = NO_ORDERS) => {
      const known = torrents.get(spec.infoHash);
      if (known?.phase === 'failed') Object.assign(known, { spec, phase: 'running' });
      const host = known ?? new FakeTorrent(spec, orders);
      torrents.set(spec.infoHash, host);
      return { host, kept: Promise.resolve(), started: Promise.resolve() };
    };
    const publisher: Pick<Publisher, 'claimsOf' | 'publish' | 'withdraw'> = {
      claimsOf: async (infoHash) => entries.get(infoHash),
      publish: async ({ infoHash }, claims) => {
        await this.beforePublishing(infoHash);
        entries.set(infoHash, claims);
      },
      withdraw: async (infoHash) => {
        await this.beforeWithdrawing();
        entries.delete(infoHash);
      },
    };
    mkdirSync(join(this.root, 'files'), { recursive: true });
    const settings = {
      directory: join(this.root, 'records'),
      torrentFiles: join(this.root, 'files'),
      downloadDir: () => join(this.root, 'downloads'),
      torrents: { add, get: (infoHash: string) => torrents.get(infoHash), all: () => [...torrents.values()] },
      publisher,
      alarms: this.#alarms,
      log: { info() {}, warn() {} },
      trackersFor: () => [],
      discard: async (torrent: Torrent) => void torrents.delete(torrent.spec.infoHash),
    };
    return new Shares(settings as unknown as SharesSettings);
  }

  /** As after a crash: nothing of this process is left. */
  async restart(): Promise<void> {
    await this.shares.close();
    this.shares = this.#open();
    await this.shares.recall();
  }

  write(name: string, text: string): string {
    const path = join(this.root, name);
    writeFileSync(path, text);
    return path;
  }

  async share(path: string): Promise<InfoHash> {
    return (await this.shares.share(path, { description: 'said' })).infoHash;
  }

  /** Resolves with the hash that is published next, which then waits until it is let go. */
  nextPublication(): { readonly begun: Promise<string>; readonly letGo: () => void } {
    const begun = Promise.withResolvers<string>();
    const free = Promise.withResolvers<void>();
    this.beforePublishing = async (infoHash) => {
      this.beforePublishing = async () => {};
      begun.resolve(infoHash);
      await free.promise;
    };
    return { begun: begun.promise, letGo: free.resolve };
  }

  when(what: string, isSo: () => boolean): Promise<true> {
    return until(what, SECONDS_MAX, () => isSo() || undefined);
  }
  /** Resolves when whatever changed so far was looked at: something that changes later was shared anew twice. */
  async haveTurns(): Promise<void> {
    let last = await this.share(this.write('other', 'other'));
    for (const text of ['changed', 'changed again']) {
      this.write('other', text);
      const before = last;
      await this.when(text, () => !this.torrents.has(before));
      last = [...this.torrents.values()].at(-1)!.spec.infoHash;
    }
  }
  get held(): string[] {
    return [...this.torrents.keys()].toSorted();
  }
  get listed(): string[] {
    return [...this.entries.keys()].toSorted();
  }
}

/** A share that has changed, and whose new torrent is being published. */
async function beingRenewed(t: TestContext) {
  const scene = Scene.of(t);
  const path = scene.write('file', 'first');
  const before = await scene.share(path);
  const { begun, letGo } = scene.nextPublication();
  scene.write('file', 'second');
  const after = await begun;
  return { scene, path, before, after, letGo };
}

test('what is removed while its change is being shared is not shared', async (t) => {
  const { scene, before, letGo } = await beingRenewed(t);
  await scene.shares.forget(before);
  scene.torrents.delete(before);
  scene.entries.delete(before);
  letGo();
  await scene.when('the change to be taken back', () => scene.held.length + scene.listed.length === 0);
  await scene.restart();
  assert.deepEqual([scene.held, scene.listed], [[], []]);
});

test('what is withdrawn or paused while its change is being shared is so afterwards', async (t) => {
  const { scene, before, after, letGo } = await beingRenewed(t);
  scene.entries.delete(before);
  await scene.torrents.get(before)!.pause();
  letGo();
  await scene.when('the old one to go', () => scene.held.join() === after);
  assert.deepEqual([scene.listed, scene.torrents.get(after)!.orders.isPaused], [[], true]);
});

test('what its user shares while its change is being shared has the last word', async (t) => {
  const { scene, path, after, letGo } = await beingRenewed(t);
  const shared = scene.shares.share(path, { description: 'said last' });
  letGo();
  assert.equal((await shared).infoHash, after);
  assert.deepEqual([scene.held, scene.listed], [[after], [after]]);
  assert.equal(scene.entries.get(after)?.description, 'said last');
});

test('what its user shares again is listed and takes part, whatever was said of what it was', async (t) => {
  const scene = Scene.of(t);
  const path = scene.write('file', 'first');
  const before = await scene.share(path);
  scene.entries.delete(before);
  await scene.torrents.get(before)!.pause();
  scene.write('file', 'second');
  const after = await scene.share(path);
  assert.deepEqual([scene.held, scene.listed], [[after], [after]]);
  assert.equal(scene.torrents.get(after)!.orders.isPaused, false);
});

test('a change takes away no download of the same hash', async (t) => {
  const scene = Scene.of(t);
  const path = scene.write('file', 'first');
  const infoHash = await scene.share(path);
  const torrent = scene.torrents.get(infoHash)!;
  torrent.spec = { ...torrent.spec, sourcePaths: [], directory: join(scene.root, 'downloads') };
  scene.write('file', 'another');
  await scene.haveTurns();
  assert.ok(scene.held.includes(infoHash) && scene.listed.includes(infoHash));
});

test('what was not taken back is taken back later: after a failure, and after a crash', async (t) => {
  for (const isCrash of [false, true]) {
    const scene = Scene.of(t);
    const before = await scene.share(scene.write('file', 'first'));
    let failures = 0;
    scene.beforeWithdrawing = async () => {
      failures++;
      throw new Error('the disk is full');
    };
    scene.write('file', 'second');
    await scene.when('it to fail', () => failures > 0);
    assert.deepEqual([scene.listed.includes(before), scene.listed.length], [true, 2]);
    scene.beforeWithdrawing = async () => {};
    if (isCrash) await scene.restart();
    await scene.when('the old one to go', () => !scene.listed.includes(before));
    assert.equal(scene.listed.length, 1);
  }
});

test('what is gone can be withdrawn, and is not listed when it is back', async (t) => {
  const scene = Scene.of(t);
  const path = scene.write('file', 'first');
  const infoHash = await scene.share(path);
  renameSync(path, `${path}, away`);
  await scene.when('it to be gone', () => scene.listed.length === 0);
  assert.equal(await scene.shares.unlist(infoHash), true);
  renameSync(`${path}, away`, path);
  await scene.when('it to be back', () => scene.torrents.get(infoHash)?.phase === 'running');
  assert.deepEqual(scene.listed, []);
});

test('a link that takes the place of what was shared leads nobody to where it points', async (t) => {
  const scene = Scene.of(t);
  const path = scene.write('file', 'first');
  const before = await scene.share(path);
  const secret = scene.write('secret', 'secret');
  rmSync(path);
  symlinkSync(secret, path);
  await scene.haveTurns();
  assert.deepEqual([scene.held.includes(before), scene.listed.includes(before)], [true, false]);
});

test('the folder of a download may not lie in what is shared', async (t) => {
  const scene = Scene.of(t);
  const folder = join(scene.root, 'folder');
  mkdirSync(folder);
  scene.write('folder/file', 'first');
  await scene.share(folder);
  await assert.rejects(scene.shares.requireOutside(join(folder, 'inner')), {
    code: 'refused',
    message: /is shared as it changes/,
  });
  await scene.shares.requireOutside(`${folder} beside`);
});
