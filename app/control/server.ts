/**
 * The two surfaces of the local API: a socket that only this user can open, and a loopback port for the page.
 * Both have bounds on connections, headers and time, so that no local program can hold the node up.
 */
import { chmod, rm } from 'node:fs/promises';
import type { RequestListener, Server, ServerOptions } from 'node:http';
import type { AddressInfo, ListenOptions } from 'node:net';
import { createServer } from '../../src/io/node-http.ts';
import type { AnswerRequest } from './api.ts';
import { loopbackGuard, SECURITY_HEADERS } from './guard.ts';

export interface ListeningServer {
  /** 0 for a socket that has none. */
  readonly port: number;
  /** Answers what is under way, then ends every connection. */
  close(): Promise<void>;
}

const CONNECTIONS_MAX = 64;
const CLOSE_WAIT_MS = 2000;
const CLOSE_POLL_MS = 10;
const LIMITS: ServerOptions = {
  maxHeaderSize: 32 * 1024,
  headersTimeout: 5000,
  // Time to receive a request, not to answer it: hashing a large share takes as long as it takes.
  requestTimeout: 10_000,
  keepAliveTimeout: 5000,
};

/** Serves on a unix socket (mode 0600) or named pipe; the caller holds the lock, so an old socket file is dead. */
export async function listenOnSocket(path: string, answer: AnswerRequest): Promise<ListeningServer> {
  const isFile = process.platform !== 'win32';
  if (isFile) await rm(path, { force: true });
  const server = await listen(answer, { path });
  if (isFile) await chmod(path, 0o600);
  return server;
}

/**
 * Serves on 127.0.0.1 to requests that the guard lets pass.
 * @param wantedPort taken when it is free; else, and for 0, any other is
 */
export async function listenOnLoopback(
  wantedPort: number,
  answer: AnswerRequest,
  token: string,
  isOpen: (url: string) => boolean,
): Promise<ListeningServer> {
  // No request can come before the port, and with it the guard, is known.
  let guard: ReturnType<typeof loopbackGuard>;
  const listener: RequestListener = (request, response) => {
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value);
    const { method = '', url = '', headers } = request;
    const refusal = guard({ method, url, headers });
    if (!refusal) return void answer(request, response);
    response.writeHead(refusal.status, { 'Content-Type': 'application/json', Connection: 'close' });
    response.end(JSON.stringify({ error: 'refused', message: refusal.message }));
  };
  const host = '127.0.0.1';
  const server = await listen(listener, { host, port: wantedPort }).catch((error: NodeJS.ErrnoException) => {
    if (wantedPort === 0 || error.code !== 'EADDRINUSE') throw error;
    return listen(listener, { host, port: 0 });
  });
  guard = loopbackGuard(server.port, token, isOpen);
  return server;
}

async function listen(listener: RequestListener, where: ListenOptions): Promise<ListeningServer> {
  const server = createServer(LIMITS, listener);
  server.maxConnections = CONNECTIONS_MAX;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(where, resolve);
  });
  const address = server.address() as AddressInfo | string;
  return { port: typeof address === 'string' ? 0 : address.port, close: () => closeServer(server) };
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const late = setTimeout(() => server.closeAllConnections(), CLOSE_WAIT_MS);
    // A connection that is being answered becomes idle only later, and would then be kept alive.
    const idle = setInterval(() => server.closeIdleConnections(), CLOSE_POLL_MS);
    server.close(() => {
      clearTimeout(late);
      clearInterval(idle);
      resolve();
    });
  });
}
