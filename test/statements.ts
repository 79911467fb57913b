// `npm run statements`: each promise of docs/STATEMENTS.md with the tests whose names carry its ID, and those without.
import { globSync, readFileSync } from 'node:fs';

const ROOT = new URL('../', import.meta.url);
const STATEMENT = /^\| ([PMWNGC]-[0-9]{2}) \| (.+) \|$/gm;
/** The name of a test in its source: the first argument of `test`, `t.test` or `suite`. */
const TEST_NAME = /\b(?:test|suite)\(\s*(['"`])((?:\\.|(?!\1)[\s\S])*)\1/g;

/** One promise, and the names of the tests that say they prove it. */
export interface Statement {
  readonly id: string;
  readonly promise: string;
  readonly tests: readonly string[];
}

/** Every statement, in the order of the page. */
export function readStatements(): Statement[] {
  const tests = globSync('test/**/*.test.ts', { cwd: ROOT }).toSorted().flatMap(testsIn);
  return [...readFileSync(new URL('docs/STATEMENTS.md', ROOT), 'utf8').matchAll(STATEMENT)].map(([, id, promise]) => ({
    id: id!,
    promise: promise!,
    tests: tests.filter((name) => new RegExp(`\\b${id}\\b`).test(name)),
  }));
}

/** IDs in test names that no statement has. */
export function unknownIds(statements: readonly Statement[]): string[] {
  const known = new Set(statements.map(({ id }) => id));
  const names = globSync('test/**/*.test.ts', { cwd: ROOT }).flatMap(testsIn);
  return names.flatMap((name) => name.match(/\b[PMWNGC]-[0-9]{2}\b/g) ?? []).filter((id) => !known.has(id));
}

function testsIn(file: string): string[] {
  const source = readFileSync(new URL(file, ROOT), 'utf8');
  return [...source.matchAll(TEST_NAME)].map(([, , name]) => `${file}: ${name}`);
}

if (import.meta.main) {
  const statements = readStatements();
  const proven = statements.filter(({ tests }) => tests.length > 0);
  for (const { id, promise, tests } of proven)
    console.log(`${id}  ${promise}\n${tests.map((t) => `      ${t}`).join('\n')}`);
  console.log(`\nNo test names these ${statements.length - proven.length}:`);
  for (const { id, promise, tests } of statements) if (tests.length === 0) console.log(`${id}  ${promise}`);
  console.log(`\n${proven.length} of ${statements.length} statements have a test.`);
}
