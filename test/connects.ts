import { once } from 'node:events';
import { createConnection } from 'node:net';

const ANSWER_MS = 2000;

/** Whether somebody takes a TCP connection there; this process is the one who connects. */
export async function connects(host: string, port: number): Promise<boolean> {
  const socket = createConnection({ host, port, timeout: ANSWER_MS });
  socket.on('timeout', () => socket.destroy(new Error('no answer')));
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
