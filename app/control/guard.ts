/**
 * Who may talk to the loopback surface: our own page and nobody else's. A foreign site open in the same browser can
 * send requests here, and DNS rebinding can make them look local, so each request is judged by all of its headers
 * before any code of the API sees it (SAFETY rule 8).
 */
import { timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { LOCAL_PAGE_POLICY } from '../../web/index.ts';

/** What a request is judged by. */
export interface Judged {
  readonly method: string;
  /** Path and query as sent. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
}

export interface Refusal {
  readonly status: 403 | 405 | 415;
  readonly message: string;
}

export const TOKEN_HEADER = 'x-monsoon-token';

/**
 * Makes the judge of one listener. It answers undefined when the request may pass.
 * @param isOpen whether a path as sent is read without the token, because it is what carries it, or carries a key of
 * its own; no spelling of another path passes for one
 */
export function loopbackGuard(
  port: number,
  token: string,
  isOpen: (url: string) => boolean,
): (request: Judged) => Refusal | undefined {
  const hosts = [`127.0.0.1:${port}`, `localhost:${port}`];
  return ({ method, url, headers }) => {
    const { host, origin } = headers;
    const site = headers['sec-fetch-site'];
    if (!host || !hosts.includes(host)) return refuse(403, 'the Host header is not this node');
    if (origin !== undefined && origin !== `http://${host}`) return refuse(403, 'the request comes from another site');
    if (site !== undefined && site !== 'same-origin' && site !== 'none' && !isVisit({ method, url, headers })) {
      return refuse(403, 'the request comes from another site');
    }
    if (method !== 'GET' && method !== 'HEAD' && method !== 'POST') return refuse(405, `${method} is not offered`);
    if (isOpen(url)) return method === 'POST' ? refuse(405, 'pages are read with GET') : undefined;
    if (!isToken(headers[TOKEN_HEADER], token)) return refuse(403, `the ${TOKEN_HEADER} header is missing or wrong`);
    // A form on another site cannot send either of these without asking first.
    if (method === 'POST' && !/^application\/(?:json|x-bittorrent)(?:;|$)/.test(headers['content-type'] ?? '')) {
      return refuse(415, 'the body must be application/json, or application/x-bittorrent');
    }
    return undefined;
  };
}

/**
 * True for a person who follows a link of another site to our page, as with a magnet link that the browser brings here.
 * Who sent them sees nothing of what they get: it opens as a document of its own, never in a frame, and has no opener.
 */
function isVisit({ method, url, headers }: Judged): boolean {
  const isDocument = headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document';
  return method === 'GET' && url === '/' && isDocument;
}

/** Headers of every answer of the loopback surface. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy': LOCAL_PAGE_POLICY,
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), geolocation=(), microphone=()',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Cache-Control': 'no-store',
};

function refuse(status: Refusal['status'], message: string): Refusal {
  return { status, message };
}

/** Compares in a time that does not tell how much was right. */
export function isToken(given: string | string[] | undefined, token: string): boolean {
  if (typeof given !== 'string') return false;
  const [a, b] = [Buffer.from(given), Buffer.from(token)];
  return a.length === b.length && timingSafeEqual(a, b);
}
