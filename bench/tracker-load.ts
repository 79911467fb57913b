// Load for bench/tracker.ts, a process of its own: announces over 64 connections, from node:net.
// Usage: tracker-load.ts PORT new|keep COUNT|SECONDSs hot|wide; prints one JSON line.
import { connect } from 'node:net';

const CONNECTIONS = 64;
/** Hot: swarms big enough that every answer has 50 peers. Wide: 10 peers in each of 100,000 swarms. */
const WORKLOADS = { hot: { swarms: 200, peers: 200 }, wide: { swarms: 100_000, peers: 10 } };

const [port = 0, mode, length = '', workloadName] = process.argv.slice(2);
const { swarms, peers } = WORKLOADS[workloadName as keyof typeof WORKLOADS];
const announcesMax = length.endsWith('s') ? Number.POSITIVE_INFINITY : Number(length);
const started = performance.now();
const endMs = length.endsWith('s') ? started + Number.parseFloat(length) * 1000 : Number.POSITIVE_INFINITY;
const close = mode === 'new' ? 'Connection: close\r\n' : '';
const hot = workloadName === 'hot' ? Array.from({ length: swarms * peers }, (_, i) => announce(i)) : [];
let sent = 0;
let answered = 0;
let failed = 0;
let bytes = 0;
let open = 0;

function announce(number: number): Buffer {
  const swarm = Math.imul((number % swarms) + 1, 0x9e3779b1) >>> 0;
  const word = swarm.toString(16).padStart(8, '0').replace(/../g, '%$&');
  const peer = Math.floor(number / swarms) % peers;
  const query = `info_hash=${word.repeat(5)}&peer_id=-XX0000-abcdefghijkl&port=${10_000 + peer}&uploaded=0&downloaded=0&left=${peer % 3}`;
  const numwant = workloadName === 'hot' ? 50 : 0;
  return Buffer.from(
    `GET /announce?${query}&compact=1&numwant=${numwant} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench\r\n${close}\r\n`,
  );
}

function next(): Buffer | undefined {
  if (sent >= announcesMax || performance.now() >= endMs) return undefined;
  const number = sent++;
  return hot[number % hot.length] ?? announce(number);
}

function lane(): void {
  const first = next();
  if (!first) return finish();
  open++;
  let missing = 0;
  let isHeadRead = false;
  const take = (chunk: Buffer, length: number): void => {
    bytes += length;
    if (!isHeadRead) {
      const head = chunk.toString('latin1', 0, Math.min(length, 200));
      if (!head.startsWith('HTTP/1.1 200') || head.includes('failure reason')) failed++;
      missing = head.indexOf('\r\n\r\n') + 4 + Number(/Content-Length: *(\d+)/i.exec(head)?.[1]);
      isHeadRead = true;
    }
    missing -= length;
    if (missing > 0) return;
    answered++;
    isHeadRead = false;
    if (mode === 'new') return;
    const following = next();
    if (following) socket.write(following);
    else socket.end();
  };
  const buffer = Buffer.allocUnsafeSlow(16_384);
  const socket = connect({
    port: Number(port),
    host: '127.0.0.1',
    noDelay: true,
    onread: {
      buffer,
      callback: (length: number) => {
        take(buffer, length);
        return true;
      },
    },
  });
  socket.on('error', () => failed++);
  socket.on('close', () => {
    open--;
    lane();
  });
  socket.write(first);
}

function finish(): void {
  if (open > 0 || answered < 0) return;
  const seconds = (performance.now() - started) / 1000;
  console.log(JSON.stringify({ answered, failed, seconds, bytes }));
  answered = Number.NEGATIVE_INFINITY;
}

for (let i = 0; i < CONNECTIONS; i++) lane();
