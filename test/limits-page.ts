// docs/LIMITS.md from the constants of the sources; `node test/limits-page.ts` writes it.
import { globSync, readFileSync, writeFileSync } from 'node:fs';

const ROOT = new URL('../', import.meta.url);
const SOURCES = '{src,tracker,dns,app,config}/**/*.ts';
/** A constant named …_MAX (or …_MAX_UNIT), with the comment right above it; facts that are big integers are no limits. */
const LIMIT =
  /(?:\/\*\* ?([^*]*(?:\*(?!\/)[^*]*)*)\*\/\n|((?:\/\/ .*\n)+))?^(?:export )?const ([A-Z][A-Z0-9_]*_MAX(?:_[A-Z]+)?)(?:: number)? = ([^;{}']+);$/gm;

export const LIMITS_PAGE: URL = new URL('docs/LIMITS.md', ROOT);

/** One bound, as a source file declares it. */
export interface Limit {
  readonly name: string;
  readonly value: number;
  readonly file: string;
  /** The comment beside it; empty where the name says it all. */
  readonly meaning: string;
}

/** Every bound of the sources, by file. */
export function readLimits(): Limit[] {
  const files = globSync(SOURCES, { cwd: ROOT })
    .filter((file) => !file.endsWith('.d.ts'))
    .toSorted();
  const sources = new Map(files.map((file) => [file, readFileSync(new URL(file, ROOT), 'utf8')]));
  return files.flatMap((file) =>
    [...sources.get(file)!.matchAll(LIMIT)]
      .filter(([, , , , expression]) => !/\d+n\b/.test(expression!))
      .map(([, block = '', lines = '', name, expression]) => ({
        name: name!,
        value: evaluate(expression!, file, sources),
        file,
        meaning: (block || lines)
          .replace(/^\s*(?:\*|\/\/) ?/gm, ' ')
          .replace(/\s+/g, ' ')
          .trim(),
      })),
  );
}

type Sources = ReadonlyMap<string, string>;
const OPERATORS = [/ ([+-]) /, / ([*/]) /, / (\*\*) /];

/** Evaluates numbers and constants joined by `+ - * / **`; `level` is the loosest operator that may still come. */
function evaluate(expression: string, file: string, sources: Sources, level = 0): number {
  const operator = OPERATORS[level];
  if (!operator) return atomOf(expression.trim(), file, sources);
  const [first, ...rest] = expression.split(operator);
  let value = evaluate(first!, file, sources, level + 1);
  for (let i = 0; i < rest.length; i += 2) {
    const right = evaluate(rest[i + 1]!, file, sources, level + 1);
    if (rest[i] === '+') value += right;
    else if (rest[i] === '-') value -= right;
    else if (rest[i] === '*') value *= right;
    else if (rest[i] === '/') value /= right;
    else value **= right;
  }
  return value;
}

function atomOf(text: string, file: string, sources: Sources): number {
  if (/^[0-9]/.test(text)) return Number(text.replaceAll('_', ''));
  const declaration = new RegExp(`^(?:export )?const ${text}(?:: number)? = ([^;]+);$`, 'm');
  // Its own file first; what is imported is declared in another one.
  for (const candidate of [file, ...sources.keys()]) {
    const found = declaration.exec(sources.get(candidate)!);
    if (found) return evaluate(found[1]!, candidate, sources);
  }
  throw new Error(`${file}: cannot evaluate "${text}"`);
}

/** The text that docs/LIMITS.md must hold. */
export function limitsPage(): string {
  const limits = readLimits();
  const rooms = [...new Set(limits.map(roomOf))];
  return `# Limits

Made from the constants of the sources by \`node test/limits-page.ts\`: what each holds, and how large it may become.
A collection that can grow has its bound beside it; bounds that a user sets (links, upload slots, tracked hashes, peers
and bandwidth) are options, with their ranges in [CONFIG.md](CONFIG.md).
Sizes are bytes where the name says BYTES, milliseconds where it says MS, and counts otherwise.
${rooms.map((room) => section(room, limits)).join('')}`;
}

function section(room: string, limits: readonly Limit[]): string {
  const rows = limits.filter((limit) => roomOf(limit) === room).map(rowOf);
  return `\n## ${room}\n\n| constant | value | file | what it bounds |\n|---|---|---|---|\n${rows.join('\n')}\n`;
}

function roomOf({ file }: Limit): string {
  return /^(?:src\/[a-z]+|tracker|dns|app|config)/.exec(file)![0];
}

function rowOf(limit: Limit): string {
  const { name, value, file, meaning } = limit;
  const path = file.slice(roomOf(limit).length + 1);
  return `| \`${name}\` | ${value.toLocaleString('en-US')} | ${path} | ${meaning.replaceAll('|', '\\|')} |`;
}

if (import.meta.main) writeFileSync(LIMITS_PAGE, limitsPage());
