import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Phrase, wordsOf } from '../../src/listing/index.ts';

test('a phrase is in a text where its words stand side by side among the words of the text, plain or not', () => {
  // Few words, so that phrases are often there, and nearly there.
  const word = fc.constantFrom('the', 'Silent', 'silently', '1080p', 'é', 'Élan', "don't", '漢字', 'a'.repeat(45), 'K');
  const between = fc.constantFrom(' ', '.', ' - ', '_', "'", '');
  const text = fc
    .array(fc.tuple(word, between), { maxLength: 12 })
    .map((parts) => parts.map(([some, sign]) => some + sign).join(''));
  let found = 0;
  fc.assert(
    fc.property(text, text, (whole, part) => {
      const [words, wanted] = [wordsOf(whole), wordsOf(part).slice(0, 2)];
      if (wanted.length === 0) return;
      const isHeld = words.some((_, at) => wanted.every((each, i) => words[at + i] === each));
      if (isHeld) found++;
      assert.equal(new Phrase(wanted).isIn(whole), isHeld, JSON.stringify([whole, wanted]));
    }),
    { numRuns: 3000 },
  );
  assert.ok(found > 50, `${found} found`);
});
