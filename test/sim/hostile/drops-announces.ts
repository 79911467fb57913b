/** Says that it noted an announce, and forgets it. */
import type { HostileRole } from './hostile-role.ts';

export const dropsAnnounces: HostileRole = {
  name: 'drops-announces',
  serve: () => ({ type: 'noted', peers: 0, isOwner: true, isHonest: false }),
};
