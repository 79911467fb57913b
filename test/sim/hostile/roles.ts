/** Every way to lie, dealt out in turn. */
import { claimsEverything } from './claims-everything.ts';
import { dropsAnnounces } from './drops-announces.ts';
import { fakesCounts } from './fakes-counts.ts';
import { forgesGrants } from './forges-grants.ts';
import type { HostileRole } from './hostile-role.ts';
import { loopsRedirects } from './loops-redirects.ts';
import { refusesHandOff } from './refuses-hand-off.ts';
import { replaysRecords } from './replays-records.ts';
import { spreadsSuspicion } from './spreads-suspicion.ts';

const ROLES: readonly (() => HostileRole)[] = [
  () => dropsAnnounces,
  () => fakesCounts,
  () => claimsEverything,
  () => refusesHandOff,
  () => forgesGrants,
  replaysRecords,
  () => loopsRedirects,
  spreadsSuspicion,
];

export const ROLE_COUNT: number = ROLES.length;

/** The n-th liar's role. */
export function hostileRole(n: number): HostileRole {
  return ROLES[n % ROLES.length]!();
}
