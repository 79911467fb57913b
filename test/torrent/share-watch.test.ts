// When a share that its owner changes is looked at and made anew, on a clock of the test's own.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Instant, instant, later } from '../../src/base/index.ts';
import { ShareWatch, type Survey } from '../../src/torrent/share-watch.ts';

const PATH = '/shared';
const MINUTE_MS = 60_000;

/** A disk whose looks and renewals take a while, and what the machine did with it, in order. */
class Disk {
  readonly machine = new ShareWatch();
  readonly done: string[] = [];
  now: Instant = instant(0);
  lies: Survey = 'first';
  lookMs = 1;

  constructor() {
    this.machine.input({ type: 'shared', path: PATH, survey: 'first' }, this.now);
    this.run(1000);
    assert.deepEqual(this.done, ['look']);
    this.done.length = 0;
  }

  /** Lets time pass, which may change what lies there at every step of 100 ms. */
  run(forMs: number, each: () => void = () => {}): void {
    const end = later(this.now, forMs);
    while (this.now < end) {
      each();
      this.now = later(this.now, 100);
      const { deadline } = this.machine;
      if (!deadline || deadline.at > this.now) continue;
      this.machine.input({ type: 'tick' }, this.now);
      for (const { type, path } of this.machine.effects()) {
        if (type === 'survey') this.#look(path);
        else this.renew(path);
        for (const { path: renewed } of this.machine.effects()) this.renew(renewed);
      }
    }
  }

  change(survey: Survey): void {
    this.lies = survey;
    this.machine.input({ type: 'noticed', path: PATH }, this.now);
  }

  renew(path: string): void {
    this.done.push(`renew ${this.lies}`);
    this.machine.input({ type: 'renewed', path, survey: this.lies }, this.now);
  }

  get renewals(): string[] {
    return this.done.filter((deed) => deed.startsWith('renew'));
  }

  #look(path: string): void {
    this.done.push('look');
    this.machine.input({ type: 'surveyed', path, survey: this.lies, tookMs: this.lookMs }, this.now);
  }
}

test('a change is shared within a second and a half, and only what two looks in a row found is shared', () => {
  const disk = new Disk();
  disk.change('second');
  disk.run(1500);
  assert.deepEqual(disk.renewals, ['renew second']);
  const anew = ['look', 'look', 'renew second'];
  disk.run(MINUTE_MS);
  assert.deepEqual(disk.done, [...anew, 'look'], 'a last look at what changed meanwhile');
});

test('W-34 what is still being written is not shared before it is at rest', () => {
  const disk = new Disk();
  let size = 0;
  disk.run(10_000, () => disk.change(`${++size}`));
  assert.deepEqual(disk.renewals, []);
  disk.run(20_000);
  assert.deepEqual(disk.renewals, [`renew ${size}`]);
});

test('W-34 what is written with pauses of a second is not shared at each of them', () => {
  const disk = new Disk();
  let size = 0;
  disk.run(60_000, () => {
    if (disk.now % 1100 === 0) disk.change(`${++size}`);
  });
  disk.run(20_000);
  assert.ok(disk.renewals.length <= 4, disk.renewals.join());
  assert.equal(disk.renewals.at(-1), `renew ${size}`);
});

test('a change that is taken back renews nothing', () => {
  const disk = new Disk();
  disk.change('second');
  disk.run(500);
  disk.change('first');
  disk.run(MINUTE_MS);
  assert.deepEqual(disk.renewals, []);
});

test('what is gone is renewed as nothing, and again when it is back', () => {
  const disk = new Disk();
  disk.change(undefined);
  disk.run(2000);
  disk.change('first');
  disk.run(2000);
  assert.deepEqual(disk.renewals, ['renew undefined', 'renew first']);
});

