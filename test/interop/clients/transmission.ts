/** Transmission 3.00 (transmission-daemon), driven through its RPC. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
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

const SEEDING = 6;
/** Its word for each; without encryption it does not come, and to who dials it with some it answers with the header's. */
const ENCRYPTION = { default: 1, require: 2, header: 0, off: 0 };
const TRACKER_WARNING_OR_WORSE = 1;

interface TorrentStatus {
  readonly status: number;
  readonly haveValid: number;
  readonly leftUntilDone: number;
  readonly metadataPercentComplete: number;
  readonly error: number;
  readonly errorString: string;
}

class Transmission extends Client {
  readonly name = 'transmission';
  readonly #url: string;
  #session = '';

  constructor(program: Program, address: string, rpcPort: number) {
    super(program);
    this.#url = `http://${address}:${rpcPort}/transmission/rpc`;
  }
  async call<Result>(method: string, args: object): Promise<Result> {
    const response = await fetch(this.#url, {
      method: 'POST',
      headers: { 'X-Transmission-Session-Id': this.#session },
      body: JSON.stringify({ method, arguments: args }),
    });
    if (response.status === 409) {
      await response.body?.cancel();
      this.#session = response.headers.get('X-Transmission-Session-Id')!;
      return this.call(method, args);
    }
    const answer = (await response.json()) as { result: string; arguments: Result };
    if (answer.result !== 'success') throw new Error(`transmission: ${method}: ${answer.result}`);
    return answer.arguments;
  }
  protected override async add(torrent: string, directory: string): Promise<void> {
    const source = torrent.startsWith('magnet:')
      ? { filename: torrent }
      : { metainfo: await readFile(torrent, 'base64') };
    await this.call('torrent-add', { ...source, 'download-dir': directory });
  }
  async progress(): Promise<Progress> {
    const fields = ['status', 'haveValid', 'leftUntilDone', 'metadataPercentComplete', 'error', 'errorString'];
    const { torrents } = await this.call<{ torrents: TorrentStatus[] }>('torrent-get', { fields });
    const torrent = torrents[0]!;
    if (torrent.error > TRACKER_WARNING_OR_WORSE) throw new Error(`transmission: ${torrent.errorString}`);
    const isComplete =
      torrent.metadataPercentComplete === 1 && torrent.leftUntilDone === 0 && torrent.status === SEEDING;
    return { completedBytes: torrent.haveValid, isComplete };
  }
}

export const transmission: ClientKind = {
  name: 'transmission',
  requires: 'transmission-daemon',
  createsEmptyFiles: false,
  async start({ host, scratch }: Place, settings: ClientSettings = {}): Promise<Client> {
    const limit = settings.uploadBytesPerSecond;
    const options = {
      'peer-port': settings.listenPort ?? LISTEN_PORT,
      'rpc-port': rpcPortOf(settings),
      'rpc-bind-address': host.address,
      'rpc-whitelist-enabled': false,
      'rpc-host-whitelist-enabled': false,
      'bind-address-ipv4': host.address,
      'dht-enabled': false,
      'pex-enabled': false,
      'lpd-enabled': false,
      'utp-enabled': false,
      'port-forwarding-enabled': false,
      'speed-limit-up-enabled': limit !== undefined,
      'speed-limit-up': Math.ceil((limit ?? 0) / 1000),
      preallocation: 0,
      encryption: ENCRYPTION[settings.encryption ?? 'default'],
    };
    await writeFile(join(scratch, 'settings.json'), JSON.stringify(options));
    const command = inNamespace(host, ['transmission-daemon', ['--foreground', '--config-dir', scratch]]);
    const program = new Program(command);
    const client = new Transmission(program, host.address, rpcPortOf(settings));
    await whenUp('transmission', program, () => client.call('session-get', {}));
    return client;
  },
};
