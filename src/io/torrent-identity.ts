/** Who we are on a wire, and how this product names itself to peers and trackers. */
import { randomFillSync } from 'node:crypto';
import { bytesOfLatin1, type InfoHash } from '../base/index.ts';

/** What a link says first. */
export interface Greeting {
  readonly infoHash: InfoHash;
  /** 20 bytes, new for each run of the process. */
  readonly peerId: Uint8Array;
}

export const CLIENT_NAME = 'monsoon 0.1.0';
const PEER_ID_PREFIX = '-MS0100-';

/** A peer id (BEP 20): our prefix, then random bytes. */
export function newPeerId(): Uint8Array {
  const id = new Uint8Array(20);
  randomFillSync(id);
  id.set(bytesOfLatin1(PEER_ID_PREFIX));
  return id;
}
