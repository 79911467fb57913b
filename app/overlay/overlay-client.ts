/**
 * Asks other nodes about the overlay: how a question goes over the wire, and how long both ends keep the connection for
 * the next one. Most questions are shorter than the headers that a browser would send, so what HTTP does not need is left
 * out. Refuses to know who is asked, and what becomes of the answer.
 */
import { isFault } from '../../src/base/index.ts';
import { HttpClient, type HttpSettings } from '../../src/io/http-client.ts';
import { encodeMessage, MESSAGE_BYTES_MAX, type OverlayMessage, parseMessage } from '../../src/overlay/index.ts';

/** Where nodes ask each other; POST only. */
export const OVERLAY_PATH = '/overlay';
/**
 * How long who was asked keeps a connection for the next question. Partners are asked within a minute, and find it open;
 * for others there is a handshake (2 ms and 4 KB), which is less than what open connections to everybody cost.
 */
export const ASKED_IDLE_MS = 75_000;
/** How long the asker keeps it: less, so that no question is on its way when the other end closes. */
export const ASKER_IDLE_MS = 70_000;
/** What an answer of another node may take longer than the machine waits: TCP and TLS make two journeys before it. */
export const HANDSHAKE_MS = 1000;

/** The connections of one node to those whom it asks. */
export function openOverlayClient(settings: Omit<HttpSettings, 'nodeIdleMs'>): HttpClient {
  return new HttpClient({ ...settings, nodeIdleMs: ASKER_IDLE_MS });
}

/** A question, and whom it goes to. */
export interface Question {
  /** As `nodeOrigin` gives it. */
  readonly origin: string;
  readonly message: OverlayMessage;
  /** How long the answer may take, a handshake not counted. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** The answer of a node; undefined when there is none in time, or none that is a message. */
export async function askNode(
  http: HttpClient,
  { origin, message, timeoutMs, signal }: Question,
): Promise<OverlayMessage | undefined> {
  const reply = await http.request({
    origin,
    method: 'POST',
    path: OVERLAY_PATH,
    body: encodeMessage(message),
    timeoutMs: timeoutMs + HANDSHAKE_MS,
    bytesMax: MESSAGE_BYTES_MAX,
    signal,
  });
  if (isFault(reply) || reply.status !== 200) return undefined;
  const answer = parseMessage(reply.body);
  return isFault(answer) ? undefined : answer;
}
