/** Requests of the local API as they are answered: read within a bound, answered with JSON, a page or a stream. */
import type { ServerResponse } from 'node:http';
import { MonsoonError } from '../../src/base/index.ts';

/** What is answered to one request. */
export type Answer = JsonAnswer | BytesAnswer | StreamAnswer;
export interface JsonAnswer {
  readonly status: number;
  readonly json: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}
export interface BytesAnswer {
  readonly bytes: string | Uint8Array;
  readonly contentType: string;
}
/** Has the response written to for as long as its reader stays. */
export interface StreamAnswer {
  readonly contentType: string;
  /** 200 when absent. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly begin: (response: ServerResponse) => void;
}

/** A request whose head was read, and whose body is read by who wants it. */
export interface Asked {
  /** The part of the path that varies, decoded; empty where there is none. */
  readonly what: string;
  readonly query: URLSearchParams;
  /** Rejects with a MonsoonError (`usage`) for what is no JSON, and with a `TooLong`. */
  json(): Promise<unknown>;
  bytes(): Promise<Uint8Array>;
}

/** A body that is longer than it may be. */
export class TooLong extends Error {}

export function jsonAnswer(json: unknown, status = 200): JsonAnswer {
  return { status, json };
}

export function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw new MonsoonError('usage', 'the body is not valid JSON');
  }
}

/** Sends an answer; a reader that has gone is nobody's loss. */
export function send(response: ServerResponse, answer: Answer): void {
  if ('begin' in answer) {
    response.writeHead(answer.status ?? 200, { 'Content-Type': answer.contentType, ...answer.headers });
    // Who asks for the head alone reads no stream, and would hold one.
    if (response.req.method === 'HEAD') response.end();
    else answer.begin(response);
    return;
  }
  const headers = 'json' in answer ? answer.headers : undefined;
  const [status, contentType, body] =
    'json' in answer
      ? [answer.status, 'application/json', JSON.stringify(answer.json) ?? 'null']
      : [200, answer.contentType, answer.bytes];
  response.writeHead(status, { ...headers, 'Content-Type': contentType, 'Content-Length': Buffer.byteLength(body) });
  response.end(body);
}
