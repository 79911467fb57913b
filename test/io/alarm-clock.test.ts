// One timer for everybody who sleeps.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { later } from '../../src/base/index.ts';
import { AlarmClock, now } from '../../src/io/alarm-clock.ts';

test('sleepers are woken once each, in the order in which they are due', async (t) => {
  const alarms = new AlarmClock();
  t.after(() => alarms.close());
  const begun = now();
  const woken: string[] = [];
  await new Promise<void>((resolve) => {
    alarms.set(() => resolve(), later(begun, 30));
    alarms.set(() => woken.push('second'), later(begun, 10));
    alarms.set(() => woken.push('first'), later(begun, 1));
    const gone = (): void => assert.fail('its alarm was cleared');
    alarms.set(gone, later(begun, 5));
    alarms.set(gone, undefined);
  });
  assert.deepEqual(woken, ['first', 'second']);
  assert.equal(alarms.nextMs, undefined);
});

test('sleepers that fall due together are woken in the order in which they are due', async (t) => {
  const alarms = new AlarmClock();
  t.after(() => alarms.close());
  const begun = now();
  const woken: string[] = [];
  await new Promise<void>((resolve) => {
    alarms.set(() => resolve(), later(begun, 3));
    alarms.set(() => woken.push('second'), later(begun, 2));
    alarms.set(() => woken.push('first'), later(begun, 1));
    while (now() < later(begun, 5));
  });
  assert.deepEqual(woken, ['first', 'second']);
});

test('a sleeper whose alarm is cleared or moved by one that falls due with it is not woken', async (t) => {
  const alarms = new AlarmClock();
  t.after(() => alarms.close());
  const begun = now();
  await new Promise<void>((resolve) => {
    const gone = (): void => assert.fail('its alarm was cleared');
    const moved = (): void => assert.fail('its alarm was moved');
    alarms.set(() => {
      alarms.set(gone, undefined);
      alarms.set(moved, later(begun, 100_000));
    }, begun);
    alarms.set(gone, later(begun, 1));
    alarms.set(moved, later(begun, 1));
    alarms.set(resolve, later(begun, 2));
    while (now() < later(begun, 5));
  });
  assert.ok(alarms.nextMs! > 50_000);
});

test('who is woken may set the alarm that is next, though somebody sleeps longer', async (t) => {
  const alarms = new AlarmClock();
  t.after(() => alarms.close());
  let times = 0;
  await new Promise<void>((resolve) => {
    const late = (): void => assert.fail('it is closed before that');
    const often = (): void => {
      times++;
      if (times === 3) return resolve();
      alarms.set(often, now());
      assert.ok(alarms.nextMs! < 1000);
    };
    alarms.set(late, later(now(), 100_000));
    alarms.set(often, now());
  });
  assert.equal(times, 3);
});
