import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomBelow, seededRandom } from '../../src/base/index.ts';
import { BuddyBlocks, ORDER_MIN } from '../../tracker/buddy-blocks.ts';
import { keyedHash } from '../../tracker/keyed-hash.ts';

const BUCKETS = 256;

function bucketOf(number: number, key: { k0: number; k1: number }): number {
  const bytes = new Uint8Array(20);
  new DataView(bytes.buffer).setUint32(0, number);
  return keyedHash(key, bytes, 0, 20) % BUCKETS;
}

test('info hashes ground to meet in one bucket under one key spread out under another', () => {
  const ground: number[] = [];
  for (let number = 0; ground.length < 250; number++) {
    if (bucketOf(number, { k0: 1, k1: 2 }) === 7) ground.push(number);
  }
  for (const key of [
    { k0: 1, k1: 3 },
    { k0: 0, k1: 2 },
    { k0: 0xffffffff, k1: 0x80000000 },
  ]) {
    // 250 draws from 256 buckets leave about 160 different ones.
    const spread = new Set(ground.map((number) => bucketOf(number, key))).size;
    assert.ok(spread > 130 && spread < 190, `${spread} buckets`);
  }
});

test('the hash takes in every byte, the length, and only the given range', () => {
  const key = { k0: 5, k1: 6 };
  for (let length = 0; length <= 18; length++) {
    const bytes = new Uint8Array(32);
    const base = keyedHash(key, bytes, 3, length);
    assert.notEqual(keyedHash(key, bytes, 3, length + 1), base);
    for (let at = 0; at < bytes.length; at++) {
      bytes[at] = 1;
      assert.equal(keyedHash(key, bytes, 3, length) === base, at < 3 || at >= 3 + length, `byte ${at} of ${length}`);
      bytes[at] = 0;
    }
  }
});

test('blocks never overlap, are aligned, and merge back into one', (t) => {
  const seed = Math.floor(Math.random() * 2 ** 32);
  t.diagnostic(`seed ${seed}`);
  const random = seededRandom(seed);
  const blocks = new BuddyBlocks(1024);
  const taken: { offset: number; order: number }[] = [];
  const owners = new Uint8Array(1024);
  let refused = 0;
  for (let step = 0; step < 20_000; step++) {
    if (random() < 0.55) {
      const order = ORDER_MIN + randomBelow(random, 6);
      const offset = blocks.take(order);
      if (offset < 0) {
        refused++;
        continue;
      }
      assert.equal(offset % 2 ** order, 0);
      const run = owners.subarray(offset, offset + 2 ** order);
      assert.equal(run.length, 2 ** order);
      assert.ok(run.every((owner) => owner === 0));
      run.fill(1);
      taken.push({ offset, order });
    } else if (taken.length > 0) {
      const { offset, order } = taken.splice(randomBelow(random, taken.length), 1)[0]!;
      owners.fill(0, offset, offset + 2 ** order);
      blocks.give(offset, order);
    }
  }
  assert.equal(blocks.countFree(), owners.filter((owner) => owner === 0).length);
  assert.ok(refused > 0, 'the space was full at times');
  for (const { offset, order } of taken) blocks.give(offset, order);
  assert.equal(blocks.take(10), 0, 'the whole space is one block again');
});
