// Builds the local page and the program with the Node that the sources need; run by `npm ci`, before `npm start` and before
// `npm test`. Plain JavaScript, valid on Node 18 and later. Without the packages that build, as after `npm ci --omit=dev`,
// there is nothing to do here.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const STEPS = [
  { script: 'web/build.ts', needs: 'vite' },
  { script: 'bin/build-program.ts', needs: 'rolldown' },
  { script: 'bin/train-program.ts', needs: 'rolldown' },
];

const root = fileURLToPath(new URL('..', import.meta.url));
const bundled = `${root}node_modules/.bin/node${process.platform === 'win32' ? '.cmd' : ''}`;
const node = existsSync(bundled) ? bundled : process.execPath;

for (const { script, needs } of STEPS) {
  if (!existsSync(`${root}node_modules/${needs}`)) continue;
  const done = spawnSync(node, [`${root}${script}`], { stdio: 'inherit', shell: process.platform === 'win32' });
  if (done.status !== 0) process.exit(1);
}
