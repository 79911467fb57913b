/** Answers for every hash as if it owned it, and keeps nothing. */
import type { HostileRole } from './hostile-role.ts';

export const claimsEverything: HostileRole = {
  name: 'claims-everything',
  serve: () => ({ type: 'noted', peers: 1, isOwner: true, isHonest: false }),
};
