/**
 * What a publisher says about a torrent and nobody can check: category, tags and description. Knows what they may
 * look like, not whether they are true.
 */
import { cleanText, type Fault, publicFault } from '../base/index.ts';

/** The five categories; an entry carries the position, so the order is part of the format. */
export const CATEGORIES = ['movie', 'music', 'game', 'application', 'misc'] as const;
export type Category = (typeof CATEGORIES)[number];

export const TAGS_MAX = 5;
/** UTF-16 units kept of what a user types; an entry holds what fits of it. */
const DESCRIPTION_LENGTH_MAX = 1024;

/** Claims that may stand in an entry. */
export interface CheckedClaims {
  readonly category: Category;
  readonly tags: readonly string[];
  readonly description: string;
}

/** Tells a category from any other text. */
export function isCategory(text: string): text is Category {
  return (CATEGORIES as readonly string[]).includes(text);
}

/** True for 1–20 of `a-z 0-9 -`. */
export function isTag(text: string): boolean {
  return /^[a-z0-9-]{1,20}$/.test(text);
}

/** Checks what a user typed; a missing category is `misc`, tags are lower-cased and repeated ones dropped. */
export function parseClaims(claims: {
  readonly category?: string;
  readonly tags?: readonly string[];
  readonly description?: string;
}): CheckedClaims | Fault<'claims-category' | 'claims-tags'> {
  const category = claims.category ?? 'misc';
  if (!isCategory(category)) return publicFault('claims-category', `a category is one of ${CATEGORIES.join(', ')}`);
  const tags = [...new Set((claims.tags ?? []).map((tag) => tag.toLowerCase()))];
  if (tags.length > TAGS_MAX || !tags.every(isTag)) {
    return publicFault('claims-tags', `at most ${TAGS_MAX} tags, each of 1 to 20 letters a-z, digits and "-"`);
  }
  return { category, tags, description: cleanText(claims.description ?? '', DESCRIPTION_LENGTH_MAX) };
}
