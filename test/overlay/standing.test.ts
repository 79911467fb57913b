// One node's way through elections, with witnesses that answer what the test says.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { instant, type NodeId, wallSeconds } from '../../src/base/index.ts';
import { verify } from '../../src/io/identity.ts';
import { Context } from '../../src/overlay/context.ts';
import { votedBytes } from '../../src/overlay/index.ts';
import { Standing } from '../../src/overlay/standing.ts';
import type { Seat } from '../../src/overlay/token.ts';
import { candidacy, identity, NOW, sha1, unsigned } from './fixtures.ts';
import { MapKeeper } from './mesh.ts';

const ADDRESS = { host: '10.0.0.1', port: 7373 };
const OTHERS = [2, 3, 4, 5];
const CAPACITY = { announcesPerSecond: 1000, peers: 1000, hashes: 1000, trackingBytesPerSecond: 1000 };

class Candidate {
  readonly context: Context;
  readonly standing: Standing;
  /** Ends the claim that runs. */
  take: () => void = () => {};
  leave: () => void = () => {};

  constructor() {
    const { nodeId, sign } = identity(1);
    const settings = {
      ...{ network: 'monsoon', self: nodeId, sign, verify, sha1, random: () => 0.5, role: 'supernode' as const },
      ...{
        addresses: () => [ADDRESS],
        capacity: CAPACITY,
        roles: () => 0,
        keeper: new MapKeeper(),
        term: 0,
        sequence: 0,
      },
    };
    this.context = new Context(settings, instant(0), NOW);
    this.standing = new Standing(this.context, {
      refresh: (_from, then) => then(),
      claim: (_draft, take) => {
        this.take = take;
      },
      changed: () => {},
      termEnded: () => {},
      handOver: (leave) => {
        this.leave = leave;
      },
    });
  }

  know(others: readonly number[]): void {
    for (const n of others) this.context.view.offer(unsigned(n, { expires: wallSeconds(NOW + 90_000) }));
  }

  pass(seconds: number): void {
    this.context.now = instant(this.context.now + 1000 * seconds);
    this.standing.tick();
  }

  nominate(): void {
    assert.equal(this.standing.acceptNomination({ nodeId: identity(2).nodeId, address: ADDRESS }), true);
  }

  /** Answers what witnesses are asked; how many votes were asked for. */
  answerVotes(gives: boolean): number {
    const asked = this.context.exchanges.take().flatMap((effect) => (effect.type === 'ask' ? [effect] : []));
    const votes = asked.flatMap(({ exchange, to, message }) =>
      message.type === 'vote' ? [{ exchange, to, message }] : [],
    );
    for (const { exchange, to, message } of votes) {
      const { term, issued, seat } = message;
      const changes = { host: ADDRESS.host, term, issued: wallSeconds(issued), seat: seat as Seat | undefined };
      const signature = signerOf(to.nodeId)(votedBytes(candidacy(1, changes)));
      this.context.exchanges.settle(
        exchange,
        gives ? { type: 'voted', signature } : { type: 'refused', why: 'a test' },
      );
    }
    return votes.length;
  }
}

const signerOf = (nodeId: NodeId) => identity(OTHERS.find((n) => identity(n).nodeId === nodeId)!).sign;

test('who leaves and serves again while it claimed another seat renews its votes all the same', () => {
  const node = new Candidate();
  node.standing.noteAlone(0);
  assert.equal(node.standing.phase, 'serving');
  node.know(OTHERS);
  node.pass(15);
  assert.equal(node.answerVotes(false), 4, 'those who do not know it do not renew');
  assert.equal(node.answerVotes(true), 4, 'it is elected anew');
  node.standing.order('client');
  node.leave();
  node.standing.noteLeft();
  node.standing.order('supernode');
  node.nominate();
  assert.equal(node.answerVotes(true), 4);
  node.take();
  assert.equal(node.standing.phase, 'serving');
  node.pass(5000);
  assert.equal(node.answerVotes(true), 0, 'its votes count for long still');
  node.pass(700);
  assert.equal(node.answerVotes(true), 4, 'three quarters of the time of its votes are over');
});

test('who is said to be silent without end refutes it at once, and then ever less often', () => {
  const node = new Candidate();
  node.standing.noteAlone(0);
  const self = identity(1).nodeId;
  const refuted: number[] = [];
  for (let second = 0; second < 3600; second++) {
    const { sequence } = node.context.view.get(self)!;
    node.standing.refute(sequence);
    node.pass(1);
    if (node.context.view.get(self)!.sequence > sequence) refuted.push(second);
  }
  assert.deepEqual(refuted.slice(0, 4), [0, 2, 4, 8]);
  assert.ok(refuted.length < 20, `${refuted.length} descriptors in an hour`);
  node.pass(2 * 3600);
  node.pass(3600);
  const { sequence } = node.context.view.get(self)!;
  node.standing.refute(sequence);
  node.pass(1);
  assert.ok(node.context.view.get(self)!.sequence > sequence, 'what is long past is forgiven');
});

test('a load that changes is told once a minute by a few, and ever less often the more hear of it', () => {
  const told = (members: number): number => {
    const node = new Candidate();
    node.standing.noteAlone(0);
    const lasting = { expires: wallSeconds(NOW + 90_000) };
    for (let n = 2; n <= members; n++) node.context.view.offer(unsigned(n, lasting));
    const self = identity(1).nodeId;
    let count = 0;
    for (let second = 0; second < 900; second++) {
      const { sequence } = node.context.view.get(self)!;
      node.standing.load = second % 2 === 0 ? 255 : 0;
      node.pass(1);
      if (node.context.view.get(self)!.sequence > sequence) count++;
    }
    return count;
  };
  assert.equal(told(3), 14);
  assert.equal(told(30), 2);
});
