export {
  type AnnounceEffect,
  type AnnounceEvent,
  type AnnounceInput,
  Announces,
  type RetryMinutes,
} from './announces.ts';
export { Bitfield } from './bitfield.ts';
export {
  compareFiles,
  encodeInfo,
  type LeftOut,
  type NewFile,
  type NewInfo,
  nameInTorrent,
  pieceLengthFor,
  type Renamed,
} from './creation.ts';
export {
  FILE_RULE_LENGTH_MAX,
  FILE_RULES_MAX,
  type FileRule,
  filePriorities,
  filesNamed,
  formatFileIndices,
  NO_WISHES,
  onlyFiles,
  rulesFor,
  type Wishes,
} from './file-rules.ts';
export { INFO_BYTES_MAX, infoSteps, parseInfo, type Sha1, type TorrentFile, type TorrentInfo } from './info.ts';
export { type FileSpan, Layout } from './layout.ts';
export type { LinkId } from './ledger.ts';
export {
  type CheckedMagnet,
  checkMagnet,
  formatMagnet,
  type Magnet,
  type MagnetFault,
  magnetOf,
} from './magnet.ts';
export { type MetadataEffect, MetadataFetch, type MetadataInput } from './metadata-fetch.ts';
export {
  encodeMetainfo,
  METAINFO_BYTES_MAX,
  type Metainfo,
  type MetainfoFault,
  type MetainfoParts,
  metainfoSteps,
  parseMetainfo,
  type Remarks,
  remarksOf,
} from './metainfo.ts';
export { KNOWN_PEERS_MAX, type PeerSource, Peers, type PeerToDial } from './peers.ts';
export { PeerExchange, type PexEffect, type PexInput } from './pex.ts';
export { FILES_MAX, type InfoFault } from './raw-file.ts';
export {
  encodeJournalRecord,
  encodeSnapshot,
  isJournalOf,
  JOURNAL,
  JOURNAL_RECORD_BYTES,
  parseSnapshot,
  replayJournal,
  type Snapshot,
} from './resume.ts';
export { PRIORITY, type Priority, piecePriorities, storedPerFile } from './selection.ts';
export { type ShareEffect, type ShareFact, ShareWatch, type Survey } from './share-watch.ts';
export { type StallFacts, stallReason } from './stall.ts';
export {
  type AnnounceFacts,
  announceUrl,
  doRepliesDiffer,
  type FoundPeer,
  parseRedirectRecords,
  parseTrackerReply,
  percentEncode,
  REPLY_BYTES_MAX,
  REPLY_PEERS_MAX,
  retryMinutesOf,
  soonestRefusal,
  type TrackerFault,
  TrackerRefusal,
  type TrackerReply,
  uniteReplies,
} from './tracker-exchange.ts';
export { type AnnounceTurns, type TrackerRest, TrackerTurns } from './tracker-turns.ts';
export { Transfer } from './transfer.ts';
export type { ArrivalMemory, OrderQuota, TransferEffect, TransferInput, TransferSettings } from './transfer-facts.ts';
export {
  UdpExchange,
  type UdpExchangeEffect,
  type UdpExchangeFault,
  type UdpExchangeInput,
} from './udp-exchange.ts';
export { encodeUserOrders, NO_ORDERS, parseUserOrders, type UserOrders } from './user-orders.ts';
export {
  type OrderedBlock,
  rangeHeader,
  rangeRefusal,
  type Stretch,
  StretchQueue,
  WebSeedUrls,
} from './web-seed.ts';
export { WebSeeds } from './web-seeds.ts';
