/**
 * Texts as search compares them: folded to lower case without marks, and cut into words. Entries and questions pass
 * through the same functions, so what is typed meets what is stored. Knows no language.
 */

/** UTF-16 units kept of one word. */
export const WORD_LENGTH_MAX = 40;
/** Words kept of one text; more add nothing that a person would search for. */
export const WORDS_MAX = 64;

/** Scripts that put no spaces between words: every two neighbours count as one. */
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]+/gu;
const WORD = /[\p{L}\p{N}]+/gu;
const MARKS = /\p{M}+/gu;
/** `don't` is typed `dont` as often. */
const APOSTROPHE = 0x27;
const APOSTROPHES = /(?<=\p{L})['\u2019](?=\p{L})/gu;

/** Lower case, compatibility forms and marks resolved: `Ámélie` and `AMELIE` are one. */
export function foldText(text: string): string {
  // Nothing of ASCII has marks or other forms.
  if (/^[\0-\x7f]*$/.test(text)) return text.toLowerCase();
  return text.normalize('NFKD').replace(MARKS, '').toLowerCase();
}

/** The words of a text in their order, repeated ones included; at most WORDS_MAX. */
export function wordsOf(text: string): string[] {
  if (isPlain(text)) return plainWordsOf(text.toLowerCase());
  const words: string[] = [];
  for (const [run] of foldText(text).replace(APOSTROPHES, '').matchAll(WORD)) {
    for (const word of splitUnspaced(run)) {
      if (words.length === WORDS_MAX) return words;
      words.push(word.slice(0, WORD_LENGTH_MAX).toWellFormed());
    }
  }
  return words;
}

/** True where all that makes words is a-z and 0-9, as in nine names of ten. */
export function isPlain(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 127 || code === APOSTROPHE) return false;
  }
  return true;
}

/** What `wordsOf` gives for a plain text, ten times as fast. */
function plainWordsOf(text: string): string[] {
  const words: string[] = [];
  let start = -1;
  for (let i = 0; i <= text.length; i++) {
    const code = i < text.length ? text.charCodeAt(i) : 0;
    const isInWord = (code >= 97 && code <= 122) || (code >= 48 && code <= 57);
    if (isInWord && start < 0) start = i;
    if (isInWord || start < 0) continue;
    if (words.length === WORDS_MAX) return words;
    words.push(text.slice(start, Math.min(i, start + WORD_LENGTH_MAX)));
    start = -1;
  }
  return words;
}

function splitUnspaced(run: string): string[] {
  if (/^[\0-\u2fff]*$/.test(run)) return [run];
  const words: string[] = [];
  let end = 0;
  for (const match of run.matchAll(UNSPACED)) {
    if (match.index > end) words.push(run.slice(end, match.index));
    end = match.index + match[0].length;
    words.push(...pairsOf([...match[0]]));
  }
  if (end < run.length) words.push(run.slice(end));
  return words;
}

function pairsOf(characters: readonly string[]): string[] {
  if (characters.length === 1) return [characters[0]!];
  return characters.slice(1).map((character, i) => characters[i]! + character);
}
