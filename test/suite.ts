/**
 * Runs the whole suite: what needs this checkout alone, then what needs real peers, and beside both, on the time that they
 * leave, the long hours of the simulator, which wait for nothing and would keep two cores for minutes. Prints theirs last.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants, setPriority } from 'node:os';

const HOURS = 'test/sim/churn.test.ts';

const background = spawn(process.execPath, ['--test', HOURS], { stdio: ['ignore', 'pipe', 'inherit'] });
setPriority(background.pid!, constants.priority.PRIORITY_LOW);
const printed: Buffer[] = [];
background.stdout.on('data', (bytes: Buffer) => printed.push(bytes));
const backgroundEnd = once(background, 'close');

for (const part of ['test:house', 'test:interop']) {
  const [code] = await once(spawn('npm', ['run', '--silent', part], { stdio: 'inherit' }), 'close');
  if (code === 0) continue;
  background.kill();
  process.exitCode = 1;
  break;
}
const [code] = await backgroundEnd;
process.stdout.write(Buffer.concat(printed));
if (code !== 0) process.exitCode = 1;
