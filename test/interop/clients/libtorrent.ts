/** libtorrent 2.0.8 (Debian's Python binding), driven by JSON lines through libtorrent-peer.py. */
import { fileURLToPath } from 'node:url';
import { formatAddress } from '../../../src/base/index.ts';
import { inNamespace } from '../network.ts';
import { Program, run } from '../program.ts';
import {
  Client,
  type ClientKind,
  type ClientSettings,
  LISTEN_PORT,
  type Place,
  type Progress,
  whenUp,
} from './client.ts';

const SCRIPT = fileURLToPath(new URL('libtorrent-peer.py', import.meta.url));
/** Debian's own: the binding is built for it, not for another python3 of the PATH. */
const PYTHON = '/usr/bin/python3';

/** `pe_forced` with `pe_rc4` or `pe_plaintext`, and `pe_disabled`. */
const ENCRYPTION = {
  require: { in_enc_policy: 0, out_enc_policy: 0, allowed_enc_level: 2 },
  header: { in_enc_policy: 0, out_enc_policy: 0, allowed_enc_level: 1 },
  off: { in_enc_policy: 2, out_enc_policy: 2 },
};

export interface LibtorrentProgress extends Progress {
  /** Payload bytes handed to the kernel since the start. */
  readonly uploadedBytes: number;
  readonly downloadedBytes: number;
  readonly peers: number;
  readonly error: string | null;
}

export class Libtorrent extends Client {
  readonly name = 'libtorrent';
  readonly #waiting: ((answer: string) => void)[] = [];

  constructor(program: Program) {
    super(program);
    program.onLine((line) => this.#waiting.shift()?.(line));
  }
  protected override async add(torrent: string, directory: string): Promise<void> {
    await this.ask({ do: 'add', torrent, directory });
  }
  override async progress(): Promise<LibtorrentProgress> {
    const status = await this.ask<LibtorrentProgress>({ do: 'status' });
    if (status.error) throw new Error(`libtorrent: ${status.error}`);
    return status;
  }
  async ask<Answer>(request: object): Promise<Answer> {
    const { promise, resolve } = Promise.withResolvers<string>();
    this.#waiting.push(resolve);
    this.program.writeLine(JSON.stringify(request));
    const ended = this.program.exited.then(() => Promise.reject(new Error(`libtorrent ended\n${this.program.output}`)));
    return JSON.parse(await Promise.race([promise, ended]));
  }
}

/**
 * What its documentation says for speed: the profile of a fast seed, two disk threads, and a longer send buffer; and TCP
 * only, because over loopback uTP, which it tries first, carries a twentieth.
 */
const TUNED = {
  high_performance_seed: true,
  aio_threads: 2,
  send_buffer_watermark: 2_097_152,
  enable_outgoing_utp: false,
  enable_incoming_utp: false,
};

export const libtorrent: ClientKind<Libtorrent> = libtorrentWith({});
/** The same, set for speed on one fast path: what a benchmark compares with. */
export const libtorrentTuned: ClientKind<Libtorrent> = libtorrentWith(TUNED);

/** Whether its Python binding is installed. */
export function hasLibtorrent(): Promise<boolean> {
  return run([PYTHON, ['-c', 'import libtorrent']]).then(
    () => true,
    () => false,
  );
}

function libtorrentWith(own: object): ClientKind<Libtorrent> {
  return {
    name: 'libtorrent',
    requires: 'python3',
    createsEmptyFiles: true,
    start: (place, settings) => startLibtorrent(place, own, settings),
  };
}

async function startLibtorrent({ host }: Place, own: object, settings: ClientSettings = {}): Promise<Libtorrent> {
  const listen = formatAddress({ host: host.address, port: settings.listenPort ?? LISTEN_PORT });
  const session = JSON.stringify({
    ...own,
    download_rate_limit: settings.downloadBytesPerSecond ?? 0,
    dht_bootstrap_nodes: settings.dhtBootstrap ?? '',
    ...(settings.encryption && ENCRYPTION[settings.encryption]),
  });
  const sources = (settings.sources ?? []).join(',');
  const args = [SCRIPT, listen, `${settings.uploadBytesPerSecond ?? 0}`, session, sources];
  const program = new Program(inNamespace(host, [PYTHON, args]));
  const client = new Libtorrent(program);
  await whenUp('libtorrent', program, () => client.ask({ do: 'status' }));
  return client;
}
