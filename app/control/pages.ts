/** The local page as a table from address to text, read once: no request ever names a file. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { STATIC_FILES, TOKEN_PLACEHOLDER } from '../../web/index.ts';

export interface Page {
  readonly text: string;
  readonly contentType: string;
}
export type Pages = ReadonlyMap<string, Page>;

const BUILD = fileURLToPath(new URL('../../web/build.ts', import.meta.url));
const BUILD_MS_MAX = 60_000;
const NOT_BUILT: Page = {
  contentType: 'text/plain; charset=utf-8',
  text: 'The page has not been built. Run "npm ci" and "npm run build" where monsoon is, then start the node again.\n',
};

/**
 * Reads every file of the page, and fills in the token that its requests must carry. A checkout that was never built
 * is built now; where that fails the node serves all the same, and its page says what to do.
 * @param token hex digits, which mean nothing in HTML
 * @param warn told why the page cannot be shown
 */
export async function loadPages(token: string, warn: (text: string) => void): Promise<Pages> {
  try {
    return await readPages(token);
  } catch {
    try {
      await promisify(execFile)(process.execPath, [BUILD], { timeout: BUILD_MS_MAX });
      return await readPages(token);
    } catch (error) {
      warn(`the page cannot be built: ${(error as Error).message}`);
      return new Map([['/', NOT_BUILT]]);
    }
  }
}

async function readPages(token: string): Promise<Pages> {
  const pages = new Map<string, Page>();
  for (const [path, { file, type }] of STATIC_FILES) {
    const text = await readFile(file, 'utf8');
    pages.set(path, { text: text.replace(TOKEN_PLACEHOLDER, token), contentType: type });
  }
  return pages;
}
