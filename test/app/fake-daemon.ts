// A daemon process with a fake node in it; prints a line when it serves, exits with 1 when it may not.
import { loadConfig } from '../../app/config-file.ts';
import { runDaemon } from '../../app/daemon.ts';
import { currentHome } from '../../app/home.ts';
import { openLog } from '../../app/log.ts';
import { MonsoonError } from '../../src/base/index.ts';
import { FakeNode } from './fake-node.ts';

const home = currentHome();
const resolved = await loadConfig(home, { flags: {}, environment: {} });
const interrupt = new AbortController();
process.on('SIGTERM', () => interrupt.abort());
const log = openLog('error', { write: (line) => void process.stderr.write(line) });
const node = new FakeNode();
node.complete();
try {
  await runDaemon({
    home,
    resolved,
    log,
    startNode: async () => node,
    interrupt: interrupt.signal,
    onServing: () => void process.stdout.write('serving\n'),
  });
} catch (error) {
  process.exitCode = error instanceof MonsoonError && error.code === 'busy' ? 1 : 99;
}
