/** Searches of all kinds that people type, made from titles that are in the list. */
import { withSwappedWords, withTypo } from '../test/listing/titles.ts';

export interface MixedSearch {
  readonly kind: string;
  readonly text: string;
}

type Maker = (words: readonly string[], random: () => number) => string;

const FILTERS = ['cat:movie', 'cat:music', 'tag:tv', 'tag:ebook', 'size>1G', 'size<300M', 'files>5', 'age<30d'];
/** Words of very many titles. */
const COMMON = ['the', 'of', 'and', '1080p', 'x264', 'flac', 'silent', '2160p'];

const one = <T>(of: readonly T[], random: () => number): T => of[Math.floor(random() * of.length)]!;
/** Two words of a title that stand side by side. */
const pair: Maker = (words, random) => {
  const at = Math.floor(random() * Math.max(1, words.length - 1));
  return words.slice(at, at + 2).join(' ');
};

const KINDS: Readonly<Record<string, Maker>> = {
  title: (words) => words.join(' '),
  misspelt: (words, random) => withSwappedWords(withTypo(words.join(' '), random), random),
  word: one,
  common: (_, random) => one(COMMON, random),
  beginning: (words, random) => {
    const word = one(words, random);
    return word.slice(0, Math.max(3, word.length - 1 - Math.floor(random() * 3)));
  },
  phrase: (words, random) => `"${pair(words, random)}"`,
  commonPhrase: (words, random) => `"the ${one(words, random)}"`,
  without: (words, random) => `${one(words, random)} -${one(COMMON, random)}`,
  withoutAlone: (_, random) => `-${one(COMMON, random)}`,
  withoutPhrase: (words, random) => `${one(COMMON, random)} -"${pair(words, random)}"`,
  or: (words, random) => `${one(words, random)} OR ${one(COMMON, random)}`,
  filtered: (words, random) => `${one(words, random)} ${one(FILTERS, random)}`,
  commonFiltered: (_, random) => `${one(COMMON, random)} ${one(FILTERS, random)} ${one(FILTERS, random)}`,
  filtersAlone: (_, random) => `${one(FILTERS, random)} ${one(FILTERS, random)}`,
  unknown: (words, random) => `${one(words, random)}q${one(words, random)}`.replace(/\W/g, ''),
};

/** As many searches of each kind, one kind after the other. @param titles one for each search */
export function mixedSearches(titles: readonly string[], random: () => number): MixedSearch[] {
  const kinds = Object.entries(KINDS);
  return titles.map((title, i) => {
    const [kind, make] = kinds[i % kinds.length]!;
    return { kind, text: make(title.split(/\W+/).filter(Boolean), random) };
  });
}
