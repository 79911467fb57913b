/**
 * Makes the program that `bin/monsoon.js` starts: all its modules and packages in a few files of `dist/program`, because the
 * runtime takes a third of a second to find and read some 600 files one by one. Does nothing when no source has changed.
 */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { type Plugin, rolldown } from 'rolldown';
import { BUILDS, type BuildRecord, currentBuild, RECORD, ROOT, stampOf } from './current-build.js';

/** The first file of the process and of each of its threads, by their names in the build. */
const ENTRIES = {
  main: 'app/main.ts',
  'worker-start': 'src/io/worker-start.js',
  'hash-worker': 'src/io/hash-worker.ts',
  'listing-worker': 'src/io/listing-worker.ts',
  'listing-checkpoint': 'src/io/listing-checkpoint.ts',
};
/** Starts threads by files that lie beside it, in a build as among the sources. */
const STARTS_THREADS = 'src/io/worker.ts';
/** What the verbs import that start nodes in their own process (`startsNode` of bin/run.js), and no other verb calls. */
const STARTS_NODES = new Set(['app/daemon.ts', 'app/demo.ts', 'app/log.ts', 'app/node.ts']);
/** The one file of a build that the runtime loads itself, and how it goes on. */
const THREAD_START = {
  file: 'worker-start.js',
  loadsSource: 'await import(entry);',
  loadsBuilt: 'await (await import("../../../bin/built-program.js")).loadThread(entry);',
};
/** Rooms whose modules do nothing when they are loaded. */
const PURE = /\/(?:config|src\/(?!io\/)[a-z]+)\/[^/]+\.ts$/;
/** What is loaded when it is first called, because most verbs do not: an open door to a third of what the runtime has. */
const CALLED_LATER = /^(?:node:fs\/promises \w+|node:child_process spawn)$/;
/**
 * By the file that loads it: an HTTP client, which src/io/parse-torrent.ts leaves out too where the sources run; HTTP/2, which our
 * client does not allow; DNS clients and servers, where we only encode; other programs as verbs.
 */
const NEVER_CALLED =
  /\/parse-torrent\/\S+ cross-fetch-ponyfill$|\/undici\/\S+ \.\/client-h2\.js$|\/dns2\/index\.js \.\/(?:server|client\/\w+)$|\/commander\/\S+ node:child_process$/;
/** An import of one of the runtime's modules, as rolldown writes it: of the whole, of names, or of both. */
const BUILTIN = /^import (?:((?:\* as )?[\w$]+)(?:, )?)?(\{[^}]*\})? from "([\w:/]+)";$/gm;
/** What a file of a build imports of another, now or later, and what it exports, of its own or of another, as rolldown writes it. */
const IMPORT = /^import (?:(\{[^}]*\}) from )?"\.\/([\w-]+\.js)";$/gm;
const IMPORT_LATER = /\bimport\("\.\/([\w-]+\.js)"\)/g;
const EXPORT = /^export (\{[^}]*\})(?: from "\.\/([\w-]+\.js)")?;$/gm;
/** The current build, and the one before it, from which a node may still run and load more. */
const FOLDERS = ['a', 'b'] as const;

