/**
 * What a user does not want to see, keep, track or fetch: info hashes, hashed hashes (so that a list need not name what
 * it bans), publishers, and patterns of names. Local; nothing is voted away for others.
 *
 * One rule a line, `#` begins a remark:
 *   0123…cdef (40 hex digits)     an info hash
 *   sha256:… (64 hex digits)      the SHA-256 of the 20 bytes of an info hash
 *   by:… (64 hex digits)          a publisher
 *   only:… (64 hex digits)        a publisher: where there is such a rule, other publishers' rows are not shown (but kept)
 *   name:PATTERN                  names in which the pattern occurs, `*` standing for anything; case and marks do not count
 */
import { finish, type InfoHash, type NodeId, parseInfoHash, type Steps } from '../base/index.ts';
import { foldText } from './words.ts';

/** Rules of all lists together. */
export const DENY_RULES_MAX = 1_000_000;
/** Patterns are tried one after the other at every entry. */
export const DENY_PATTERNS_MAX = 1000;
/** Each is looked up for each question. */
export const ONLY_PUBLISHERS_MAX = 1000;
/** Lines read between two rests. */
const LINES_A_STEP = 512;
/** UTF-16 units. */
const PATTERN_LENGTH_MAX = 200;

export interface DenyFacts {
  readonly infoHash: InfoHash;
  /** Undefined while it is not known. */
  readonly name?: string;
  readonly publisher?: NodeId;
}

/** Hashes with SHA-256, to 64 lower-case hex digits. */
export type HashOfHash = (infoHash: InfoHash) => string;

export class DenyList {
  readonly #hashOf: HashOfHash;
  readonly #hashes = new Set<string>();
  readonly #hashed = new Set<string>();
  readonly #publishers = new Set<string>();
  readonly #only = new Set<string>();
  /** The parts between the stars of each pattern, folded. */
  readonly #patterns: (readonly string[])[] = [];

  constructor(hashOf: HashOfHash) {
    this.#hashOf = hashOf;
  }

  get size(): number {
    return this.#hashes.size + this.#hashed.size + this.#publishers.size + this.#only.size + this.#patterns.length;
  }

  /** The publishers that are shown, as ids; all when it is empty. */
  get only(): ReadonlySet<string> {
    return this.#only;
  }

  /** What is named by hash or publisher, where every rule is such a one, so that it can be looked up; undefined otherwise. */
  get named(): { readonly hashes: ReadonlySet<string>; readonly publishers: ReadonlySet<string> } | undefined {
    if (this.#hashed.size > 0 || this.#patterns.length > 0) return undefined;
    return { hashes: this.#hashes, publishers: this.#publishers };
  }

  /** Takes the rules of a text in; returns the lines that are no rule, or for which there is no room. */
  add(text: string): string[] {
    return finish(this.addSteps(text));
  }

  /** The same in steps: lists that others publish come anew whenever they like. */
  *addSteps(text: string): Steps<string[]> {
    const refused: string[] = [];
    yield* eachLine(text, (line) => {
      const rule = line.replace(/(?:^|\s)#.*$/, '').trim();
      if (rule !== '' && (this.size >= DENY_RULES_MAX || !this.#addRule(rule))) refused.push(line);
    });
    return refused;
  }

  /** Why something is denied, as the rule that says so; undefined when it is not. */
  reason({ infoHash, name, publisher }: DenyFacts): string | undefined {
    if (this.#hashes.has(infoHash)) return infoHash;
    if (publisher !== undefined && this.#publishers.has(publisher)) return `by:${publisher}`;
    if (this.#hashed.size > 0) {
      const hashed = this.#hashOf(infoHash);
      if (this.#hashed.has(hashed)) return `sha256:${hashed}`;
    }
    if (name === undefined || this.#patterns.length === 0) return undefined;
    const folded = foldText(name);
    const found = this.#patterns.find((parts) => holdsInOrder(folded, parts));
    return found && `name:${found.join('*')}`;
  }

  #addRule(rule: string): boolean {
    const infoHash = parseInfoHash(rule);
    if (infoHash) return Boolean(this.#hashes.add(infoHash));
    const [, kind, value = ''] = /^(sha256|by|only|name):(.+)$/i.exec(rule) ?? [];
    if (kind?.toLowerCase() === 'name') return this.#addPattern(value);
    if (kind === undefined || !/^[0-9a-f]{64}$/i.test(value)) return false;
    const sets = { sha256: this.#hashed, by: this.#publishers, only: this.#only };
    const set = sets[kind.toLowerCase() as keyof typeof sets];
    if (set === this.#only && set.size >= ONLY_PUBLISHERS_MAX && !set.has(value.toLowerCase())) return false;
    set.add(value.toLowerCase());
    return true;
  }

  #addPattern(pattern: string): boolean {
    if (pattern.length > PATTERN_LENGTH_MAX) return false;
    const parts = foldText(pattern)
      .split('*')
      .filter((part) => part !== '');
    // A pattern of stars alone would deny everything.
    if (parts.length === 0 || this.#patterns.length >= DENY_PATTERNS_MAX) return false;
    this.#patterns.push(parts);
    return true;
  }
}

/** The lines of some texts that none of the others has. In steps. */
export function* linesBesides(texts: readonly string[], others: readonly string[]): Steps<string[]> {
  const known = new Set<string>(['']);
  for (const other of others) yield* eachLine(other, (line) => known.add(line));
  const besides: string[] = [];
  for (const text of texts) {
    yield* eachLine(text, (line) => {
      if (!known.has(line)) besides.push(line);
    });
  }
  return besides;
}

/** Takes the lines of a text one after the other, in steps and without a copy of them all. */
function* eachLine(text: string, take: (line: string) => void): Steps<void> {
  let from = 0;
  for (let i = 0; from <= text.length; i++) {
    if (i % LINES_A_STEP === 0) yield;
    const end = text.indexOf('\n', from);
    const to = end < 0 ? text.length : end;
    take(text.slice(from, to));
    from = to + 1;
  }
}

/** Linear in the text for whatever pattern: the first place of each part after the one before it is the best one. */
function holdsInOrder(text: string, parts: readonly string[]): boolean {
  let from = 0;
  for (const part of parts) {
    const at = text.indexOf(part, from);
    if (at < 0) return false;
    from = at + part.length;
  }
  return true;
}
