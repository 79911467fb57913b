// Which contacts a newcomer asks, and whose answers it uses: no kind of source is above half, whatever the others do.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type NodeId, parseNodeId, randomBelow, seededRandom } from '../../src/base/index.ts';
import {
  CONTACTS_MAX,
  CONTACTS_PER_KIND_MAX,
  type FirstContact,
  FirstContacts,
  NAMED_MAX,
  networkOf,
  SOURCE_KINDS,
  type SourceKind,
} from '../../src/overlay/index.ts';
import { SEED } from '../seed.ts';

const nodeOf = (n: number): NodeId => parseNodeId(n.toString(16).padStart(64, '0'))!;

function contactOf(kind: SourceKind, n: number, host = `${20 + (n % 200)}.${n >> 8}.1.1`): FirstContact {
  return { kind, source: kind, address: { host, port: 7373 }, nodeId: nodeOf(n) };
}

/** Asks whoever may be asked now, and has all of them answer. */
function answerAll(contacts: FirstContacts<FirstContact>): FirstContact[] {
  const used = contacts.take();
  for (let next = contacts.next(); next; next = contacts.next()) {
    contacts.noteAnswer(next, next);
    used.push(...contacts.take());
  }
  return used;
}

const countOf = (used: readonly FirstContact[], kind: SourceKind): number =>
  used.filter((contact) => contact.kind === kind).length;

test('N-32 five kinds of source are asked at the same time', () => {
  const contacts = new FirstContacts<FirstContact>(SOURCE_KINDS);
  for (const [i, kind] of SOURCE_KINDS.entries()) contacts.offer(contactOf(kind, i + 1));
  const asked = SOURCE_KINDS.map(() => contacts.next()!.kind);
  assert.deepEqual(asked.toSorted(), SOURCE_KINDS.toSorted());
});

test('a kind that is fast is used once, and then waits for the others', () => {
  const contacts = new FirstContacts<FirstContact>(['lan', 'dns']);
  for (let i = 0; i < 20; i++) contacts.offer(contactOf('lan', i));
  assert.equal(answerAll(contacts).length, 1);
  assert.equal(contacts.isOver, false);
  contacts.offer(contactOf('dns', 100));
  const used = answerAll(contacts);
  assert.deepEqual(
    used.map(({ kind }) => kind),
    ['dns'],
  );
  for (let i = 0; i < 20; i++) contacts.offer(contactOf('dns', 200 + i));
  const both = [contactOf('lan', 0), ...used, ...answerAll(contacts)];
  assert.equal(countOf(both, 'lan'), CONTACTS_PER_KIND_MAX);
  assert.equal(countOf(both, 'dns'), CONTACTS_PER_KIND_MAX);
  assert.equal(contacts.isOver, true);
});

test('the only kind that has anybody is used, up to its share, once the others have nothing more to say', () => {
  const contacts = new FirstContacts<FirstContact>(['told', 'dht', 'dns']);
  for (let i = 0; i < 20; i++) contacts.offer(contactOf('told', i));
  assert.equal(answerAll(contacts).length, 1);
  contacts.finish('dht');
  contacts.offer(contactOf('dns', 99));
  const silent = contacts.next()!;
  assert.equal(silent.kind, 'dns');
  contacts.finish('dns');
  contacts.noteSilence(silent);
  assert.equal(answerAll(contacts).length, CONTACTS_PER_KIND_MAX - 1);
  contacts.finish('told');
  assert.equal(contacts.isOver, true);
});

test('of one kind those on other networks are asked first, and everybody once', () => {
  const contacts = new FirstContacts<FirstContact>(['cache']);
  for (const host of ['20.1.0.1', '20.1.0.2', '20.1.0.2', '20.2.0.1', '[x', '30.1.0.1']) {
    contacts.offer({ ...contactOf('cache', 1), address: { host, port: 7373 } });
  }
  const asked = [1, 2, 3, 4].map(() => contacts.next()!.address.host);
  assert.deepEqual(asked, ['20.1.0.1', '20.2.0.1', '[x', '30.1.0.1']);
  for (let i = 0; i < 2 * NAMED_MAX; i++) contacts.offer(contactOf('cache', i));
  assert.equal(contacts.next(), undefined);
});

