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
/** The files that `web/build.ts` makes. */
export const BUILT_FILES: readonly string[] = ['index.html', 'index.js', 'index.css', 'public.css'];

/** Where a built file lies. */
export function builtFile(name: string): URL {
  return new URL(`../dist/page/${name}`, import.meta.url);
}

/** The local page, by the path in the URL. */
export const STATIC_FILES: ReadonlyMap<string, StaticFile> = new Map([
  ['/', { file: builtFile('index.html'), type: 'text/html; charset=utf-8' }],
  ['/index.js', { file: builtFile('index.js'), type: 'text/javascript; charset=utf-8' }],
  ['/index.css', { file: builtFile('index.css'), type: 'text/css; charset=utf-8' }],
]);
/** The style of the public page, which every node serves as `/page.css`. */
export const PUBLIC_STYLE: StaticFile = { file: builtFile('public.css'), type: 'text/css; charset=utf-8' };

/** Content-Security-Policy of the local page. */
export const LOCAL_PAGE_POLICY: string =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
  "form-action 'none'; base-uri 'none'; frame-ancestors 'none'";
/** Content-Security-Policy of the public page. */
export const PUBLIC_PAGE_POLICY: string =
  "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
