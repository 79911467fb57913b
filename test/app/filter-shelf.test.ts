// The filter lists that a supernode keeps for others: whoever brings too many pushes out its own.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FilterShelf, SHELF_BYTES_MAX, SHELF_LISTS_MAX } from '../../app/listing/filter-shelf.ts';
import { wallNow } from '../../src/io/alarm-clock.ts';
import { FILTER_LIST_BYTES_MAX, sealFilterList } from '../../src/listing/index.ts';
import type { Ownership } from '../../src/ports/index.ts';
import { newSigner, type Signer } from '../listing/signer.ts';

const EVERYTHING: Ownership = {
  ownerOf: () => 'self',
  roleOf: () => 'owner',
  copiesOf: () => [],
  recordsOf: () => [],
};
/** What a network may bring at once. */
const BURST = 32;

function listOf({ nodeId, sign }: Signer, bytes: number): Uint8Array {
  const rules = '#'.repeat(bytes);
  return sealFilterList({ author: nodeId, title: 'any', sequence: 1, published: wallNow(), rules }, sign)!;
}

test('one network that fills the shelf leaves the lists of others on it', () => {
  const shelf = new FilterShelf(() => EVERYTHING);
  const honest = newSigner();
  assert.equal(shelf.offer(listOf(honest, 1000), '198.51.100'), true);
  const large = FILTER_LIST_BYTES_MAX - 1000;
  const needed = Math.ceil(SHELF_BYTES_MAX / large) + BURST;
  const brought: Signer[] = [];
  for (let network = 0; brought.length < needed; network++) {
    for (let i = 0; i < BURST; i++) {
      brought.push(newSigner());
      assert.equal(shelf.offer(listOf(brought.at(-1)!, large), `203.0.${network}`), true);
    }
  }
  const left = brought.filter(({ nodeId }) => shelf.newerThan(nodeId, 0) !== undefined).length;
  assert.ok(left > 0 && left < brought.length && left <= SHELF_LISTS_MAX, `${left} of ${brought.length}`);
  assert.notEqual(shelf.newerThan(honest.nodeId, 0), undefined);
});
