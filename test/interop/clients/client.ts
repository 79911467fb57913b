/**
 * What every client under test can do, ours included: one torrent at a time, driven through the client's own
 * interface. Settings common to all drivers: no DHT, no PEX, no local discovery, no port mapping, so that whatever
 * peers they find came from the tracker in the torrent; encryption stays at the client's default unless asked for.
 */

import type { Host } from '../network.ts';
import type { Program } from '../program.ts';
import { until } from '../until.ts';

/** Where a client runs. */
export interface Place {
  readonly host: Host;
  /** Existing and empty; the client's settings and state go there. */
  readonly scratch: string;
}
export interface ClientSettings {
  readonly listenPort?: number;
  /** Unlimited when absent. */
  readonly uploadBytesPerSecond?: number;
  /**
   * `require`: nothing but Message Stream Encryption with RC4, either way; `header`: nothing but the same, and of what
   * the other end offers it takes that which hides the header alone; `off`: knows the plain wire only.
   */
  readonly encryption?: 'require' | 'header' | 'off';
  /** Unlimited when absent; libtorrent only. */
  readonly downloadBytesPerSecond?: number;
  /** What finds peers besides the tracker; libtorrent only. */
  readonly sources?: readonly ('pex' | 'lsd' | 'dht')[];
  /** `ADDRESS:PORT` of a DHT node to start from; libtorrent only. */
  readonly dhtBootstrap?: string;
}
export interface Progress {
  /** Checked bytes of content; 0 until the metadata is known. */
  readonly completedBytes: number;
  /** Every file is there and checked, and the client serves it. */
  readonly isComplete: boolean;
}

export const LISTEN_PORT = 50_001;
/** Where a client that is driven over TCP listens for that, so that several fit on one host. */
export const rpcPortOf = ({ listenPort = LISTEN_PORT }: ClientSettings): number => listenPort + 1;
export const START_SECONDS_MAX = 60;
const CHECK_SECONDS_MAX = 60;

export abstract class Client {
  abstract readonly name: string;
  readonly program: Program;
  constructor(program: Program) {
    this.program = program;
  }

  /** Starts to work on a torrent file or magnet whose content is, or goes, below the directory. */
  protected abstract add(torrent: string, directory: string): Promise<void>;
  abstract progress(): Promise<Progress>;

  /** Serves content that lies below `parent`; resolves once the client has checked it and serves it. */
  async seed(torrentFile: string, parent: string): Promise<void> {
    await this.add(torrentFile, parent);
    await this.waitComplete(CHECK_SECONDS_MAX);
  }
  /** Starts to fetch into the directory, which exists. */
  async fetch(torrentFileOrMagnet: string, into: string): Promise<void> {
    await this.add(torrentFileOrMagnet, into);
  }
  /** Resolves when the client says that it has everything; rejects at the deadline or when the client ends. */
  async waitComplete(seconds: number, askAgainMs?: number): Promise<void> {
    let last: Progress | undefined;
    await until(
      `${this.name} to have everything`,
      seconds,
      async () => {
        if (this.program.hasExited) throw new Error(`${this.name} ended\n${this.program.output}`);
        last = await this.progress();
        return last.isComplete || undefined;
      },
      () => `${JSON.stringify(last)}\n${this.program.output}`,
      askAgainMs,
    );
  }
  /** Takes the client away without a word to anyone. */
  async stop(): Promise<void> {
    await this.program.kill();
  }
}

/** How a client is started. */
export interface ClientKind<Kind extends Client = Client> {
  readonly name: string;
  /** The program that has to be installed. */
  readonly requires: string;
  /** False where the client leaves out files of 0 bytes. */
  readonly createsEmptyFiles: boolean;
  start(place: Place, settings?: ClientSettings): Promise<Kind>;
}

/** Resolves with what `ask` first answers without failing: the client's interface is up. */
export async function whenUp<Answer>(name: string, program: Program, ask: () => Promise<Answer>): Promise<Answer> {
  return until(
    `${name} to answer`,
    START_SECONDS_MAX,
    async () => {
      if (program.hasExited) throw new Error(`${name} did not start\n${program.output}`);
      return ask().catch(() => undefined);
    },
    () => program.output,
  );
}
