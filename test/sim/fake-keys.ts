/**
 * Signatures for the world: quick, repeatable, and unforgeable inside it, because a signature is recomputed from the
 * signer's secret when it is checked, and no machine is given another's secret. Outside the world they prove nothing.
 */
import { hash } from 'node:crypto';
import {
  type NodeId,
  nodeIdOfBytes,
  type Random,
  randomBelow,
  type Sha1,
  type Sign,
  type Verify,
} from '../../src/base/index.ts';

const SIGNATURE_BYTES = 64;

export const sha1: Sha1 = (bytes) => hash('sha1', bytes, 'buffer');

/** A signature that was checked, of whom and over what. */
interface Checked {
  readonly message: Uint8Array;
  readonly signer: NodeId;
  readonly isGood: boolean;
}

/** Everybody's secrets. */
export class KeyRing {
  readonly #secrets = new Map<NodeId, number>();
  /** What a thousand nodes check of one record is reckoned once; nobody writes into signatures or messages. */
  readonly #checked = new WeakMap<Uint8Array, Checked>();

  /** A new node's id and its pen. */
  make(random: Random): { readonly nodeId: NodeId; readonly sign: Sign } {
    const nodeId = nodeIdOfBytes(Uint8Array.from({ length: 32 }, () => randomBelow(random, 256)))!;
    const secret = randomBelow(random, 0x1_0000_0000);
    this.#secrets.set(nodeId, secret);
    return { nodeId, sign: (message) => signature(secret, message) };
  }

  readonly verify: Verify = (given, message, signer) => {
    const checked = this.#checked.get(given);
    if (checked?.message === message && checked.signer === signer) return checked.isGood;
    const isGood = this.#isGood(given, message, signer);
    this.#checked.set(given, { message, signer, isGood });
    return isGood;
  };

  #isGood(given: Uint8Array, message: Uint8Array, signer: NodeId): boolean {
    const secret = this.#secrets.get(signer);
    if (secret === undefined || given.length !== SIGNATURE_BYTES) return false;
    const wanted = signature(secret, message);
    for (let i = 0; i < SIGNATURE_BYTES; i++) if (given[i] !== wanted[i]) return false;
    return true;
  }
}

function signature(secret: number, message: Uint8Array): Uint8Array {
  let a = secret;
  let b = secret ^ 0x5bd1e995;
  for (let i = 0; i < message.length; i++) {
    a = Math.imul(a ^ message[i]!, 0x9e3779b1);
    b = Math.imul(b ^ message[i]!, 0x85ebca6b) ^ (a >>> 15);
  }
  const bytes = new Uint8Array(SIGNATURE_BYTES);
  for (let i = 0; i < SIGNATURE_BYTES; i += 8) {
    a = Math.imul(a ^ (a >>> 13), 0xc2b2ae35) + i;
    b = Math.imul(b ^ (b >>> 16), 0x27d4eb2f) ^ a;
    for (let k = 0; k < 4; k++) {
      bytes[i + k] = a >>> (8 * k);
      bytes[i + 4 + k] = b >>> (8 * k);
    }
  }
  return bytes;
}
