export {
  type AnnounceEvent,
  type AnnounceRequest,
  PEERS_PER_ANSWER_MAX,
  parseAnnounce,
  parseScrape,
  type RequestFault,
  SCRAPE_HASHES_MAX,
  type ScrapeRequest,
} from './announce-request.ts';
export { ANSWER_BYTES_MAX } from './answer-bytes.ts';
export { COMPLETED_HOSTS_MAX, CompletedHosts } from './completed-hosts.ts';
export { ConnectionIds, type Mac } from './connection-ids.ts';
export { fairCounts, PEERS_PER_SUBNET_MAX } from './fair-counts.ts';
export { HEAD_BYTES_MAX, type HeadFault, parseHead, type RequestHead, type Route, routeOf } from './http-head.ts';
export type { HashKey } from './keyed-hash.ts';
export { INTERVAL_SECONDS, Registrar, type TrackerOptions, type TrackingCaps } from './registrar.ts';
export { NO_SLOT } from './swarm-index.ts';
export { SwarmKeeping } from './swarm-keeping.ts';
export { type SwarmCounts, SwarmTable, type SwarmTableOptions } from './swarm-table.ts';
export { HTTP_OVERHEAD_BYTES, MIN_INTERVAL_SECONDS, Tracker, type TrackerAnswer } from './tracker.ts';
export { UdpTracker } from './udp-tracker.ts';
