import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type InfoHash, type Instant, instant, later, type NodeId } from '../../src/base/index.ts';
import { OFFERS_MAX, type Offer, type OfferOutcome, OfferPlan, OWN_ENTRIES_MAX } from '../../src/listing/index.ts';
import { infoHashOf, nodeIdOf } from './signer.ts';

const START = instant(1000);
const [A, B, C, D] = [1, 2, 3, 4].map(nodeIdOf) as [NodeId, NodeId, NodeId, NodeId];

/** A plan, its keepers, which may be changed, and how often it asked for them. */
function planOf(entries: number, keepers: readonly NodeId[] = [A, B, C]) {
  const ring = { keepers, looks: 0 };
  const keepersOf = (): readonly NodeId[] => {
    ring.looks++;
    return ring.keepers;
  };
  const plan = new OfferPlan(keepersOf, START);
  for (let i = 0; i < entries; i++) plan.add(infoHashOf(i));
  return { plan, ring };
}

/** Offers all that is due, each answered at once; in order. */
function offerAll(plan: OfferPlan, now: Instant, answerOf: (offer: Offer) => OfferOutcome = () => 'taken'): Offer[] {
  const made: Offer[] = [];
  for (let offer = plan.next(now); offer; offer = plan.next(now)) {
    made.push(offer);
    plan.settle(offer, answerOf(offer), now);
  }
  return made;
}

const toldOf = (offers: readonly Offer[]): string[] => offers.map(({ infoHash, keeper }) => `${infoHash} ${keeper}`);

test('each entry is offered once to each who keeps it, a few at a time', () => {
  const { plan } = planOf(5);
  const first = Array.from({ length: OFFERS_MAX }, () => plan.next(START)!);
  assert.ok(first.every((offer) => offer));
  assert.equal(plan.next(START), undefined);
  for (const offer of first) plan.settle(offer, 'taken', START);
  const rest = offerAll(plan, START);
  assert.equal(new Set(toldOf([...first, ...rest])).size, 15);
  assert.equal(rest.length, 15 - OFFERS_MAX);
  assert.ok(!plan.isBusy);
});

test('who does not answer rests, twice as long each time up to a minute, and holds up no offer to others', () => {
  const { plan } = planOf(3);
  let now = START;
  const askedA: number[] = [];
  for (const endAt = later(now, 300_000); now < endAt; now = later(now, 1000)) {
    const made = offerAll(plan, now, ({ keeper }) => (keeper === A ? 'failed' : 'taken'));
    if (now === START) assert.equal(made.filter(({ keeper }) => keeper !== A).length, 6);
    for (const { keeper } of made) if (keeper === A) askedA.push((now - START) / 1000);
  }
  assert.deepEqual(askedA, [0, 2, 6, 14, 30, 62, 122, 182, 242]);
  assert.ok(plan.isBusy);
  assert.equal(offerAll(plan, later(now, 60_000)).length, 3, 'it takes them in the end');
  assert.ok(!plan.isBusy);
});

test('others who keep the hash now are offered it, whether the change was told or not', () => {
  for (const isTold of [true, false]) {
    const { plan, ring } = planOf(2);
    offerAll(plan, START);
    ring.keepers = [B, D];
    if (isTold) plan.reconsider();
    assert.equal(offerAll(plan, later(START, 1000)).length, isTold ? 2 : 0);
    const later60 = offerAll(plan, later(START, 60_000));
    assert.deepEqual(
      later60.map(({ keeper }) => keeper),
      isTold ? [] : [D, D],
    );
  }
});

test('who was no keeper for a while is offered it again', () => {
  const { plan, ring } = planOf(1);
  offerAll(plan, START);
  for (const keepers of [[B], [A, B]]) {
    ring.keepers = keepers;
    plan.reconsider();
    const made = offerAll(plan, START);
    assert.deepEqual(
      made.map(({ keeper }) => keeper),
      keepers.length === 1 ? [] : [A],
    );
  }
});

test('who refused an entry is left alone with it for ten minutes, who knows of other keepers for some seconds', () => {
  const { plan } = planOf(1, [A, B]);
  offerAll(plan, START, ({ keeper }) => (keeper === A ? 'refused' : 'elsewhere'));
  assert.equal(offerAll(plan, later(START, 4999)).length, 0);
  assert.deepEqual(toldOf(offerAll(plan, later(START, 5000))), [`${infoHashOf(0)} ${B}`]);
  assert.equal(offerAll(plan, later(START, 599_999)).length, 0);
  assert.deepEqual(toldOf(offerAll(plan, later(START, 600_000))), [`${infoHashOf(0)} ${A}`]);
});

test('an entry that takes the place of one under way is offered to everybody', () => {
  for (const outcome of ['taken', 'failed'] as const) {
    const { plan } = planOf(1, [A, B]);
    const old = plan.next(START)!;
    plan.add(infoHashOf(0));
    plan.settle(old, outcome, START);
    assert.equal(offerAll(plan, later(START, 10_000)).length, 2, outcome);
    assert.ok(!plan.isBusy);
  }
});

test('an entry that was taken back is offered no more, also when its last offer failed', () => {
  const { plan } = planOf(1, [A]);
  const offer = plan.next(START)!;
  plan.remove(infoHashOf(0));
  plan.settle(offer, 'failed', START);
  assert.ok(!plan.isBusy);
  assert.equal(plan.next(later(START, 100_000)), undefined);
});

test('an entry that somebody waits for is offered to all its keepers, whatever else is under way', () => {
  const { plan } = planOf(10);
  for (let i = 0; i < OFFERS_MAX; i++) plan.next(START);
  const offers = plan.offersOf(infoHashOf(9), START);
  assert.deepEqual(
    offers.map(({ keeper }) => keeper),
    [A, B, C],
  );
  assert.deepEqual(plan.offersOf(infoHashOf(9), START), []);
  assert.deepEqual(plan.offersOf('f'.repeat(40) as InfoHash, START), []);
});

test('as many entries as there may be, of which nobody takes any, cost little at a time', () => {
  const { plan, ring } = planOf(OWN_ENTRIES_MAX, [A, B]);
  assert.equal(plan.add('f'.repeat(40) as InfoHash), false);
  offerAll(plan, START, () => 'failed');
  ring.looks = 0;
  assert.equal(plan.next(START), undefined);
  assert.ok(ring.looks <= 600, `${ring.looks} looks`);
});

test('all have their turn', () => {
  const { plan } = planOf(5000, [A, B]);
  offerAll(plan, START, () => 'failed');
  const offered = new Set(offerAll(plan, later(START, 2000)).map(({ infoHash }) => infoHash));
  assert.equal(offered.size, 5000);
});
