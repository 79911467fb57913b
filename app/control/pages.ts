/** The local page as a table from address to text, read once: no request ever names a file. */
import { readFile } from 'node:fs/promises';
import { STATIC_FILES, TOKEN_PLACEHOLDER } from '../../web/index.ts';

export interface Page {
  readonly text: string;
  readonly contentType: string;
}
export type Pages = ReadonlyMap<string, Page>;

/**
 * Reads every file of the page, and fills in the token that its requests must carry.
 * @param token hex digits, which mean nothing in HTML
 */
export async function loadPages(token: string): Promise<Pages> {
  const pages = new Map<string, Page>();
  for (const [path, { file, type }] of STATIC_FILES) {
    const text = await readFile(file, 'utf8');
    pages.set(path, { text: text.replace(TOKEN_PLACEHOLDER, token), contentType: type });
  }
  return pages;
}
