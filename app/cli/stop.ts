/** `monsoon stop`: ends the daemon, and returns when everything it held is closed. */
import { setTimeout as sleep } from 'node:timers/promises';
import { MonsoonError } from '../../src/base/index.ts';
import { answer } from './answer.ts';
import { withClient } from './daemon-process.ts';
import type { Verb } from './verb.ts';

const POLL_MS = 25;
const STOP_MS_MAX = 30_000;

export const stop: Verb = {
  name: 'stop',
  parameters: [],
  summary: 'stop the node',
  options: [],
  run: (call, context) =>
    withClient(context, async (client) => {
      const { pid } = await client.status();
      await client.stop();
      for (let waitedMs = 0; waitedMs < STOP_MS_MAX; waitedMs += POLL_MS) {
        await sleep(POLL_MS, undefined, { signal: context.interrupt });
        // The socket is closed after everything else, and before the lock: the next node waits for that.
        if (!(await client.isServed())) return answer(call, context, { pid }, () => 'The node has stopped.\n');
      }
      throw new MonsoonError('timeout', `The node (process ${pid}) has not ended yet. See ${context.home.logFile}.`);
    }),
};
