/**
 * The search index of the listing: which rows hold which words (SQLite's FTS5), every word there is, and what rows
 * are ordered by. Knows listed rows only; all of it can be made again from the entries.
 */
import type { WallSeconds } from '../base/index.ts';
import {
  BEGINNING_QUALITY,
  CATEGORIES,
  type FigureFilter,
  HOLDING_QUALITY,
  LIST_LIMIT_DEFAULT,
  LIST_LIMIT_MAX,
  LIST_OFFSET_MAX,
  type ListingFilters,
  type ListingQuery,
  matchQuality,
  Phrase,
  parseSearch,
  type Readings,
  type ReadTerm,
  RowColumns,
  type RowFigures,
  RowSet,
  type RowWords,
  type SearchTerm,
  type SearchText,
  type Selection,
  TYPO_QUALITY,
  type Vocabulary,
  WORTH_STEPS,
  wordsOf,
} from '../listing/index.ts';
import { type Condition, WordIndex } from './listing-words.ts';
import type { Sql } from './sql.ts';

/** Rows of which the texts are looked at for one search: the ones worth most. */
export const TEXTS_READ_MAX = 200;
/** Of these so many at once, until no other can be among the wanted ones. */
const TEXTS_READ_AT_ONCE = 50;
/** The same where the texts decide whether a row fits at all. */
export const PHRASE_TEXTS_READ_MAX = 3000;
/** Fewer than this many rows and typos are assumed where no word is unknown. */
const FEW_ROWS = 3;
/** How much more the text weighs than worth, of which the doublings count less the more there are. */
const TEXT_WEIGHT = 6;
/** Clauses of which one may be left out when nothing holds all. */
const LEAVE_OUT_CLAUSES_MAX = 8;

/** The texts of a row as they are indexed. */
export interface RowTexts {
  readonly name: string;
  readonly tags: readonly string[];
  readonly description: string;
}

/** The numbers of the publishers whose ids begin so. */
export type PublishersLike = (start: string) => ReadonlySet<number>;

/** Listed rows that answer a question, by number. */
export interface Found {
  readonly ids: readonly number[];
  readonly total: number;
  readonly corrected?: string;
}

export class ListingIndex {
  readonly #textsOf: (ids: readonly number[]) => readonly RowTexts[];
  readonly #columns: RowColumns;
  readonly words: WordIndex;

  /** @param textsOf the texts of listed rows, in their order */
  constructor(sql: Sql, textsOf: (ids: readonly number[]) => readonly RowTexts[]) {
    this.words = new WordIndex(sql);
    this.#textsOf = textsOf;
    this.#columns = new RowColumns((ids) => textsOf(ids).map(({ name }) => name));
  }

  /** What rows are ordered by; filled in by whoever knows the entries. */
  get columns(): RowColumns {
    return this.#columns;
  }

  /** Indexes the texts of a row that is listed from now on. */
  add(id: number, texts: RowTexts, figures: RowFigures): void {
    this.words.add(id, indexedWords(texts));
    this.#columns.set(id, figures);
  }

