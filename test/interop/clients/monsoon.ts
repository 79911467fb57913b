/**
 * monsoon itself, driven through its command line, as a script would; only what is asked many times a second goes
 * straight to the control socket, because a new process each time would take the cores from what is tried.
 */
import { writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ControlClient } from '../../../app/control/client.ts';
import { homeOf } from '../../../app/home.ts';
import type {
  CapChange,
  Caps,
  Finding,
  ListingRow,
  NodeStatus,
  Said,
  SharedTorrent,
  Statement,
  SupernodeRow,
  TorrentDetail,
  TorrentRow,
  WantedRole,
  ZoneReport,
} from '../../../app/running-node.ts';
import { formatAddress } from '../../../src/base/index.ts';
import { type Host, inNamespace } from '../network.ts';
import { type CommandLine, Program, run } from '../program.ts';
import { until } from '../until.ts';
import { Client, type ClientKind, type Place, type Progress, whenUp } from './client.ts';

const PROGRAM = fileURLToPath(new URL('../../../bin/monsoon.js', import.meta.url));
const PORT = 7373;
const ADD_SECONDS_MAX = 20;

/** The last line of `get --exit --json`. */
export interface Fetched {
  readonly infoHash: string;
  readonly name: string;
  readonly path: string;
  readonly size: number;
  readonly seconds: number;
  readonly bytesDownloaded: number;
}
export interface MonsoonSettings {
  readonly role?: WantedRole;
  readonly listenPort?: number;
  /** Of peer links, both ways; as the node has it by default when not given. */
  readonly encryption?: 'require' | 'prefer' | 'off';
  /** `ADDRESS:PORT` of nodes to join by. */
  readonly bootstrap?: readonly string[];
  /** Whether it looks for others on its network; not by default, so that tests say who knows whom. */
  readonly isNeighbourly?: boolean;
  /** The address of the only DNS server that its system knows. */
  readonly nameServers?: readonly string[];
  /** More of `start`'s flags; a later `--bind` counts. */
  readonly flags?: readonly string[];
}

const commandLine = (...args: string[]): CommandLine => [process.execPath, [PROGRAM, ...args]];

export class Monsoon extends Client {
  readonly name = 'monsoon';
  readonly port: number;
  /** Where it runs, and another one may after it. */
  readonly place: Place;
  readonly #control: ControlClient;
  #get: Program | undefined;

  constructor(program: Program, place: Place, port: number) {
    super(program);
    this.place = place;
    this.port = port;
    this.#control = new ControlClient(controlSocketOf(place), new AbortController().signal);
  }

