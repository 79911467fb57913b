// Runs the program in this process, whose runtime is new enough: the build, or the sources where there is none of them. What is
// loaded before it is loaded by each verb, so that the runtime's modules are taken without reading all that they export.
import { currentBuild, ROOT } from './current-build.js';

const { join } = process.getBuiltinModule('node:path');
const { pathToFileURL } = process.getBuiltinModule('node:url');
const { setFlagsFromString } = process.getBuiltinModule('node:v8');

// The heap of new objects keeps its first size: left alone it grows by 30 MiB and more while sources are loaded and
// within a second of fast transfer, though nearly nothing in it survives. Before anything is compiled, because what
// was compiled under other flags is compiled again.
setFlagsFromString('--semi-space-growth-factor=1');
// The heap of old ones is collected when it has grown by half, not by four times: with small pieces what survives a few
// collections of new ones is several KiB for each, and a node at rest keeps for hours what it has grown to.
setFlagsFromString('--heap-growing-percent=50');
// Only these two have a node in their own process; whatever stands before a verb is no verb.
const startsNode = !/^[a-z]/.test(process.argv[2] ?? '') || ['start', 'demo'].includes(process.argv[2]);
const build = currentBuild(startsNode);
if (build === undefined) {
  // What was compiled is kept beside the packages: doing it anew takes longer than most verbs do.
  process.getBuiltinModule('node:module').enableCompileCache(join(ROOT, 'node_modules', '.cache', 'monsoon'));
  await import(pathToFileURL(join(ROOT, 'app', 'main.ts')).href);
} else {
  const { loadBuilt } = await import('./built-program.js');
  await loadBuilt(build);
}
