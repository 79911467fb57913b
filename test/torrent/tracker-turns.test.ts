// Many torrents of one node ask their trackers in turns, and one of them asks a silent tracker for all.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Instant, instant, seededRandom } from '../../src/base/index.ts';
import { type AnnounceInput, Announces, type AnnounceTurns, TrackerTurns } from '../../src/torrent/index.ts';

const TRACKER = 'http://10.0.0.1:7373/announce';
const OTHER = 'udp://10.0.0.2:7373/announce';
const MINUTE_MS = 60_000;

function newTurns(): TrackerTurns {
  return new TrackerTurns(seededRandom(1));
}

/** Torrents whose trackers answer, or say nothing, at once. */
class Node {
  readonly asked: { readonly at: Instant; readonly tracker: string }[] = [];
  readonly silent = new Set<string>();
  readonly schedules: Announces[];
  now: Instant = instant(0);

  constructor(torrents: number, tiers: readonly (readonly string[])[], turns: AnnounceTurns = newTurns()) {
    this.schedules = Array.from({ length: torrents }, (_, i) => new Announces(tiers, seededRandom(i), turns));
  }

  /** Tells every torrent a fact. */
  tell(input: AnnounceInput): void {
    for (const schedule of this.schedules) {
      schedule.input(input, this.now);
      this.#carryOut(schedule);
    }
  }

  until(minute: number): void {
    for (;;) {
      const due = this.schedules.filter(({ deadline }) => deadline !== undefined);
      const at = Math.min(...due.map(({ deadline }) => deadline!.at));
      if (at > minute * MINUTE_MS) break;
      this.now = instant(at);
      for (const schedule of due.filter(({ deadline }) => deadline!.at <= at)) {
        schedule.input({ type: 'tick' }, this.now);
        this.#carryOut(schedule);
      }
    }
    this.now = instant(minute * MINUTE_MS);
  }

  /** Trackers asked since a time. */
  since(at: number): string[] {
    return this.asked.filter((each) => each.at >= at).map(({ tracker }) => tracker);
  }

  #carryOut(schedule: Announces): void {
    for (let effects = schedule.effects(); effects.length > 0; effects = schedule.effects())
      for (const { tracker } of effects) {
        this.asked.push({ at: this.now, tracker });
        if (this.silent.has(new URL(tracker).host))
          schedule.input({ type: 'failed', tracker, text: 'nothing', isSilent: true }, this.now);
        else schedule.input({ type: 'answered', tracker, intervalSeconds: 1800, minIntervalSeconds: 300 }, this.now);
      }
  }
}

test('a thousand torrents that begin at once ask one after the other, and all of them within half a minute', () => {
  const node = new Node(1000, [[TRACKER]]);
  node.tell({ type: 'begin' });
  assert.ok(node.asked.length <= 50, `${node.asked.length} at once`);
  node.until(0.5);
  assert.equal(node.asked.length, 1000);
  for (let second = 1; second < 20; second++) {
    const asked = node.asked.filter(({ at }) => at >= second * 1000 && at < (second + 1) * 1000).length;
    assert.ok(asked <= 51, `${asked} in second ${second}`);
  }
  node.until(26);
  assert.equal(node.asked.length, 1000, 'and nobody asks again before its time');
});

test('each tracker has turns of its own, known by its host', () => {
  const turns = newTurns();
  for (let i = 0; i < 50; i++) turns.turnAt(TRACKER, instant(0));
  assert.equal(turns.turnAt('http://10.0.0.1:7373/other', instant(0)), 20);
  assert.equal(turns.turnAt(OTHER, instant(0)), 0);
});

test('a silent tracker is asked by one torrent for a thousand, every five minutes in the end', () => {
  const node = new Node(1000, [[TRACKER]]);
  node.tell({ type: 'begin' });
  node.until(20);
  node.silent.add('10.0.0.1:7373');
  node.until(60);
  const asked = node.since(20 * MINUTE_MS).length;
  assert.ok(asked > 5 && asked < 30, `${asked} times in 40 minutes`);
  const lately = node.since(50 * MINUTE_MS).length;
  assert.ok(lately >= 1 && lately <= 3, `${lately} times in the last ten`);
  assert.ok(
    node.schedules.every(({ failure }) => failure === 'nothing'),
    'each of them says why it waits',
  );
  node.silent.clear();
  node.until(67);
  assert.ok(
    node.schedules.every(({ failure }) => failure === undefined),
    'and all are heard once it is there again',
  );
});

test('who has another tracker asks that one while the first rests', () => {
  const node = new Node(100, [[TRACKER], [OTHER]]);
  node.silent.add('10.0.0.1:7373');
  node.tell({ type: 'begin' });
  node.until(1);
  assert.equal(node.asked.filter(({ tracker }) => tracker === OTHER).length, 100);
  assert.ok(node.asked.length < 110);
});

test('a torrent that is in a hurry waits for no turn and for no rest', () => {
  const turns = newTurns();
  for (let i = 0; i < 500; i++) turns.turnAt(TRACKER, instant(0));
  turns.noteSilence(TRACKER, 'nothing', instant(0));
  const node = new Node(
    1,
    [[TRACKER]],
    turns.for(() => true),
  );
  node.tell({ type: 'begin' });
  assert.equal(node.asked.length, 1);
  assert.ok(turns.restOf(TRACKER, node.now) === undefined, 'and what it hears, all have heard');
});

test('many that were asked at a time and heard nothing are one silence', () => {
  const turns = newTurns();
  for (let i = 0; i < 20; i++) turns.noteSilence(TRACKER, 'nothing', instant(i));
  assert.ok(turns.restOf(TRACKER, instant(0))!.until < 10_000);
});

test('somebody else asks where the one that asks for all is not heard of again', () => {
  const turns = newTurns();
  turns.noteSilence(TRACKER, 'nothing', instant(0));
  const at = turns.restOf(TRACKER, instant(0))!.until;
  assert.equal(turns.turnAt(TRACKER, at), at);
  const next = turns.restOf(TRACKER, at)!.until;
  assert.ok(next - at > 15_000 && next - at < 30_000);
  assert.equal(turns.restOf(TRACKER, next), undefined);
});

test('once our own network is back nobody waits for what it had cut off', () => {
  const node = new Node(10, [[TRACKER]]);
  node.silent.add('10.0.0.1:7373');
  node.tell({ type: 'begin' });
  node.silent.clear();
  node.tell({ type: 'again' });
  node.until(0.01);
  assert.ok(node.schedules.every(({ hasAnswered }) => hasAnswered));
});