test('what changes without end is renewed all the same, about once a minute', () => {
  const disk = new Disk();
  let n = 0;
  const changing = (): void => {
    if (disk.now % 5000 === 0) disk.change(`${++n}`);
  };
  disk.run(60 * MINUTE_MS, changing);
  const before = disk.renewals.length;
  disk.run(60 * MINUTE_MS, changing);
  const inAnHour = disk.renewals.length - before;
  assert.ok(inAnHour >= 20 && inAnHour <= 90, `${inAnHour}`);
});

test('what nobody notices is found at a look every ten minutes, and a look that takes long is taken seldom', () => {
  const disk = new Disk();
  disk.lies = 'on another machine';
  disk.run(11 * MINUTE_MS);
  assert.deepEqual(disk.renewals, ['renew on another machine']);
  disk.lookMs = 10_000;
  disk.run(20 * MINUTE_MS);
  disk.done.length = 0;
  disk.run(80 * MINUTE_MS);
  assert.deepEqual(disk.done, ['look']);
});

test('a look or a renewal that fails is tried again, and what is shared no more is left alone', () => {
  const machine = new ShareWatch();
  const tick = (ms: number): string[] => {
    machine.input({ type: 'tick' }, instant(ms));
    return machine.effects().map(({ type }) => type);
  };
  machine.input({ type: 'shared', path: PATH, survey: 'first' }, instant(0));
  assert.deepEqual(tick(0), ['survey']);
  assert.equal(machine.deadline, undefined, 'one look at a time');
  machine.input({ type: 'failed', path: PATH, effect: 'survey' }, instant(10));
  assert.deepEqual(tick(500), []);
  assert.deepEqual(tick(6000), ['survey']);
  machine.input({ type: 'left', path: PATH }, instant(6001));
  machine.input({ type: 'surveyed', path: PATH, survey: 'second', tookMs: 1 }, instant(6002));
  assert.deepEqual([tick(1e9), machine.deadline], [[], undefined]);
});

test('what takes long to be shared anew is so for at most a third of the time', () => {
  const machine = new ShareWatch();
  let survey = 0;
  let busyUntil = 0;
  let busyMs = 0;
  machine.input({ type: 'shared', path: PATH, survey: 'first' }, instant(0));
  const end = 100 * MINUTE_MS;
  for (let ms = 0; ms < end; ms += 100) {
    const now = instant(ms);
    // Something every seven seconds.
    if (ms % 7000 === 0) survey++;
    if (ms % 7000 === 0) machine.input({ type: 'noticed', path: PATH }, now);
    if (ms === busyUntil) machine.input({ type: 'renewed', path: PATH, survey: `${survey}` }, now);
    machine.input({ type: 'tick' }, now);
    const effects = machine.effects();
    for (const { type } of effects) {
      if (type === 'survey') machine.input({ type: 'surveyed', path: PATH, survey: `${survey}`, tookMs: 1 }, now);
    }
    if (machine.effects().length === 0) continue;
    busyUntil = ms + 2000;
    busyMs += 2000;
  }
  assert.ok(busyMs > 0 && busyMs < end / 2.9, `${busyMs / end}`);
});

test('one share is made anew at a time, and the others have their turn', () => {
  const machine = new ShareWatch();
  const renewals: string[] = [];
  for (const path of ['/a', '/b']) machine.input({ type: 'shared', path, survey: 'first' }, instant(0));
  for (let ms = 0; ms < 5000; ms += 100) {
    machine.input({ type: 'tick' }, instant(ms));
    for (const { type, path } of machine.effects()) {
      if (type === 'survey') machine.input({ type: 'surveyed', path, survey: 'second', tookMs: 1 }, instant(ms));
    }
    renewals.push(...machine.effects().map(({ type, path }) => `${type} ${path}`));
    // The first takes two seconds.
    if (ms === 2500)
      machine.input({ type: 'renewed', path: renewals[0]!.slice('renew '.length), survey: 'second' }, instant(ms));
  }
  assert.deepEqual(renewals.toSorted(), ['renew /a', 'renew /b']);
});
