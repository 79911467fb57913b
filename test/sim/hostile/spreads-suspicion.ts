/** Says of members it knows that they are silent, and denies them when it is asked to look. */
import type { HostileRole } from './hostile-role.ts';

const ACCUSED_MAX = 8;

export function spreadsSuspicion(): HostileRole {
  /** Whom it heard of, with the sequence it will accuse them at. */
  const accused = new Map<string, { nodeId: never; sequence: number }>();
  return {
    name: 'spreads-suspicion',
    hear(_node, input) {
      if (input.type === 'asked' && input.message.type === 'gossip' && accused.size < ACCUSED_MAX) {
        accused.set(input.from, { nodeId: input.from as never, sequence: Number.MAX_SAFE_INTEGER });
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
