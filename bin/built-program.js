// Runs the files of a build (bin/build-program.ts) from the code that the engine compiled of them in earlier runs, with every
// function that was called in those: what the runtime keeps by itself is taken before anything was called. Plain JavaScript.
const { readFileSync, renameSync, writeFileSync } = process.getBuiltinModule('node:fs');
const { dirname, join } = process.getBuiltinModule('node:path');
const { fileURLToPath, pathToFileURL } = process.getBuiltinModule('node:url');
const { cachedDataVersionTag, setFlagsFromString } = process.getBuiltinModule('node:v8');
const { constants, Script } = process.getBuiltinModule('node:vm');

/** Compiled code lies beside its file. */
const CODE_SUFFIX = '.code';
/** A file of a build begins with its own hash, in a comment. */
const MARK_BYTES = 46;
/** Code is kept after the mark of what it is of, and of which engine it is, for neither of which the engine itself looks well. */
const HEAD_BYTES = 56;
/** Code that has grown by less is not worth writing. */
const GROWN_BYTES_MIN = 8 * 1024;
/** Looking whether code has grown takes longer than a process that only asked something should. */
const SHORT_SECONDS = 2;

/** By path: what the file exports, once it has run. */
const loaded = new Map();
/** What ran in this thread. */
const scripts = [];

// The engine looks whether code is damaged only when it is told to.
setFlagsFromString('--verify-snapshot-checksum');

/** Runs a file of a build with all that it imports, and returns what it exports. Each runs once. */
export function loadBuilt(path) {
  const known = loaded.get(path);
  if (known) return known;
  const exports = run(path);
  loaded.set(path, exports);
  return exports;
}

/** Runs the first file of a thread, by its URL. A thread is ended from without, so that its code is kept now. */
export async function loadThread(url) {
  await loadBuilt(fileURLToPath(url));
  keepCode();
}

/** Writes what was compiled of the files that ran, where that is more than there was. */
function keepCode() {
  for (const { path, mark, script, isTaken } of scripts) {
    if (isTaken && process.uptime() < SHORT_SECONDS) continue;
    const code = script.createCachedData();
    // Other processes may have written since.
    const kept = read(path, mark);
    if (kept === undefined || script.cachedDataRejected || code.length >= kept.length + GROWN_BYTES_MIN)
      write(path, mark, code);
  }
}

async function run(path) {
  // A build is written in ASCII.
  const source = readFileSync(path, 'latin1');
  const mark = source.slice(0, MARK_BYTES);
  const code = read(path, mark);
  const script = new Script(source, {
    filename: path,
    ...(code && { cachedData: code }),
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
  const isTaken = code !== undefined && !script.cachedDataRejected;
  scripts.push({ path, mark, script, isTaken });
  const folder = dirname(path);
  return script.runInThisContext()((name) => loadBuilt(join(folder, name)), { url: pathToFileURL(path).href });
}

/** The code kept of a file; undefined when there is none, or none of this file and this engine. */
function read(path, mark) {
  let kept;
  try {
    kept = readFileSync(path + CODE_SUFFIX);
  } catch {
    return undefined;
  }
  return kept.subarray(0, HEAD_BYTES).equals(headOf(mark)) ? kept.subarray(HEAD_BYTES) : undefined;
}

function write(path, mark, code) {
  const { threadId } = process.getBuiltinModule('node:worker_threads');
  const own = `${path}${CODE_SUFFIX}.${process.pid}-${threadId}`;
  try {
    writeFileSync(own, Buffer.concat([headOf(mark), code]));
    renameSync(own, path + CODE_SUFFIX);
  } catch {
    // A folder that is not ours to write, or gone, or full: the next start compiles again.
  }
}

function headOf(mark) {
  const head = Buffer.alloc(HEAD_BYTES);
  head.write(mark, 'latin1');
  head.writeUInt32LE(cachedDataVersionTag(), MARK_BYTES);
  return head;
}

process.once('exit', (exitCode) => {
  if (exitCode === 0) keepCode();
});