  /** Takes a row out; the texts are those that it was added with. */
  remove(id: number, texts: RowTexts): void {
    if (!this.#columns.has(id)) return;
    this.words.remove(id, indexedWords(texts));
    this.#columns.delete(id);
  }

  /** Does one small step of what makes searches faster; true when there is more to do. */
  upkeep(): boolean {
    const { size, end } = this.#columns;
    return this.words.upkeep(size, end, (count) => {
      const all = this.#columns.filtered({});
      const step = all.length / count;
      const some = Array.from({ length: count }, (_, i) => all[Math.floor(i * step)]!);
      return this.#textsOf(some).map(indexedWords);
    });
  }

  /** Of these rows those that keep a question's filters. */
  keeping(
    ids: readonly number[],
    filters: ListingFilters,
    now: WallSeconds,
    publishersLike: PublishersLike,
  ): ReadonlySet<number> {
    // Hardly anything that is searched for is a hash, and the publishers would be looked through for it.
    if (ids.length === 0) return new Set();
    let rows = RowSet.of(Uint32Array.from(ids).sort());
    if (filters.tag !== undefined) rows = rows.and(this.words.matching([[`#${filters.tag}`]]));
    return new Set(this.#columns.filtered(figureFilterOf(filters, now, publishersLike), rows));
  }

  /** @param besides rows that are left out */
  search(query: ListingQuery, now: WallSeconds, publishersLike: PublishersLike, besides: ReadonlySet<number>): Found {
    const limit = bounded(query.limit ?? LIST_LIMIT_DEFAULT, LIST_LIMIT_MAX);
    const offset = bounded(query.offset ?? 0, LIST_OFFSET_MAX);
    const search = parseSearch(query.text ?? '');
    // A whole hash is no text; whoever keeps the entries finds it.
    if (search.hashPrefix?.length === 40) return { ids: [], total: 0 };
    const filters = { ...query, ...search.filters };
    const filter = { ...figureFilterOf(filters, now, publishersLike), besides };
    const isText = search.all.length > 0;
    const order = { sort: query.sort ?? (isText ? 'best' : 'age'), isReversed: query.isReversed ?? false } as const;
    const found = new TextSearch(this, search, filters, query.isExact ?? false).run(filter);
    if (order.sort !== 'best' || found.clauses.length === 0 || order.isReversed) {
      return { ...this.#columns.part(found.ids, order.sort, order.isReversed, offset, limit), ...corrected(found) };
    }
    return { ...this.#ranked(found, offset, limit), ...corrected(found) };
  }

  /** Rows of exactly this name, ASCII letters in either case. */
  named(name: string, limit: number): readonly number[] {
    const words = [...new Set(wordsOf(name))];
    if (words.length === 0) return [];
    const ids = this.#columns.filtered({}, this.words.matching(words.map((word) => [word])));
    const byAge = this.#columns.part(ids, 'age', false, 0, PHRASE_TEXTS_READ_MAX).ids;
    const texts = this.#textsOf(byAge);
    return byAge.filter((_, i) => texts[i]!.name.toLowerCase() === name.toLowerCase()).slice(0, limit);
  }

  /** The words of rows, in their order. */
  wordsOfRows(ids: readonly number[]): RowWords[] {
    return this.#textsOf(ids).map(wordsOfTexts);
  }

  /** Of these rows those worth most whose texts pass; what is worth less is not read. */
  reading(ids: Uint32Array, passes: (texts: RowTexts) => boolean): Uint32Array<ArrayBuffer> {
    // In their order on disk, which is half the work.
    const read = Uint32Array.from(this.#columns.worthMost(ids, PHRASE_TEXTS_READ_MAX)).sort();
    const texts = this.#textsOf([...read]);
    return read.filter((_, i) => passes(texts[i]!));
  }

  /** The rows worth most, by how well their texts fit and by worth; the others after them, by worth alone. */
  #ranked({ ids, clauses }: TextFound, offset: number, limit: number): Selection {
    // Nobody's text was read so far down.
    if (offset >= TEXTS_READ_MAX) return this.#columns.part(ids, 'best', false, offset, limit);
    const end = offset + limit;
    const worthiest = this.#columns.part(ids, 'best', false, 0, Math.max(TEXTS_READ_MAX, end)).ids;
    const best = worthiest.length > 0 ? this.#columns.worthOf(worthiest[0]!) : 0;
    // What a row can have at most, if its text fits as well as any can.
    const scoreMax = (id: number): number => -Math.log2(1 + (best - this.#columns.worthOf(id)) / WORTH_STEPS);
    const scored: { readonly id: number; readonly score: number }[] = [];
    const readMax = Math.min(worthiest.length, TEXTS_READ_MAX);
    while (scored.length < readMax) {
      const next = worthiest.slice(scored.length, Math.min(readMax, scored.length + TEXTS_READ_AT_ONCE));
      const last = scored[end - 1];
      if (end === 0 || (last && last.score >= scoreMax(next[0]!))) break;
      for (const [i, words] of this.wordsOfRows(next).entries()) {
        const score = TEXT_WEIGHT * Math.log2(matchQuality(words, clauses)) + scoreMax(next[i]!);
        scored.push({ id: next[i]!, score });
      }
      scored.sort((a, b) => b.score - a.score);
    }
    const ranked = [...scored.map(({ id }) => id), ...worthiest.slice(scored.length)];
    return { ids: ranked.slice(offset, end), total: ids.length };
  }
}

interface TextFound {
  readonly ids: Uint32Array;
  /** What was looked for in the end; empty when the texts decided nothing. */
  readonly clauses: readonly (readonly ReadTerm[])[];
  readonly corrected?: string;
}

/** One search: from the words as typed to what else they may mean, as far as that is needed. */
class TextSearch {
  readonly #index: ListingIndex;
  readonly #search: SearchText;
  readonly #tag: string | undefined;
  readonly #isExact: boolean;
  /** What was found out for each word; as many as were typed. */
  readonly #guessed = new Map<string, Readings>();

  constructor(index: ListingIndex, search: SearchText, filters: ListingFilters, isExact: boolean) {
    this.#index = index;
    this.#search = search;
    this.#tag = filters.tag;
    this.#isExact = isExact;
  }

  run(filter: FigureFilter): TextFound {
    const { all, none } = this.#search;
    const { columns } = this.#index;
    if (all.length === 0) {
      const isAny = none.length === 0 && this.#tag === undefined;
      if (isAny) return { ids: columns.filtered(filter), clauses: [] };
      const within = this.#tag === undefined ? columns.listed : this.#index.words.matching([[`#${this.#tag}`]]);
      return { ids: this.#fitting(within, filter), clauses: [] };
    }
    const asTyped = this.#read((word) => this.#readingsTyped(word));
    const found = this.#find(asTyped, filter);
    // An unknown word that was read as another, and rows that hold it: that was the typo.
    const isExplained = found.length > 0 && isGuess(asTyped);
    if (this.#isExact || isExplained || found.length >= FEW_ROWS)
      return { ids: found, clauses: asTyped, ...this.#correction(asTyped, found) };
    const guessed = this.#read((word) => this.#readingsGuessed(word));
    let ids = isGuess(guessed) ? this.#find(guessed, filter) : found;
    if (ids.length === 0) ids = this.#find(guessed, filter, true);
    return { ids, clauses: guessed, ...this.#correction(guessed, ids) };
  }

  #read(readingsOf: (word: string) => Readings): ReadTerm[][] {
    return this.#search.all.map((clause) =>
      clause.map((term) => ({
        term,
        readings: term.words.map((word) => (term.isPhrase ? new Map([[word, 1]]) : readingsOf(word))),
      })),
    );
  }

  /** A known word is itself; an unknown one is what it may be the beginning or a misspelling of. */
  #readingsTyped(word: string): Readings {
    if (this.#isExact || this.#index.words.vocabulary.has(word)) return new Map([[word, 1]]);
    return this.#readingsGuessed(word);
  }

  #readingsGuessed(word: string): Readings {
    return this.#guessed.getOrInsertComputed(word, () => this.#guess(word));
  }

  #guess(word: string): Readings {
    const { vocabulary } = this.#index.words;
    if (this.#index.words.isCommon(word)) return new Map([[word, 1]]);
    const readings = new Map<string, number>();
    const note = (reading: string, quality: number): void => {
      if (quality > (readings.get(reading) ?? 0)) readings.set(reading, quality);
    };
    note(word, 1);
    for (const { word: near, edits } of vocabulary.near(word)) note(near, TYPO_QUALITY ** edits);
    for (const longer of vocabulary.beginningWith(word)) note(longer, BEGINNING_QUALITY);
    if (readings.size === 1 && word.length > 2 && !vocabulary.has(word)) {
      for (const longer of vocabulary.holding(word)) note(longer, HOLDING_QUALITY);
    }
    return readings;
  }

  /** @param isOneMissing true to take rows that hold all clauses but one */
  #find(clauses: readonly (readonly ReadTerm[])[], filter: FigureFilter, isOneMissing = false): Uint32Array {
    if (isOneMissing && (clauses.length < 2 || clauses.length > LEAVE_OUT_CLAUSES_MAX)) return new Uint32Array();
    const { words } = this.#index;
    const tag: Condition[] = this.#tag === undefined ? [] : [[`#${this.#tag}`]];
    if (!isOneMissing) return this.#fitting(words.matching([...clauses.flatMap(conditionsOf), ...tag]), filter);
    // Each read once, the smallest first.
    const sets = clauses.map((clause) => words.matching(conditionsOf(clause))).sort((a, b) => a.size - b.size);
    const without = (left: number): RowSet => sets.filter((_, i) => i !== left).reduce((rows, set) => rows.and(set));
    const rows = sets.map((_, i) => without(i)).reduce((some, others) => some.or(others));
    return this.#fitting(tag.length > 0 ? rows.and(words.matching(tag)) : rows, filter);
  }

  /** What is left of some rows. */
  #fitting(rows: RowSet, filter: FigureFilter): Uint32Array {
    const excluded = this.#search.none.filter((term) => !isPhrase(term));
    const left = excluded.reduce((some, { words }) => some.andNot(this.#holding(words)), rows);
    return this.#withoutPhrases(this.#withPhrases(this.#index.columns.filtered(filter, left)));
  }

  #holding(words: readonly string[]): RowSet {
    return this.#index.words.matching(words.map((word) => [word]));
  }

  #withPhrases(ids: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
    const phrased = this.#search.all.filter((clause) => clause.some(isPhrase));
    if (phrased.length === 0) return ids;
    const tests = phrased.map((clause) => clause.map((term) => testOf(term, this.#index.words.vocabulary)));
    return this.#index.reading(ids, (texts) => tests.every((clause) => clause.some((isHeld) => isHeld(texts))));
  }

  #withoutPhrases(ids: Uint32Array<ArrayBuffer>): Uint32Array {
    const phrases = this.#search.none.filter(isPhrase);
    if (phrases.length === 0 || ids.length === 0) return ids;
    const rows = RowSet.of(ids);
    const holding = phrases.map(({ words }) => this.#holding(words)).reduce((some, others) => some.or(others));
    const doubtful = holding.and(rows);
    const tests = phrases.map((term) => testOf(term, this.#index.words.vocabulary));
    const spared = this.#index.reading(doubtful.ids(), (texts) => !tests.some((isHeld) => isHeld(texts)));
    return rows.andNot(doubtful.andNot(RowSet.of(spared))).ids();
  }

  /** The words of the row worth most, where they are not those typed. */
  #correction(clauses: readonly (readonly ReadTerm[])[], ids: Uint32Array): { corrected?: string } {
    const [first] = isGuess(clauses) ? this.#index.columns.part(ids, 'best', false, 0, 1).ids : [];
    if (first === undefined) return {};
    const { name, claims } = this.#index.wordsOfRows([first])[0]!;
    const words = clauses.flatMap(([term]) =>
      term!.readings.map((readings, i) => {
        const held = [...name, ...claims].filter((word) => readings.has(word));
        return held.sort((a, b) => readings.get(b)! - readings.get(a)!)[0] ?? term!.term.words[i]!;
      }),
    );
    const typed = clauses.flatMap(([term]) => term!.term.words);
    return words.join(' ') === typed.join(' ') ? {} : { corrected: words.join(' ') };
  }
}

function wordsOfTexts({ name, tags, description }: RowTexts): RowWords {
  return { name: wordsOf(name), claims: wordsOf(`${tags.join(' ')} ${description}`) };
}

/** True when some word was read as another. */
function isGuess(clauses: readonly (readonly ReadTerm[])[]): boolean {
  return clauses.some((clause) => clause.some(({ readings }) => readings.some(({ size }) => size > 1)));
}

function corrected(found: TextFound): { corrected?: string } {
  return found.corrected === undefined ? {} : { corrected: found.corrected };
}

/** True of a term that the texts have to decide. */
function isPhrase(term: SearchTerm): boolean {
  return term.isPhrase && term.words.length > 1;
}

/** Whether a row's texts hold a term. */
function testOf(term: SearchTerm, vocabulary: Vocabulary): (texts: RowTexts) => boolean {
  if (isPhrase(term)) {
    const phrase = new Phrase(term.words);
    return ({ name, tags, description }) => phrase.isIn(name) || phrase.isIn(`${tags.join(' ')} ${description}`);
  }
  // A word that nobody wrote was read as another; the index has found that one.
  const written = term.words.filter((word) => term.isPhrase || vocabulary.has(word));
  return (texts) => {
    const { name, claims } = wordsOfTexts(texts);
    return written.every((word) => name.includes(word) || claims.includes(word));
  };
}

/** What a row holds that answers a clause. */
function conditionsOf(clause: readonly ReadTerm[]): Condition[] {
  const terms = clause.map(({ readings }) => readings.map((each) => [...each.keys()]));
  return terms.length === 1 ? terms[0]! : [{ either: terms }];
}

/** Each word once, and the tags once more as they are. */
function indexedWords({ name, tags, description }: RowTexts): string[] {
  const words = wordsOf(`${name} ${tags.join(' ')} ${description}`);
  return [...new Set([...words, ...tags.map((tag) => `#${tag}`)])];
}

function figureFilterOf(filters: ListingFilters, now: WallSeconds, publishersLike: PublishersLike): FigureFilter {
  const { category, publisher, ageMinSeconds, ageMaxSeconds } = filters;
  const { sizeMin, sizeMax, filesMin, filesMax, seedsMin, seedsMax } = filters;
  const bounds = { sizeMin, sizeMax, filesMin, filesMax, seedsMin, seedsMax };
  return {
    ...(Object.fromEntries(Object.entries(bounds).filter(([, value]) => value !== undefined)) as FigureFilter),
    ...(category !== undefined && { category: (CATEGORIES as readonly string[]).indexOf(category) }),
    ...(publisher !== undefined && { publishers: publishersLike(publisher) }),
    ...(ageMaxSeconds !== undefined && { publishedMin: now - ageMaxSeconds }),
    ...(ageMinSeconds !== undefined && { publishedMax: now - ageMinSeconds }),
  };
}

function bounded(value: number, max: number): number {
  return Number.isSafeInteger(value) ? Math.min(Math.max(value, 0), max) : 0;
}
