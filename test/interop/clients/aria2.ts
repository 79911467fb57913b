/** aria2 1.36, driven through its JSON-RPC. */
import { readFile } from 'node:fs/promises';
import { inNamespace } from '../network.ts';
import { Program } from '../program.ts';
import {
  Client,
  type ClientKind,
  type ClientSettings,
  LISTEN_PORT,
  type Place,
  type Progress,
  rpcPortOf,
  whenUp,
} from './client.ts';

const ENCRYPTION = {
  require: { 'bt-require-crypto': true, 'bt-min-crypto-level': 'arc4' },
  header: { 'bt-require-crypto': true, 'bt-min-crypto-level': 'plain' },
  off: {},
};

interface Status {
  readonly status: string;
  readonly totalLength: string;
  readonly completedLength: string;
  readonly verifyIntegrityPending?: string;
  readonly verifiedLength?: string;
  readonly followedBy?: readonly string[];
  readonly errorMessage?: string;
  readonly bittorrent?: { readonly info?: object };
}

class Aria2 extends Client {
  readonly name = 'aria2';
  readonly #url: string;
  #gid = '';

  constructor(program: Program, address: string, rpcPort: number) {
    super(program);
    this.#url = `http://${address}:${rpcPort}/jsonrpc`;
  }
  async call<Result>(method: string, ...params: unknown[]): Promise<Result> {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: `aria2.${method}`, params });
    const answer = (await (await fetch(this.#url, { method: 'POST', body })).json()) as {
      result?: Result;
      error?: { message: string };
    };
    if (answer.result === undefined) throw new Error(`aria2: ${method}: ${answer.error?.message}`);
    return answer.result;
  }
  protected override async add(torrent: string, directory: string): Promise<void> {
    this.#gid = torrent.startsWith('magnet:')
      ? await this.call('addUri', [torrent], { dir: directory })
      : await this.call('addTorrent', await readFile(torrent, 'base64'), [], { dir: directory });
  }
  async progress(): Promise<Progress> {
    const status = await this.call<Status>('tellStatus', this.#gid);
    if (status.status === 'error') throw new Error(`aria2: ${status.errorMessage}`);
    if (status.followedBy) {
      this.#gid = status.followedBy[0]!; // The magnet's metadata is here; the content is a download of its own.
      return { completedBytes: 0, isComplete: false };
    }
    const isChecking = status.verifyIntegrityPending === 'true' || status.verifiedLength !== undefined;
    const completedBytes = Number(status.completedLength);
    const hasMetadata = status.bittorrent?.info !== undefined;
    const isComplete = hasMetadata && !isChecking && completedBytes === Number(status.totalLength);
    return { completedBytes: hasMetadata ? completedBytes : 0, isComplete };
  }
}

export const aria2: ClientKind = {
  name: 'aria2',
  requires: 'aria2c',
  createsEmptyFiles: true,
  async start({ host, scratch }: Place, settings: ClientSettings = {}): Promise<Client> {
    const options = {
      'no-conf': true,
      dir: scratch,
      'enable-rpc': true,
      interface: host.address,
      'rpc-listen-all': true,
      'rpc-listen-port': rpcPortOf(settings),
      'listen-port': settings.listenPort ?? LISTEN_PORT,
      'enable-dht': false,
      'enable-peer-exchange': false,
      'bt-enable-lpd': false,
      'disable-ipv6': true,
      'file-allocation': 'none',
      'check-integrity': true,
      'seed-ratio': '0.0',
      ...(settings.encryption && ENCRYPTION[settings.encryption]),
      'max-overall-upload-limit': settings.uploadBytesPerSecond ?? 0,
    };
    const args = Object.entries(options).map(([name, value]) => `--${name}=${value}`);
    const program = new Program(inNamespace(host, ['aria2c', args]));
    const client = new Aria2(program, host.address, rpcPortOf(settings));
    await whenUp('aria2', program, () => client.call('getVersion'));
    return client;
  },
};
