/**
 * How a test says what it needs from the machine (a client, root, a browser): absent, the test is skipped on a
 * developer's machine and fails in CI, so that no proof is lost silently. Knows nothing of what is needed.
 */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { TestContext } from 'node:test';

/** True when MONSOON_REQUIRE_ALL=1: everything a test needs has to be there. */
export const isAllRequired: boolean = process.env.MONSOON_REQUIRE_ALL === '1';

/**
 * Returns `isPresent`. When it is false the test is skipped with the reason, or throws where everything is required.
 * @param reason what is missing, as a sentence: `aria2c is not installed`
 */
export function requireOrSkip(t: Pick<TestContext, 'skip'>, isPresent: boolean, reason: string): boolean {
  if (isPresent) return true;
  if (isAllRequired) throw new Error(`MONSOON_REQUIRE_ALL=1, but ${reason}`);
  t.skip(reason);
  return false;
}

/** Whether a program of this name can be run, by PATH and the system directories that PATH often lacks. */
export function isInstalled(program: string): boolean {
  const directories = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return directories.some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
