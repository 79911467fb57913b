/**
 * Where nodes of one network meet in the Mainline DHT: an info hash under which supernodes announce themselves, and a key
 * that everybody who knows the network's name can sign items with. Neither is a secret or a proof; what is found is a hint.
 */
import { hash } from 'node:crypto';
import { assert, type InfoHash, infoHashOfBytes, type NodeId, utf8 } from '../base/index.ts';
import { sha1 } from './hash.ts';
import { type Identity, identityOfSeed } from './identity.ts';

/** Items of one network; a supernode writes one of them, by its id. */
const SLOTS = 4;

/** The meeting place of one network. */
export interface Rendezvous {
  readonly infoHash: InfoHash;
  /** Signs the items. */
  readonly identity: Identity;
  /** Salts of the items. */
  readonly salts: readonly string[];
}

/** The meeting place of the network of this name. */
export function rendezvousOf(network: string): Rendezvous {
  const name = utf8(`monsoon rendezvous-1\n${network}`);
  const infoHash = infoHashOfBytes(sha1(name));
  assert(infoHash, 'SHA-1 has the length of an info hash');
  const salts = Array.from({ length: SLOTS }, (_, slot) => `monsoon-1 ${slot}`);
  return { infoHash, identity: identityOfSeed(hash('sha256', name, 'buffer')), salts };
}

/** The salt of the item that a node writes. */
export function saltOf({ salts }: Rendezvous, nodeId: NodeId): string {
  return salts[Number.parseInt(nodeId.slice(0, 8), 16) % salts.length]!;
}
