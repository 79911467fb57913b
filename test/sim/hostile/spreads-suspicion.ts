/** Says of members it knows that they are silent, and denies them when it is asked to look. */
import type { NodeId } from '../../../src/base/index.ts';
import type { Suspicion } from '../../../src/overlay/message.ts';
import type { HostileRole } from './hostile-role.ts';

const ACCUSED_MAX = 8;
/** Higher than any that an honest node has, and one that it can still exceed. */
const SEQUENCE = 2 ** 47;

export function spreadsSuspicion(): HostileRole {
  /** Whom it heard of, with the sequence it will accuse them at. */
  const accused = new Map<NodeId, Suspicion>();
  return {
    name: 'spreads-suspicion',
    hear(_node, input) {
      if (input.type === 'asked' && input.message.type === 'gossip' && accused.size < ACCUSED_MAX) {
        accused.set(input.from, { nodeId: input.from, sequence: SEQUENCE });
      }
      return input;
    },
    say(_node, message) {
      if (message.type === 'probed') return { ...message, isThere: false };
      if (message.type !== 'gossip' && message.type !== 'gossiped') return message;
      return { ...message, suspects: [...accused.values()] };
    },
  };
}
