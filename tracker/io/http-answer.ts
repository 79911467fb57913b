/**
 * Answers as HTTP/1.1 bytes, written into a buffer that the caller owns. Only tracker answers and the few refusals
 * of the byte path stand here; pages and everything else are node:http's.
 */
import { ANSWER_BYTES_MAX, HEAD_BYTES_MAX, type RequestHead, type TrackerAnswer } from '../index.ts';

/** Most bytes one answer takes with its headers: a Location repeats the query, which is part of a head. */
export const RESPONSE_BYTES_MAX: number = ANSWER_BYTES_MAX + HEAD_BYTES_MAX + 512;

/** Why a request was not served; each ends the connection, because where the next request starts is in doubt. */
export type RefusedStatus = 400 | 405 | 431;

const REFUSALS: Readonly<Record<RefusedStatus, Buffer>> = {
  400: refusal('400 Bad Request'),
  405: refusal('405 Method Not Allowed', 'Allow: GET\r\n'),
  431: refusal('431 Request Header Fields Too Large'),
};

/** Writes a tracker answer that has a status at `at`; returns the byte after it. */
export function writeAnswer(answer: TrackerAnswer, head: RequestHead, output: Buffer, at: number): number {
  const status = answer.location === undefined ? '200 OK' : `307 Temporary Redirect\r\nLocation: ${answer.location}`;
  // HTTP/1.1 stays open unless told otherwise, HTTP/1.0 closes unless told otherwise.
  const connection = !head.keepsAlive ? 'Connection: close\r\n' : head.isHttp10 ? 'Connection: keep-alive\r\n' : '';
  const headers = `HTTP/1.1 ${status}\r\nContent-Type: text/plain\r\n${connection}Content-Length: ${answer.body.length}\r\n\r\n`;
  const bodyAt = at + output.write(headers, at, 'latin1');
  output.set(answer.body, bodyAt);
  return bodyAt + answer.body.length;
}

/** Writes a refusal at `at`; returns the byte after it. */
export function writeRefusal(status: RefusedStatus, output: Buffer, at: number): number {
  return at + REFUSALS[status].copy(output, at);
}

function refusal(status: string, header = ''): Buffer {
  return Buffer.from(`HTTP/1.1 ${status}\r\n${header}Connection: close\r\nContent-Length: 0\r\n\r\n`, 'latin1');
}
