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
