#!/usr/bin/env node
// The program. Runs on any Node >= 18: an older runtime than the sources need re-executes the bundled one.
const NODE_MAJOR_MIN = 26;

if (Number(process.versions.node.split('.')[0]) >= NODE_MAJOR_MIN) await import('./run.js');
else (await import('./run-bundled.js')).runBundled(NODE_MAJOR_MIN);
