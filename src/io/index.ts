export type { HashCounts, ListingChange, ListingChanges, StoredItem } from './listing-rows.ts';
export { type ListingStore, type ListingStoreOptions, openListingStore } from './listing-store.ts';
export { parseMagnet, parseTorrentFile } from './parse-torrent.ts';
export { type MadeTorrent, type MakeOptions, type MakingProgress, makeTorrent } from './torrent-maker.ts';
