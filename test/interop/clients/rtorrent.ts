/** rtorrent 0.9.8, driven through its XML-RPC over SCGI on a Unix socket. */
import { mkdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { inNamespace } from '../network.ts';
import { Program } from '../program.ts';
import {
  Client,
  type ClientKind,
  type ClientSettings,
  LISTEN_PORT,
  type Place,
  type Progress,
  whenUp,
} from './client.ts';

const ENCRYPTION = {
  require: 'allow_incoming,try_outgoing,require,require_RC4',
  header: 'allow_incoming,try_outgoing,require,prefer_plaintext',
  off: 'none',
};
const escapeXml = (value: string): string => value.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

class Rtorrent extends Client {
  readonly name = 'rtorrent';
  readonly #socketPath: string;

  constructor(program: Program, socketPath: string) {
    super(program);
    this.#socketPath = socketPath;
  }
  /** Calls a method with texts; resolves with the scalar values of the answer, in order. */
  async call(method: string, ...params: string[]): Promise<string[]> {
    const values = params.map((param) => `<param><value><string>${escapeXml(param)}</string></value></param>`);
    const body = `<?xml version="1.0"?><methodCall><methodName>${method}</methodName><params>${values.join('')}</params></methodCall>`;
    const headers = `CONTENT_LENGTH\0${Buffer.byteLength(body)}\0SCGI\x001\0`;
    const socket = connect(this.#socketPath);
    socket.write(`${headers.length}:${headers},${body}`);
    const answer = await text(socket);
    if (!answer.includes('<methodResponse>') || answer.includes('<fault>'))
      throw new Error(`rtorrent: ${method}: ${answer}`);
    return [...answer.matchAll(/<(i4|i8|string)>([^<]*)<\/\1>/g)].map((match) => match[2]!);
  }
  protected override async add(torrent: string, directory: string): Promise<void> {
    await this.call('directory.default.set', '', directory);
    await this.call('load.start_verbose', '', torrent);
  }
  async progress(): Promise<Progress> {
    const fields = ['d.is_meta=', 'd.complete=', 'd.hashing=', 'd.is_active=', 'd.bytes_done='];
    const [isMeta, complete, hashing, isActive, bytesDone] = await this.call('d.multicall2', '', 'main', ...fields);
    const isComplete = isMeta === '0' && complete === '1' && hashing === '0' && isActive === '1';
    return { completedBytes: isMeta === '0' ? Number(bytesDone) : 0, isComplete };
  }
}

export const rtorrent: ClientKind = {
  name: 'rtorrent',
  requires: 'rtorrent',
  createsEmptyFiles: true,
  async start({ host, scratch }: Place, settings: ClientSettings = {}): Promise<Client> {
    const port = settings.listenPort ?? LISTEN_PORT;
    const socketPath = join(scratch, 'rpc.socket');
    await mkdir(join(scratch, 'session'));
    const lines = [
      'system.daemon.set = true',
      `session.path.set = ${join(scratch, 'session')}`,
      `network.port_range.set = ${port}-${port}`,
      'network.port_random.set = no',
      `network.bind_address.set = ${host.address}`,
      `network.scgi.open_local = ${socketPath}`,
      'dht.mode.set = disable',
      'protocol.pex.set = no',
      'pieces.hash.on_completion.set = no', // Each piece was checked when it came.
      `throttle.global_up.max_rate.set_kb = ${Math.ceil((settings.uploadBytesPerSecond ?? 0) / 1024)}`,
      ...(settings.encryption ? [`protocol.encryption.set = ${ENCRYPTION[settings.encryption]}`] : []),
    ];
    const file = join(scratch, 'rtorrent.rc');
    await writeFile(file, `${lines.join('\n')}\n`);
    const program = new Program(inNamespace(host, ['rtorrent', ['-n', '-o', `import=${file}`]]), { HOME: scratch });
    const client = new Rtorrent(program, socketPath);
    await whenUp('rtorrent', program, () => client.call('system.client_version'));
    return client;
  },
};