async function buildProgram(): Promise<void> {
  const startedAt = Date.now();
  await mkdir(BUILDS, { recursive: true });
  const fresh = await mkdtemp(join(BUILDS, 'new-'));
  try {
    const files = await bundle(fresh);
    const stampsOf = (paths: readonly string[]) => Object.fromEntries(paths.map((path) => [path, stampOf(path)]));
    const [sources, ofNodes] = [stampsOf(files.ofVerbs), stampsOf(files.ofNodes)];
    const endedAt = Date.now();
    if (Object.values({ ...sources, ...ofNodes }).some(([mtimeMs]) => mtimeMs >= startedAt && mtimeMs <= endedAt)) {
      throw new Error('a source changed while the program was built: build it again');
    }
    const folder = (await currentFolder()) === FOLDERS[0] ? FOLDERS[1] : FOLDERS[0];
    await rm(join(BUILDS, folder), { recursive: true, force: true });
    await rename(fresh, join(BUILDS, folder));
    const record: BuildRecord = { folder, sources, ofNodes };
    await writeFile(`${RECORD}.${process.pid}`, JSON.stringify(record));
    await rename(`${RECORD}.${process.pid}`, RECORD);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

/** Paths of sources, from ROOT. */
interface Files {
  /** What any verb may run, and what says how it is built and of which packages. */
  readonly ofVerbs: readonly string[];
  /** What only a process that starts a node runs. */
  readonly ofNodes: readonly string[];
}

/** Writes the build and returns the sources it was made from. */
async function bundle(dir: string): Promise<Files> {
  const sources = new Set<string>();
  const ofVerbs = new Set<string>();
  const build = await rolldown({
    cwd: ROOT,
    platform: 'node',
    input: ENTRIES,
    plugins: [
      whereSourcesLie(sources),
      whatVerbsRun(ofVerbs),
      withoutTheRest(),
      withoutFacades(),
      asScripts(),
      inAscii(),
    ],
    // What a verb uses of a room is all that it loads of it.
    treeshake: { moduleSideEffects: [{ test: PURE, sideEffects: false }] },
  });
  await build.write({ dir, format: 'esm', entryFileNames: '[name].js', chunkFileNames: '[name].js', comments: false });
  return {
    ofVerbs: [...sources.intersection(ofVerbs), 'bin/build-program.ts', 'package.json', 'package-lock.json'],
    ofNodes: [...sources.difference(ofVerbs)],
  };
}

/** Puts into `paths` all that is imported by the program without what starts a node. */
function whatVerbsRun(paths: Set<string>): Plugin {
  return {
    name: 'what-verbs-run',
    buildEnd() {
      const pending = [ENTRIES.main];
      for (const path of pending) {
        if (paths.has(path) || STARTS_NODES.has(path)) continue;
        paths.add(path);
        const module = this.getModuleInfo(join(ROOT, path));
        pending.push(...[...(module?.importedIds ?? []), ...(module?.dynamicallyImportedIds ?? [])].map(pathOf));
      }
    },
  };
}

/**
 * Each module goes on to find files from where its source lies: a folder of BUILDS is three levels below ROOT.
 * @param sources gets the paths of all that are ours
 */
function whereSourcesLie(sources: Set<string>): Plugin {
  return {
    name: 'where-sources-lie',
    transform(code, id) {
      const path = pathOf(id);
      if (!id.startsWith(ROOT) || path.startsWith('node_modules/')) return null;
      sources.add(path);
      if (path === STARTS_THREADS) return null;
      return code.replaceAll('import.meta.url', `new URL('../../../${path}', import.meta.url).href`);
    },
  };
}

/** Leaves out what packages load and we never call. */
function withoutTheRest(): Plugin {
  const nothing = '\0nothing';
  return {
    name: 'without-the-rest',
    resolveId: (name, importer = '') =>
      NEVER_CALLED.test(`${importer.replaceAll(sep, '/')} ${name}`) ? nothing : null,
    load: (id) => (id === nothing ? 'export default undefined' : null),
  };
}

/**
 * Takes the runtime's modules as they are: an import statement reads everything that a module exports, and node:process then
 * makes the standard streams, node:util a parser of MIME types.
 */
function withoutFacades(): Plugin {
  return {
    name: 'without-facades',
    renderChunk: (code) =>
      code.replace(BUILTIN, (_, whole: string | undefined, named: string | undefined, module: string) => {
        const all = `process.getBuiltinModule("${module}")`;
        const names = named?.slice(1, -1).split(',') ?? [];
        const isLater = (name: string): boolean => CALLED_LATER.test(`${module} ${name.trim().split(' ')[0]}`);
        const now = names.filter((name) => !isLater(name)).map((name) => name.replace(' as ', ': '));
        return [
          ...(whole ? [`const ${whole.replace('* as ', '')} = ${all};`] : []),
          ...(now.length > 0 ? [`const {${now}} = ${all};`] : []),
          ...names.filter(isLater).map((name) => {
            const [theirs = '', ours = theirs] = name.trim().split(' as ');
            return `const ${ours} = (...given) => ${all}.${theirs}(...given);`;
          }),
        ].join(' ');
      }),
  };
}

/**
 * Makes a script of each module, which returns a function for bin/built-program.js: of scripts alone the runtime lets us keep what
 * the engine compiled while they ran.
 */
function asScripts(): Plugin {
  return {
    name: 'as-scripts',
    generateBundle(_, files) {
      for (const file of Object.values(files)) {
        if (file.type !== 'chunk') continue;
        file.code = file.fileName === THREAD_START.file ? threadStart(file.code) : scriptOf(file.fileName, file.code);
      }
    },
  };
}

function threadStart(module: string): string {
  if (!module.includes(THREAD_START.loadsSource)) throw new Error(`${THREAD_START.file} loads its entry otherwise`);
  return module.replace(THREAD_START.loadsSource, THREAD_START.loadsBuilt);
}

function scriptOf(fileName: string, module: string): string {
  const exports: string[] = [];
  const code = module
    .replace(IMPORT, (_, names: string | undefined, from: string) => {
      return `${names ? `const ${names.replaceAll(' as ', ': ')} = ` : ''}await $load("${from}");`;
    })
    .replace(IMPORT_LATER, '$$load("$1")')
    .replaceAll('import.meta', '$meta')
    .replace(EXPORT, (_, names: string, from: string | undefined) => {
      const other = `$from${exports.length}`;
      for (const [, own = '', name = own] of names.matchAll(/([\w$]+)(?: as ([\w$]+))?/g)) {
        exports.push(`${name}: ${from ? `${other}.${own}` : own}`);
        // Who imports it gets the value that it has once this file has run.
        if (!from && new RegExp(`^(?:let ${RegExp.escape(own)}\\b|var ${RegExp.escape(own)};)`, 'm').test(module)) {
          throw new Error(`${fileName} exports ${own}, which may change: what scripts of a build export cannot`);
        }
      }
      return from ? `const ${other} = await $load("${from}");` : '';
    });
  const left = /^(?:import|export)\b.*$/m.exec(code);
  if (left) throw new Error(`${fileName} has a statement that no script can have: ${left[0]}`);
  // By its mark bin/built-program.js knows of which state of a file compiled code is.
  const mark = createHash('sha1').update(module).digest('hex');
  return `/* ${mark} */(async ($load, $meta) => { "use strict"; ${code}\nreturn { ${exports.join(', ')} };\n})`;
}

/** One character beyond ASCII, and the runtime keeps two bytes for each of a file's two million. */
function inAscii(): Plugin {
  const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return {
    name: 'in-ascii',
    generateBundle(_, files) {
      for (const file of Object.values(files)) {
        if (file.type === 'chunk') file.code = file.code.replace(/[^\0-\x7f]/g, escaped);
      }
    },
  };
}

function pathOf(id: string): string {
  return relative(ROOT, id).split(sep).join('/');
}

async function currentFolder(): Promise<string | undefined> {
  const text = await readFile(RECORD, 'utf8').catch(() => undefined);
  return text && (JSON.parse(text) as BuildRecord).folder;
}

if (currentBuild() === undefined) await buildProgram();
