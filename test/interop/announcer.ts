/**
 * A stock client as a tracker sees it, without a torrent: announces over kept connections, follows redirects as any HTTP
 * client does, and reads who else is there. It knows nothing of monsoon.
 */
import { Agent, get, type IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { decodeBencode } from '../../src/base/index.ts';

const REDIRECTS_MAX = 3;
const ANSWER_MS = 10_000;
const PEERS_WANTED = 200;
const ENDPOINT_BYTES = 6;

/** What came of an announce. */
export interface Told {
  /** `busy` means that no peers are told now; `silent` that the connection was closed or nobody answered. */
  readonly outcome: 'acknowledged' | 'busy' | 'refused' | 'silent';
  /** Who answered in the end, `ADDRESS:PORT`. */
  readonly by: string;
  readonly redirects: number;
  /** Those who are told, without the asker: `ADDRESS:PORT`. */
  readonly peers: readonly string[];
  readonly milliseconds: number;
}

/** Announces from this process. */
export class Announcer {
  readonly #agent: Agent;

  /** @param lanes connections that are kept to each tracker */
  constructor(lanes = 8) {
    this.#agent = new Agent({ keepAlive: true, maxSockets: lanes, maxFreeSockets: lanes });
  }

  /**
   * Announces a peer that has nothing yet.
   * @param contact `ADDRESS:PORT` of any supernode
   * @param infoHash 40 hex digits
   * @param port the peer's, which no other peer has here
   */
  async announce(contact: string, infoHash: string, port: number): Promise<Told> {
    const startedAt = performance.now();
    const escaped = infoHash.replace(/../g, '%$&');
    const peerId = `-XX0001-${String(port).padStart(12, '0')}`;
    const query = `info_hash=${escaped}&peer_id=${peerId}&port=${port}&uploaded=0&downloaded=0&left=1`;
    let url = `http://${contact}/announce?${query}&compact=1&numwant=${PEERS_WANTED}`;
    for (let redirects = 0; redirects <= REDIRECTS_MAX; redirects++) {
      const told = { by: new URL(url).host, redirects };
      const answer = await this.#get(url).catch(() => undefined);
      const { location } = answer?.head.headers ?? {};
      if (answer?.head.statusCode === 307 && location) {
        url = location;
        continue;
      }
      return { ...told, ...readAnswer(answer?.body, port), milliseconds: performance.now() - startedAt };
    }
    return { by: url, redirects: REDIRECTS_MAX, outcome: 'refused', peers: [], milliseconds: 0 };
  }

  close(): void {
    this.#agent.destroy();
  }

  #get(url: string): Promise<{ readonly head: IncomingMessage; readonly body: Uint8Array }> {
    return new Promise((resolve, reject) => {
      get(url, { agent: this.#agent, signal: AbortSignal.timeout(ANSWER_MS) }, (head) => {
        buffer(head).then((body) => resolve({ head, body }), reject);
      }).on('error', reject);
    });
  }
}

function readAnswer(body: Uint8Array | undefined, asker: number): Pick<Told, 'outcome' | 'peers'> {
  const answer = body && decodeBencode(new Uint8Array(body));
  if (!(answer instanceof Map)) return { outcome: 'silent', peers: [] };
  const failure = answer.get('failure reason');
  if (failure instanceof Uint8Array) {
    return { outcome: Buffer.from(failure).toString() === 'busy' ? 'busy' : 'refused', peers: [] };
  }
  const compact = answer.get('peers');
  const peers: string[] = [];
  for (let at = 0; compact instanceof Uint8Array && at < compact.length; at += ENDPOINT_BYTES) {
    const port = compact[at + 4]! * 256 + compact[at + 5]!;
    if (port !== asker) peers.push(`${compact.subarray(at, at + 4).join('.')}:${port}`);
  }
  return { outcome: 'acknowledged', peers };
}
