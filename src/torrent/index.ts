export type { Sha1, TorrentFile, TorrentInfo } from './info.ts';
