import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type BencodeInput,
  cleanText,
  type Fault,
  infoHashBytes,
  isFault,
  sealRecord,
  utf8,
  wallSeconds,
} from '../../src/base/index.ts';
import {
  CATEGORIES,
  CLOCK_SKEW_SECONDS,
  ENTRY_BYTES_MAX,
  ENTRY_CONTEXT,
  type Entry,
  FILES_MAX,
  openEntry,
  parseClaims,
  sealEntry,
} from '../../src/listing/index.ts';
import { entryOf, infoHashOf, NOW, newSigner, verify } from './signer.ts';

const signer = newSigner();
const BODY: Record<string, BencodeInput> = {
  c: 0,
  f: 1,
  h: infoHashBytes(infoHashOf(1)),
  n: 'name',
  p: NOW,
  q: 1,
  s: 0,
};

/** Seals a body that our own sealEntry would never make. */
function opened(changes: Record<string, BencodeInput | undefined>): Entry | Fault {
  return openEntry(sealRecord(ENTRY_CONTEXT, { ...BODY, ...changes }, signer.nodeId, signer.sign), verify, NOW);
}

function codeOf(result: Entry | Fault): string | undefined {
  return isFault(result) ? result.code : undefined;
}

test('an entry comes back as it was sealed', () => {
  for (const category of CATEGORIES) {
    const entry = entryOf(signer, { category });
    assert.deepEqual(openEntry(sealEntry(entry, signer.sign), verify, NOW), entry);
  }
  const bare = entryOf(signer, { tags: [], description: '', size: 0, files: 1, sequence: Number.MAX_SAFE_INTEGER });
  assert.deepEqual(openEntry(sealEntry(bare, signer.sign), verify, NOW), bare);
});

test('the bytes of an entry are those the format documents', () => {
  const bytes = sealEntry(entryOf(signer, { tags: ['tv'], description: 'x', isWithdrawn: true }), () =>
    new Uint8Array(64).fill(0x53),
  );
  const binary = (text: Uint8Array | string): string => Buffer.from(text as Uint8Array).toString('latin1');
  const hash = binary(infoHashBytes(infoHashOf(1)));
  const key = binary(Buffer.from(signer.nodeId, 'hex'));
  assert.equal(
    binary(bytes),
    `${'S'.repeat(64)}d1:ci0e1:d1:x1:fi12e1:h20:${hash}1:k32:${key}1:n14:Silicon Valley` +
      '1:pi1790000000e1:qi1e1:si734003200e1:tl2:tve1:wi1ee',
  );
});

test('a tombstone opens with neither name nor files', () => {
  const tombstone = entryOf(signer, { isWithdrawn: true, name: '', files: 0, size: 0, description: '', tags: [] });
  assert.deepEqual(openEntry(sealEntry(tombstone, signer.sign), verify, NOW), tombstone);
});

test('whatever a publisher says, the sealed entry has at most 1,024 bytes and opens', () => {
  const seed = Date.now() & 0x7fffffff;
  const tag = fc.stringMatching(/^[a-z0-9-]{1,20}$/);
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.string({ unit: 'binary', maxLength: 1200 }),
      fc.uniqueArray(tag, { maxLength: 5 }),
      fc.maxSafeNat(),
      (name, description, tags, size) => {
        const sealed = sealEntry(entryOf(signer, { name, description, tags, size }), signer.sign);
        assert.ok(sealed.length <= ENTRY_BYTES_MAX);
        const entry = openEntry(sealed, verify, NOW);
        assert.ok(!isFault(entry), String(entry));
        assert.equal(entry.name, cleanText(name, 200) || '_');
        assert.ok(cleanText(description, 1024).startsWith(entry.description));
        assert.deepEqual(sealEntry(entry, signer.sign), sealed);
      },
    ),
    { seed, numRuns: 100 },
  );
});

test('a description fills what the other fields leave, cut at a character', () => {
  const sealed = sealEntry(entryOf(signer, { description: '😀'.repeat(400) }), signer.sign);
  const entry = openEntry(sealed, verify, NOW);
  assert.ok(!isFault(entry));
  assert.ok(sealed.length > ENTRY_BYTES_MAX - 4);
  assert.match(entry.description, /^(?:😀)+$/u);
});

test('every field out of its bounds refuses the entry', () => {
  const refused: Record<string, BencodeInput | undefined>[] = [
    { c: undefined },
    { c: -1 },
    { c: 5 },
    { c: 'movie' },
    { c: 2n ** 62n },
    { d: 1 },
    { d: Uint8Array.of(0xff) },
    { d: ['x'] },
    { f: undefined },
    { f: 0 },
    { f: -1 },
    { f: FILES_MAX + 1 },
    { f: 'x' },
    { h: undefined },
    { h: new Uint8Array(19) },
    { h: new Uint8Array(21) },
    { h: 7 },
    { n: undefined },
    { n: '' },
    { n: '\u200b\u202e \u0007' },
    { n: 'n'.repeat(201) },
    { n: Uint8Array.of(0xc0, 0x80) },
    { n: 5 },
    { p: undefined },
    { p: -1 },
    { p: 2n ** 60n },
    { p: 'now' },
    { q: undefined },
    { q: 0 },
    { q: -1 },
    { q: 2n ** 53n },
    { q: '1' },
    { s: undefined },
    { s: -1 },
    { s: 2n ** 53n },
    { s: 'big' },
    { t: 'tv' },
    { t: [1] },
    { t: [''] },
    { t: ['TV'] },
    { t: ['a b'] },
    { t: ['x'.repeat(21)] },
    { t: ['tv', 'tv'] },
    { t: ['a', 'b', 'c', 'd', 'e', 'f'] },
    { t: [['tv']] },
    { w: 0 },
    { w: 2 },
    { w: '1' },
  ];
  for (const changes of refused)
    assert.equal(codeOf(opened(changes)), 'entry-malformed', JSON.stringify(String(Object.entries(changes))));
});

