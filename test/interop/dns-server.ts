// A responder alone, as a process of its own: `dns-server.ts ADDRESS PORT RATE`. Says "ready" and goes on until killed.
import { at, content, host, open } from '../dns/fixtures.ts';

const HOSTS = 16;
const [bind, port, rate] = process.argv.slice(2);
const hosts = Array.from({ length: HOSTS }, (_, n) => host(n));
await open({
  network: at(bind!),
  port: Number(port),
  answersPerSecond: Number(rate),
  content: () => content({ hosts }),
});
console.log('ready');
