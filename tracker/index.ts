export type { HashKey } from './keyed-hash.ts';
export { NO_SLOT } from './swarm-index.ts';
export { type SwarmCounts, SwarmTable, type SwarmTableOptions } from './swarm-table.ts';
