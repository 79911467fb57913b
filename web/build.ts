/**
 * Makes the files that browsers get, `dist/page`, from `web/local` and `web/style`. Run as a program it does nothing when they
 * are newer than every source; the files have fixed names, because servers look them up in a table.
 */
import { globSync, statSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Rolldown } from 'vite';
import { BUILT_FILES, builtFile } from './static-files.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Whatever ends up in the page: its own files, and the modules of the node that it uses too. */
const SOURCES = ['web/**/*', 'config/*.ts', 'src/base/*.ts', 'src/listing/*.ts', 'package.json'];
const INPUTS = ['web/local/index.html', 'web/style/public.css'];

/** Builds the page, unless it is newer than what it is made from. Rejects when vite is not installed, or a source is wrong. */
export async function buildPage(): Promise<void> {
  if (isCurrent()) return;
  const { build } = await import('vite');
  const built = await build({
    root: join(ROOT, 'web/local'),
    configFile: false,
    logLevel: 'error',
    // Scripts and styles are files of their own: the page's policy allows nothing inline.
    build: {
      write: false,
      target: 'es2024',
      modulePreload: false,
      assetsInlineLimit: 0,
      cssCodeSplit: true,
      rolldownOptions: {
        input: INPUTS.map((file) => join(ROOT, file)),
        output: { entryFileNames: '[name].js', chunkFileNames: '[name].js', assetFileNames: '[name][extname]' },
      },
    },
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  });
  const { output } = built as Rolldown.RolldownOutput;
  for (const file of output) await put(file.fileName, file.type === 'chunk' ? file.code : file.source);
}

/** True when every built file is there and newer than every source. */
function isCurrent(): boolean {
  const ages = BUILT_FILES.map((name) => statSync(builtFile(name), { throwIfNoEntry: false })?.mtimeMs ?? 0);
  const sources = SOURCES.flatMap((pattern) => globSync(pattern, { cwd: ROOT }));
  return sources.every((file) => statSync(join(ROOT, file)).mtimeMs < Math.min(...ages));
}

/** Another process may read the file, or build it, at the same time. */
async function put(name: string, content: string | Uint8Array): Promise<void> {
  const path = fileURLToPath(builtFile(name));
  const temporary = `${path}.${process.pid}`;
  await mkdir(dirname(path), { recursive: true });
  await writeFile(temporary, content);
  await rename(temporary, path);
}

if (import.meta.main) await buildPage();
