// A name server and a web server as a process of their own: `names-and-files.ts LISTEN ANSWER FOLDER` says that every name is
// ANSWER, for names that begin with `cut` over TCP alone, and hands out the files of a folder by range. Says "ready".
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createWebServer } from 'node:http';
import { createServer } from 'node:net';
import { basename, join } from 'node:path';

const DNS_PORT = 53;
const WEB_PORT = 8080;
const HEADER_BYTES = 12;
const TYPE_A = 1;
const TRUNCATED = 2;
const RECURSION = 0x80;

const [listen, address, folder] = process.argv.slice(2) as [string, string, string];

function answerTo(question: Buffer, isStream: boolean): Buffer {
  const nameEnd = question.indexOf(0, HEADER_BYTES) + 1;
  const isCut =
    !isStream &&
    question
      .subarray(HEADER_BYTES + 1)
      .toString('latin1')
      .startsWith('cut');
  const hasAddress = !isCut && question.readUInt16BE(nameEnd) === TYPE_A;
  const record = Buffer.of(0xc0, HEADER_BYTES, 0, TYPE_A, 0, 1, 0, 0, 0, 1, 0, 4, ...address.split('.').map(Number));
  const answer = Buffer.concat([question.subarray(0, nameEnd + 4), hasAddress ? record : Buffer.alloc(0)]);
  answer[2] = 0x80 | (isCut ? TRUNCATED : 0) | (question[2]! & 1);
  answer[3] = RECURSION;
  answer.fill(0, 6, HEADER_BYTES);
  if (hasAddress) answer[7] = 1;
  return answer;
}

const udp = createSocket('udp4').bind(DNS_PORT, listen);
udp.on('message', (question, { address: host, port }) => udp.send(answerTo(question, false), port, host));
const tcp = createServer((socket) => {
  socket.on('error', () => {});
  let unread = Buffer.alloc(0);
  socket.on('data', (bytes: Buffer) => {
    unread = Buffer.concat([unread, bytes]);
    while (unread.length >= 2 && unread.length >= 2 + unread.readUInt16BE(0)) {
      const end = 2 + unread.readUInt16BE(0);
      const answer = answerTo(unread.subarray(2, end), true);
      socket.write(Buffer.concat([Buffer.of(answer.length >>> 8, answer.length & 255), answer]));
      unread = unread.subarray(end);
    }
  });
}).listen(DNS_PORT, listen);
const web = createWebServer((request, response) => {
  const bytes = readFileSync(join(folder, basename(decodeURIComponent(request.url!))));
  const [, from = '0', to = `${bytes.length - 1}`] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
  const range = { 'content-range': `bytes ${from}-${to}/${bytes.length}` };
  response.writeHead(206, range).end(bytes.subarray(Number(from), Number(to) + 1));
}).listen(WEB_PORT, listen);
await Promise.all([udp, tcp, web].map((server) => once(server, 'listening')));
console.log('ready');