test('whatever answers, is silent or comes late, no kind is above half but the first to answer and the only one', () => {
  const seed = SEED;
  for (let round = 0; round < 2000; round++) {
    const random = seededRandom(seed + round);
    const kinds = SOURCE_KINDS.filter(() => random() < 0.7);
    const contacts = new FirstContacts<FirstContact>(kinds);
    const asking: FirstContact[] = [];
    const used: FirstContact[] = [];
    const searching = new Set(kinds);
    for (let step = 0; step < 200 && !contacts.isOver; step++) {
      const kind = SOURCE_KINDS[randomBelow(random, SOURCE_KINDS.length)]!;
      if (random() < 0.4 && searching.has(kind)) contacts.offer(contactOf(kind, step));
      if (random() < 0.1 && searching.delete(kind)) contacts.finish(kind);
      const next = contacts.next();
      if (next) asking.push(next);
      const [ended] = asking.length > 0 && random() < 0.5 ? asking.splice(randomBelow(random, asking.length), 1) : [];
      if (ended && random() < 0.6) contacts.noteAnswer(ended, ended);
      else if (ended) contacts.noteSilence(ended);
      used.push(...contacts.take());
      for (const each of kinds) {
        const count = countOf(used, each);
        const others = used.length - count;
        assert.ok(count <= CONTACTS_PER_KIND_MAX, `seed ${seed + round}`);
        assert.ok(others === 0 || count <= others, `seed ${seed + round}`);
      }
      assert.ok(used.length <= CONTACTS_MAX);
    }
  }
});

interface Join {
  readonly honest: number;
  readonly hostile: number;
}

/**
 * One join in virtual time. Four kinds of source are honest: each is there in three of four joins (but never fewer than
 * two of them), takes up to 5 s, and names up to six supernodes of which three of ten are gone, but not all. The fifth is an attacker's: it
 * names as many as it likes, at once, and all of them answer at once.
 */
function joined(owned: SourceKind, seed: number): Join {
  const random = seededRandom(seed);
  const contacts = new FirstContacts<FirstContact>(SOURCE_KINDS);
  let isAnyThere = false;
  const events: { readonly at: number; readonly happen: () => void }[] = [];
  const used: FirstContact[] = [];
  let now = 0;
  const later = (ms: number, happen: () => void): void => void events.push({ at: now + ms, happen });
  const pump = (): void => {
    used.push(...contacts.take());
    for (let next = contacts.next(); next; next = contacts.next()) {
      const asked = next;
      const isHostile = asked.kind === owned;
      const isThere = isHostile || !isAnyThere || random() < 0.7;
      isAnyThere ||= !isHostile;
      later(isHostile ? 1 : isThere ? 20 + 400 * random() : 2000, () => {
        if (isThere) contacts.noteAnswer(asked, asked);
        else contacts.noteSilence(asked);
        pump();
      });
    }
  };
  const honest = SOURCE_KINDS.filter((kind) => kind !== owned);
  const there = honest.filter(() => random() < 0.75);
  const up = there.length >= 2 ? there : honest.slice(0, 2);
  for (const kind of SOURCE_KINDS) {
    const count = kind === owned ? 50 : up.includes(kind) ? 2 + randomBelow(random, 5) : 0;
    later(kind === owned ? 0 : 5000 * random() ** 3, () => {
      for (let i = 0; i < count; i++) contacts.offer(contactOf(kind, i));
      contacts.finish(kind);
      pump();
    });
  }
  for (let at = 0; events.length > 0 && !contacts.isOver; at++) {
    events.sort((a, b) => b.at - a.at);
    const { at: due, happen } = events.pop()!;
    now = due;
    happen();
    assert.ok(at < 1000);
  }
  return { honest: used.length - countOf(used, owned), hostile: countOf(used, owned) };
}

test('an attacker that owns one of the five sources: of 1,000 joins each knows an honest node, and 95 % at least half', (t) => {
  const seed = SEED;
  const joins = Array.from({ length: 1000 }, (_, i) => joined(SOURCE_KINDS[i % SOURCE_KINDS.length]!, seed + i));
  const withHalf = joins.filter(({ honest, hostile }) => honest >= hostile).length;
  const fewest = Math.min(...joins.map(({ honest }) => honest));
  t.diagnostic(`fewest honest contacts ${fewest}; at least half in ${withHalf} of ${joins.length}`);
  assert.ok(fewest >= 1, `seed ${seed}: a join met ${fewest} honest nodes`);
  assert.ok(withHalf >= 950, `seed ${seed}: at least half in ${withHalf}`);
});

test('the network of an address is what its owner has to pay for', () => {
  assert.equal(networkOf('20.1.2.3'), '20.1');
  assert.equal(networkOf('2a01:1:2::3'), '42.1.0.1');
  assert.equal(networkOf('192.168.1.2'), 'private');
  assert.equal(networkOf('example.org'), 'private');
});
