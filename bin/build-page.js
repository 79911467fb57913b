// Builds the local page with the Node that the sources need; run by `npm ci`, before `npm start` and before `npm test`.
// Plain JavaScript, valid on Node 18 and later. Without vite, as after `npm ci --omit=dev`, there is nothing to do here.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const bundled = `${root}node_modules/.bin/node${process.platform === 'win32' ? '.cmd' : ''}`;
const node = existsSync(bundled) ? bundled : process.execPath;

if (existsSync(`${root}node_modules/vite`)) {
  const done = spawnSync(node, [`${root}web/build.ts`], { stdio: 'inherit', shell: process.platform === 'win32' });
  if (done.status !== 0) process.exit(1);
}
