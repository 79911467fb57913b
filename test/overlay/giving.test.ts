// The giver's side of a hand-off while its range changes under it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { instant } from '../../src/base/index.ts';
import { verify } from '../../src/io/identity.ts';
import { Context } from '../../src/overlay/context.ts';
import { Copies } from '../../src/overlay/copies.ts';
import { Givings } from '../../src/overlay/giving.ts';
import type { Token } from '../../src/overlay/index.ts';
import { Replication } from '../../src/overlay/replication.ts';
import { identity, NOW, sha1 } from './fixtures.ts';
import { MapKeeper } from './mesh.ts';

const at = (digit: string): Token => digit.padEnd(40, '0') as Token;
const contact = (n: number) => ({ nodeId: identity(n).nodeId, address: { host: `10.0.0.${n}`, port: 7373 } });
const LOAD = { peers: 1, announcesPerSecond: 10 };

function giver(): { givings: Givings; copies: Copies; context: Context } {
  const { nodeId, sign } = identity(1);
  const capacity = { announcesPerSecond: 1000, peers: 1000, hashes: 1000, trackingBytesPerSecond: 1000 };
  const settings = {
    ...{
      network: 'monsoon',
      self: nodeId,
      sign,
      verify,
      sha1,
      random: () => 0.5,
      role: 'supernode' as const,
      capacity,
    },
    ...{ addresses: () => [contact(1).address], roles: () => 0, keeper: new MapKeeper(), term: 0, sequence: 0 },
  };
  const context = new Context(settings, instant(0), NOW);
  const copies = new Copies(context, () => 1000);
  const replication = new Replication(context, copies, () => {});
  const events = { changed: () => {}, spread: () => {} };
  return { givings: new Givings(context, copies, replication, events), copies, context };
}

test('a part that is being given is not given a second time when somebody came to sit before its end', () => {
  const { givings, copies, context } = giver();
  const range = { from: at('1'), to: at('8'), epoch: 0, by: 'token' } as const;
  const asked = () => context.exchanges.take().flatMap((effect) => (effect.type === 'ask' ? [effect] : []));
  givings.begin(range, at('4'), contact(2), LOAD);
  const [offer] = asked();
  context.exchanges.settle(offer!.exchange, { type: 'accepted' });
  assert.equal(copies.has(1), true);

  const cutShort = { ...range, from: at('3') };
  givings.begin(cutShort, at('4'), contact(3), LOAD);
  assert.deepEqual(asked(), []);
  assert.equal(givings.isGivingOf(cutShort), true);

  givings.forget(contact(2).nodeId);
  assert.equal(copies.isEmpty, true, 'the first copy ends with its hand-off');
  givings.begin(cutShort, at('4'), contact(3), LOAD);
  assert.equal(asked()[0]?.message.type, 'offer');
});

test('what is left of a range above a part that is being given is no part of it', () => {
  const { givings } = giver();
  const range = { from: at('1'), to: at('8'), epoch: 0, by: 'token' } as const;
  givings.begin(range, at('4'), contact(2), LOAD);
  assert.equal(givings.isGivingOf({ ...range, from: at('4') }), false);
});
