import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isFault, wallSeconds } from '../../src/base/index.ts';
import { compareCandidates, factsOf, isSuccessor, openEntry, sealEntry, verifiedBy } from '../../src/listing/index.ts';
import { entryOf, infoHashOf, NOW, newSigner, nodeIdOf, verify } from './signer.ts';

const signer = newSigner();
const info = {
  infoHash: infoHashOf(1),
  name: 'Album\u202e (2019)\ud800 ',
  files: [
    { length: 100, isPadding: false },
    { length: 16_284, isPadding: true },
    { length: 0, isPadding: false },
  ],
};

test('an entry made from metadata is verified by it, padding not counted', () => {
  const sealed = sealEntry(entryOf(signer, factsOf(info)), signer.sign);
  const entry = openEntry(sealed, verify, NOW);
  assert.ok(!isFault(entry));
  assert.deepEqual([entry.name, entry.size, entry.files], ['Album (2019)', 100, 2]);
  assert.equal(verifiedBy(entry, info), true);
});

test('a name of nothing visible is listed as an underscore', () => {
  assert.equal(factsOf({ ...info, name: '\u200b' }).name, '_');
});

test('a long name is verified by its first 200 units', () => {
  const long = { ...info, name: `${'x'.repeat(199)}😀` };
  const entry = openEntry(sealEntry(entryOf(signer, factsOf(long)), signer.sign), verify, NOW);
  assert.ok(!isFault(entry));
  assert.equal(verifiedBy(entry, long), true);
});

test('an entry that lies about hash, name, size or files is refused', () => {
  for (const lie of [{ infoHash: infoHashOf(2) }, { name: 'Album' }, { size: 101 }, { files: 3 }]) {
    const verdict = verifiedBy(entryOf(signer, { ...factsOf(info), ...lie }), info);
    assert.ok(isFault(verdict) && verdict.code === 'entry-untrue', JSON.stringify(lie));
  }
});

test('only a higher sequence replaces an entry', () => {
  assert.ok(isSuccessor({ sequence: 1 }, undefined));
  assert.ok(isSuccessor({ sequence: 6 }, { sequence: 5 }));
  assert.ok(!isSuccessor({ sequence: 5 }, { sequence: 5 }));
  assert.ok(!isSuccessor({ sequence: 4 }, { sequence: 5 }));
});

test('of several publishers the verified one is shown, then the oldest, then one that all nodes agree on', () => {
  const candidates = [
    { isVerified: false, published: wallSeconds(1), publisher: nodeIdOf(1) },
    { isVerified: true, published: wallSeconds(9), publisher: nodeIdOf(4) },
    { isVerified: true, published: wallSeconds(5), publisher: nodeIdOf(3) },
    { isVerified: true, published: wallSeconds(5), publisher: nodeIdOf(2) },
  ];
  const order = candidates.toSorted(compareCandidates).map(({ publisher }) => publisher);
  assert.deepEqual(order, [2, 3, 4, 1].map(nodeIdOf));
});
