import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type BencodeInput, decodeBencode, isFault, sealRecord, wallSeconds } from '../../src/base/index.ts';
import { type Token, View } from '../../src/overlay/index.ts';
import { LEVEL_MAX, openWidening, sealWidening, type WideningTerms } from '../../src/overlay/widening.ts';
import { grantBy, identity, NOW, nameOf, rules, sha1, unsigned, widening } from './fixtures.ts';

const { nodeId, sign } = identity(1);
const seal = (changes: Partial<WideningTerms> = {}): Uint8Array => sealWidening(widening(changes), sign).record;
const codeOf = (record: Uint8Array): string => {
  const opened = openWidening(record, rules, NOW);
  return isFault(opened) ? opened.code : 'opened';
};
const reseal = (changes: Record<string, BencodeInput | undefined>, context = 'widening-1'): Uint8Array => {
  const body = decodeBencode(seal().subarray(64));
  assert.ok(body instanceof Map);
  return sealRecord(context, { ...Object.fromEntries(body), ...changes }, nodeId, sign);
};

test('a widening opens as it was sealed, and its bytes are those that its header promises', () => {
  const opened = openWidening(seal(), rules, NOW);
  assert.ok(!isFault(opened));
  const { record, ...said } = opened;
  assert.deepEqual(said, widening());
  const key = Buffer.from(nodeId, 'hex').toString('latin1');
  assert.equal(
    Buffer.from(record.subarray(64)).toString('latin1'),
    `d1:h20:${'\x01'.repeat(20)}1:k32:${key}1:li3e1:n7:monsoon1:qi1800000000e1:xi1800000600ee`,
  );
});

test('a widening lasts ten minutes, and is taken for twenty at most', () => {
  const until = (seconds: number): string => codeOf(seal({ expires: wallSeconds(NOW + seconds) }));
  assert.deepEqual([-1, 0, 1, 1200, 1201].map(until), [
    'widening-expired',
    'widening-expired',
    'opened',
    'opened',
    'widening-expired',
  ]);
});

test('what is missing, out of bounds, forged or of another network is refused', () => {
  const wrong: Record<string, readonly (BencodeInput | undefined)[]> = {
    h: [undefined, 1, 'short', new Uint8Array(21)],
    l: [undefined, 'x', 0, LEVEL_MAX + 1],
    n: [undefined, 1],
    q: [undefined, 'x', 0, 2 ** 48],
    x: [undefined, 'x', 2n ** 60n],
  };
  for (const [key, values] of Object.entries(wrong))
    for (const value of values) assert.equal(codeOf(reseal({ [key]: value })), 'widening-malformed', `${key} ${value}`);
  assert.equal(codeOf(seal({ network: 'typhoon' })), 'widening-other-network');
  assert.equal(codeOf(reseal({}, 'grant-1')), 'record-forged');
  const forged = seal();
  forged[3]! ^= 1;
  assert.equal(codeOf(forged), 'record-forged');
});

test('a hash that is handed over stays wide, around its new owner', () => {
  const view = new View(sha1);
  for (const n of [1, 2, 3, 4, 5]) view.offer(unsigned(n));
  const { infoHash } = widening();
  const { nodeId: owner } = view.ring.ownerOf(infoHash)!;
  const terms = widening({ owner: owner as never, level: 1 });
  assert.ok(view.offerWidening({ ...terms, record: new Uint8Array(1) }));
  const giver = [1, 2, 3, 4, 5].find((n) => identity(n).nodeId === owner)!;
  const taker = 1 + (giver % 5);
  const { from } = view.ring.rangeAt(infoHash)!;
  assert.ok(view.offerGrant(grantBy(giver, taker, { from, to: infoHash as string as Token })));
  assert.equal(view.ring.ownerOf(infoHash)!.nodeId, identity(taker).nodeId);
  assert.deepEqual(view.wideOwnersOf(infoHash)!.map(nameOf), view.ring.membersAfter(infoHash, 2).map(nameOf));
});

test('only the owner of a hash widens it, and only while it owns it', () => {
  const view = new View(sha1);
  const members = [1, 2, 3, 4, 5].map((n) => unsigned(n));
  for (const member of members) view.offer(member);
  const { infoHash } = widening();
  const owner = view.ring.ownerOf(infoHash)!;
  const by = (of: string, changes: Partial<WideningTerms> = {}): boolean => {
    const terms = widening({ owner: of as never, level: 1, ...changes });
    return view.offerWidening({ ...terms, record: new Uint8Array(1) });
  };
  assert.equal(by(members.find((member) => member !== owner)!.nodeId), false);
  assert.equal(view.wideOwnersOf(infoHash), undefined);
  assert.equal(by(owner.nodeId), true);
  assert.deepEqual(view.wideOwnersOf(infoHash)!.map(nameOf), view.ring.membersAfter(infoHash, 2).map(nameOf));
  assert.equal(by(owner.nodeId), false, 'the same again');
  assert.equal(by(owner.nodeId, { sequence: NOW + 1, level: LEVEL_MAX }), true);
  assert.equal(view.wideOwnersOf(infoHash)!.length, members.length);
  view.drop(owner.nodeId);
  assert.equal(view.wideOwnersOf(infoHash), undefined, 'its owner is gone');
  assert.equal(by(view.ring.ownerOf(infoHash)!.nodeId), true, 'the next owner widens anew, whatever the sequence');
  view.expire(wallSeconds(NOW + 600));
  assert.equal(view.wideningOf(infoHash), undefined);
});