test('every field at its bound is taken', () => {
  const taken: Record<string, BencodeInput | undefined>[] = [
    {},
    { c: 4 },
    { f: FILES_MAX },
    { s: Number.MAX_SAFE_INTEGER },
    { q: Number.MAX_SAFE_INTEGER },
    { n: 'n'.repeat(200) },
    { p: 0 },
    { t: [] },
    { t: ['a', 'b', 'c', 'd', 'x'.repeat(20)] },
    { w: 1, n: '', f: 0 },
    { d: '' },
  ];
  for (const changes of taken)
    assert.equal(codeOf(opened(changes)), undefined, JSON.stringify(String(Object.entries(changes))));
});

test('keys of later versions are ignored', () => {
  const entry = opened({ zz: ['later'], a: { b: 1 } });
  assert.ok(!isFault(entry));
  assert.equal(entry.name, 'name');
});

test('texts lose controls, bidi and zero-width characters', () => {
  const entry = opened({ n: 'Inno\u202ecent\u200b.exe\u0000\n!', d: ' a\tb\u2028c ' });
  assert.ok(!isFault(entry));
  assert.equal(entry.name, 'Innocent.exe !');
  assert.equal(entry.description, 'a b c');
});

test('an entry may be dated at most 10 minutes ahead', () => {
  assert.equal(codeOf(opened({ p: NOW + CLOCK_SKEW_SECONDS })), undefined);
  assert.equal(codeOf(opened({ p: NOW + CLOCK_SKEW_SECONDS + 1 })), 'entry-from-future');
  assert.equal(CLOCK_SKEW_SECONDS, 600);
});

test('a forged entry is refused whichever byte was changed', () => {
  const sealed = sealEntry(entryOf(signer), signer.sign);
  for (let at = 0; at < sealed.length; at++) {
    const forged = sealed.slice();
    forged[at]! ^= 1;
    assert.ok(isFault(openEntry(forged, verify, NOW)), `byte ${at}`);
  }
  const other = newSigner();
  assert.equal(codeOf(openEntry(sealEntry(entryOf(signer), other.sign), verify, NOW)), 'record-forged');
});

test('a record signed for another purpose is not an entry', () => {
  const descriptor = sealRecord('descriptor-1', BODY, signer.nodeId, signer.sign);
  assert.equal(codeOf(openEntry(descriptor, verify, NOW)), 'record-forged');
});

test('an entry over 1,024 bytes is refused before anything is read', () => {
  const never = (): boolean => assert.fail('looked at the signature');
  assert.equal(codeOf(openEntry(new Uint8Array(ENTRY_BYTES_MAX + 1), never, NOW)), 'record-too-large');
});

test('opening never throws on arbitrary or mutated bytes', () => {
  const seed = Date.now() & 0x7fffffff;
  const sealed = sealEntry(entryOf(signer), signer.sign);
  const body = sealed.subarray(64);
  const mutated = fc
    .tuple(fc.nat(body.length - 1), fc.nat(8), fc.uint8Array({ maxLength: 8 }))
    .map(([at, drop, bytes]) =>
      Buffer.concat([new Uint8Array(64), body.subarray(0, at), bytes, body.subarray(at + drop)]),
    );
  let reachedFields = 0;
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 1100 }), mutated), (bytes) => {
      const result = openEntry(bytes, () => true, NOW);
      if (!isFault(result) || result.code === 'entry-malformed') reachedFields++;
      if (!isFault(result)) assert.ok(result.name.length > 0 || result.isWithdrawn);
    }),
    { seed, numRuns: 5000 },
  );
  assert.ok(reachedFields > 100, `only ${reachedFields} inputs got past the envelope (seed ${seed})`);
});

test('claims that a user types are checked before they are signed', () => {
  assert.deepEqual(parseClaims({}), { category: 'misc', tags: [], description: '' });
  assert.deepEqual(parseClaims({ category: 'game', tags: ['TV', 'tv', 'a-1'], description: ' x\u202e\n' }), {
    category: 'game',
    tags: ['tv', 'a-1'],
    description: 'x',
  });
  assert.ok(isFault(parseClaims({ category: 'warez' })));
  assert.ok(isFault(parseClaims({ category: 'toString' })));
  assert.ok(isFault(parseClaims({ tags: ['a b'] })));
  assert.ok(isFault(parseClaims({ tags: ['a', 'b', 'c', 'd', 'e', 'f'] })));
});

test('cleaning a clean text changes nothing', () => {
  const seed = Date.now() & 0x7fffffff;
  const nasty = fc.array(
    fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('\ud800', '\udc01', '\u200b', '\udb40', ' ', '\0', '\ufffd', '😀'),
    ),
  );
  fc.assert(
    fc.property(nasty, fc.nat(40), (parts, lengthMax) => {
      const once = cleanText(parts.join(''), lengthMax);
      assert.ok(once.length <= lengthMax && once.isWellFormed());
      assert.equal(cleanText(once, lengthMax), once);
      assert.equal(Buffer.from(utf8(once)).toString(), once);
    }),
    { seed, numRuns: 1000 },
  );
});

test('an entry from the first second of 1970 is only old', () => {
  const entry = openEntry(sealEntry(entryOf(signer, { published: wallSeconds(0) }), signer.sign), verify, NOW);
  assert.ok(!isFault(entry));
});
