/** Fills a tracker's swarms as fast as it takes announces: requests in batches over a few connections, answers counted. */
import { connect } from 'node:net';

const LANES = 8;
const BATCH = 50;
const ANSWER = Buffer.from('HTTP/1.1 ');

/** Announces a peer of each port to each hash; resolves when all are answered. */
export async function fillSwarms(
  contact: string,
  infoHashes: readonly string[],
  ports: readonly number[],
): Promise<void> {
  const requests = function* (): Generator<string> {
    for (const infoHash of infoHashes) for (const port of ports) yield requestOf(contact, infoHash, port);
  };
  const queue = requests();
  await Promise.all(Array.from({ length: LANES }, () => lane(contact, queue)));
}

function lane(contact: string, queue: Generator<string>): Promise<void> {
  const { hostname, port } = new URL(`http://${contact}`);
  const socket = connect({ host: hostname, port: Number(port), noDelay: true });
  return new Promise((resolve, reject) => {
    let open = 0;
    let rest = Buffer.alloc(0);
    const send = (): void => {
      let batch = '';
      for (open = 0; open < BATCH; open++) {
        const { value, done } = queue.next();
        if (done) break;
        batch += value;
      }
      if (open === 0) socket.end(resolve);
      else socket.write(batch);
    };
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('the tracker closed a connection before it answered')));
    socket.on('connect', send);
    socket.on('data', (bytes: Buffer) => {
      const seen = Buffer.concat([rest, bytes]);
      let at = seen.indexOf(ANSWER);
      for (; at >= 0; at = seen.indexOf(ANSWER, at + ANSWER.length)) open--;
      rest = seen.subarray(Math.max(0, seen.length - ANSWER.length + 1));
      if (open === 0) send();
    });
  });
}

function requestOf(contact: string, infoHash: string, port: number): string {
  const query = `info_hash=${infoHash.replace(/../g, '%$&')}&peer_id=-XX0001-abcdefghijkl&port=${port}`;
  return `GET /announce?${query}&uploaded=0&downloaded=0&left=1&compact=1&numwant=0 HTTP/1.1\r\nHost: ${contact}\r\n\r\n`;
}
