/**
 * Every file the pages consist of and the policies they are served with. Servers look a path up here and never join
 * one; the local page's token takes the place of TOKEN_PLACEHOLDER in `index.html`.
 */

export interface StaticFile {
  readonly file: URL;
  readonly type: string;
}

/** Stands once in `index.html`, inside a quoted attribute. */
export const TOKEN_PLACEHOLDER = '%MONSOON_TOKEN%';

/** By the path in the URL. `/page.css` serves the public page too; the rest is the local page alone. */
export const STATIC_FILES: ReadonlyMap<string, StaticFile> = new Map([
  ['/', { file: new URL('local/index.html', import.meta.url), type: 'text/html; charset=utf-8' }],
  ['/page.css', { file: new URL('local/page.css', import.meta.url), type: 'text/css; charset=utf-8' }],
  ...[
    'api',
    'files-view',
    'format',
    'listing-view',
    'page',
    'rate-field',
    'supernodes-view',
    'transfer-controls',
    'transfers-view',
  ].map((name): [string, StaticFile] => [
    `/${name}.js`,
    { file: new URL(`local/${name}.js`, import.meta.url), type: 'text/javascript; charset=utf-8' },
  ]),
]);

/** Content-Security-Policy of the local page. */
export const LOCAL_PAGE_POLICY: string =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
  "form-action 'none'; base-uri 'none'; frame-ancestors 'none'";
/** Content-Security-Policy of the public page. */
export const PUBLIC_PAGE_POLICY: string =
  "default-src 'none'; style-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";
