// The built program, which starts in two thirds of the time that its sources take: where it lies, and whether it still says
// what they say. Plain JavaScript, because the program's first file needs it before anything else is loaded.
const { existsSync, readFileSync, statSync } = process.getBuiltinModule('node:fs');
const { join } = process.getBuiltinModule('node:path');
const { fileURLToPath } = process.getBuiltinModule('node:url');

export const ROOT = fileURLToPath(new URL('..', import.meta.url));
export const BUILDS = join(ROOT, 'dist', 'program');
/** Says which folder of BUILDS is the current one, and what each source looked like to it. */
export const RECORD = join(BUILDS, 'current.json');

/** When a file below ROOT was written (milliseconds), and its bytes: one state of it. Throws when the file is gone. */
export function stampOf(path) {
  // Asked 160 times by each verb and 400 times by a node: no path is taken apart, and no text made.
  const { mtimeMs, size } = statSync(ROOT + path);
  return [mtimeMs, size];
}

function isUnchanged([path, [mtimeMs, size]]) {
  const stamp = stampOf(path);
  return stamp[0] === mtimeMs && stamp[1] === size;
}

/**
 * The first file of the build; undefined when there is none or a source is another one by now.
 * @param startsNode whether what only nodes run is looked at, too
 */
export function currentBuild(startsNode = true) {
  try {
    const { folder, sources, ofNodes } = JSON.parse(readFileSync(RECORD, 'utf8'));
    // An installed package carries its build, and nobody edits it.
    const isInstalled = /[\\/]node_modules[\\/]/.test(ROOT);
    const asked = Object.entries(startsNode ? { ...sources, ...ofNodes } : sources);
    const isCurrent = isInstalled || asked.every(isUnchanged);
    const main = join(BUILDS, folder, 'main.js');
    return isCurrent && existsSync(main) ? main : undefined;
  } catch {
    return undefined;
  }
}