  get host(): Host {
    return this.place.host;
  }
  get namespace(): string {
    return this.host.namespace;
  }
  /** What another node joins by. */
  get contact(): string {
    return formatAddress({ host: this.place.host.address, port: this.port });
  }
  get announceUrl(): string {
    return `http://${this.contact}/announce`;
  }
  /** Runs a verb of the command line with `--json` and returns what it printed. */
  async verb<Answer>(...args: string[]): Promise<Answer> {
    return JSON.parse(await run(commandLine(...args, '--json'), environmentOf(this.place)));
  }
  status(): Promise<NodeStatus> {
    return this.#control.status();
  }
  doctor(): Promise<readonly Finding[]> {
    return this.#control.doctor();
  }
  torrents(): Promise<readonly TorrentRow[]> {
    return this.#control.torrents();
  }
  supernodes(): Promise<readonly SupernodeRow[]> {
    return this.#control.supernodes();
  }
  info(what: string): Promise<TorrentDetail> {
    return this.#control.info(what);
  }
  async listing(): Promise<readonly ListingRow[]> {
    return (await this.#control.list({})).rows;
  }
  /** Rows that fit a search, asked of the daemon itself: a verb takes a process. */
  async search(text: string): Promise<readonly ListingRow[]> {
    return (await this.#control.list({ text })).rows;
  }
  /** Publishes, edits or withdraws an entry. */
  say(what: string, statement: Statement): Promise<Said> {
    return this.#control.say(what, statement);
  }
  /** What it answers as a name server. */
  zone(): Promise<ZoneReport> {
    return this.#control.zone();
  }
  cap(change: CapChange): Promise<Caps> {
    return this.#control.cap(change);
  }
  volunteer(): Promise<NodeStatus> {
    return this.#control.volunteer('supernode');
  }
  /** Resolves when others have what it owned. */
  drain(): Promise<NodeStatus> {
    return this.#control.drain();
  }
  /** Shares a file or folder; resolves once it is hashed and announced. */
  async share(path: string): Promise<SharedTorrent> {
    const [shared] = await this.verb<SharedTorrent[]>('share', path);
    return shared!;
  }

  protected override async add(torrent: string, directory: string): Promise<void> {
    this.#get = new Program(
      commandLine('get', torrent, '-o', directory, '--exit', '--json'),
      environmentOf(this.place),
    );
    await until(
      'monsoon to have the torrent',
      ADD_SECONDS_MAX,
      async () => (await this.torrents()).length > 0 || undefined,
      () => `${this.#get!.output}\n${this.program.output}`,
    );
  }
  override async progress(): Promise<Progress> {
    const [row] = await this.torrents();
    if (row === undefined) return { completedBytes: 0, isComplete: false };
    // While it is checked, what is told is how far that is.
    const isChecked = row.state === 'checking';
    return { completedBytes: isChecked ? 0 : Math.floor(row.progress * row.size), isComplete: row.state === 'seeding' };
  }
  /** Resolves with what `get --exit --json` says at its end; rejects when it fails or the deadline passes. */
  async fetched(seconds: number): Promise<Fetched> {
    const get = this.#get!;
    await until(
      'get --exit to end',
      seconds,
      () => get.hasExited || undefined,
      () => `${get.output}\n${this.program.output}`,
    );
    if (get.exitCode !== 0) throw new Error(`get ended with ${get.exitCode}\n${get.output}\n${this.program.output}`);
    return JSON.parse(get.output.trim().split('\n').at(-1)!);
  }
  override async stop(): Promise<void> {
    this.#control.close();
    await Promise.all([this.#get?.kill(), super.stop()]);
  }
}

/** Starts a node whose home is the scratch directory, which may be one that an earlier node left. */
export async function startMonsoon(place: Place, settings: MonsoonSettings = {}): Promise<Monsoon> {
  const port = settings.listenPort ?? PORT;
  const bootstrap = (settings.bootstrap ?? []).flatMap((contact) => ['--bootstrap', contact]);
  const args = [
    'start',
    '--foreground',
    '--bind',
    place.host.address,
    '--port',
    `${port}`,
    '--allow-local',
    '--role',
    settings.role ?? 'client',
    settings.isNeighbourly ? '--lan' : '--no-lan',
  ];
  const encryption = settings.encryption === undefined ? [] : ['--encryption', settings.encryption];
  const line = commandLine(...args, ...encryption, ...bootstrap, ...(settings.flags ?? []));
  const { nameServers } = settings;
  const command = inNamespace(place.host, nameServers ? withNameServers(line, nameServers, place) : line);
  const node = new Monsoon(new Program(command, environmentOf(place)), place, port);
  await whenUp('monsoon', node.program, () => node.status());
  return node;
}

/** The command line that runs a command on a system whose resolver asks that server and no other. */
function withNameServers(
  [command, args]: CommandLine,
  nameServers: readonly string[],
  { scratch }: Place,
): CommandLine {
  const file = join(scratch, 'resolv.conf');
  writeFileSync(file, nameServers.map((address) => `nameserver ${address}\n`).join(''));
  const script = 'mount --bind "$0" /etc/resolv.conf && exec "$@"';
  return ['unshare', ['--mount', 'sh', '-c', script, file, command, ...args]];
}

/** monsoon as one client among the others, joined to the network of a supernode. */
export function monsoonOf(supernode: Monsoon): ClientKind<Monsoon> {
  return {
    name: 'monsoon',
    requires: 'node',
    createsEmptyFiles: true,
    start: (place) => startMonsoon(place, { bootstrap: [supernode.contact] }),
  };
}

/** monsoon as one client among the others, with no network of its own: peers come from the torrent's tracker. */
export const monsoonAlone: ClientKind<Monsoon> = monsoonWith({});

/** The same with settings that are not the default; what is asked of links is among them. */
export function monsoonWith(own: MonsoonSettings): ClientKind<Monsoon> {
  return {
    name: 'monsoon',
    requires: 'node',
    createsEmptyFiles: true,
    start: (place, { encryption: _, ...settings } = {}) => startMonsoon(place, { ...settings, ...own }),
  };
}

const controlSocketOf = ({ scratch }: Place): string =>
  homeOf({
    environment: { MONSOON_HOME: scratch },
    platform: process.platform,
    userHome: scratch,
    tempDir: tmpdir(),
    userId: userInfo().uid,
    cwd: scratch,
  }).controlSocket;
const environmentOf = ({ scratch }: Place): NodeJS.ProcessEnv => ({ MONSOON_HOME: scratch, NO_COLOR: '1' });
