/** What a torrent at run time is made from, and what all torrents of a node share. */
import type { InfoHash, Random } from '../base/index.ts';
import type { LinkBudget } from '../session/index.ts';
import type { TorrentInfo, UserOrders, Wishes } from '../torrent/index.ts';
import type { AlarmClock } from './alarm-clock.ts';
import type { Dialler } from './dialler.ts';
import type { HttpClient } from './http-client.ts';
import type { LinkOpener } from './link-opener.ts';
import type { Rates } from './rate-gate.ts';
import type { Remembered } from './resume-file.ts';
import type { TrackerClient } from './tracker-client.ts';
import type { Turnstile } from './turnstile.ts';

/** What a torrent is made from. */
export interface TorrentSpec {
  readonly infoHash: InfoHash;
  /** Name to show until the metadata is known. */
  readonly name: string;
  readonly info: TorrentInfo | undefined;
  readonly trackers: readonly (readonly string[])[];
  /** http and https URLs (BEP 19). */
  readonly webSeeds: readonly string[];
  /** What is wanted of it to begin with. */
  readonly wishes: Wishes;
  /** Absolute folder for the torrent's files. */
  readonly directory: string;
  /** Absolute path per file where content is shared in place. */
  readonly sourcePaths: readonly string[];
  /** True when every piece was just hashed from the source. */
  readonly isWhole: boolean;
  readonly addedSeconds: number;
  readonly completedSeconds: number;
}

/** What a torrent is remembered by when the node starts. */
export interface TorrentMemory {
  readonly orders: UserOrders;
  readonly remembered: Remembered | undefined;
}

/** What all torrents of a node share. */
export interface TorrentServices {
  readonly dialler: Dialler;
  readonly opener: LinkOpener;
  readonly alarms: AlarmClock;
  readonly trackers: TrackerClient;
  /** Asks web seeds; its address policy is that for hearsay. */
  readonly http: HttpClient;
  readonly budget: LinkBudget;
  readonly random: Random;
  readonly peerId: Uint8Array;
  /** The port that peers reach us on. */
  readonly port: number;
  readonly linksPerTorrentMax: number;
  readonly uploadSlots: number;
  /** Checks of what is on disk. */
  readonly checks: Turnstile;
  /** Rate limits of the node, and of torrents in it. */
  readonly rates: Rates;
  /** Downloads that run at a time; 0 for any number. */
  readonly downloadsMax: number;
  /** Why the user wants nothing of that name or hash, which is asked once its metadata tells them; undefined when he may. */
  readonly refusal?: (infoHash: InfoHash, name: string) => string | undefined;
  readonly log: (text: string) => void;
}
