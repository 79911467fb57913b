/** Real Ed25519 keys and ready-made entries for the tests of the listing. */
import { createPublicKey, generateKeyPairSync, sign as signWith, verify as verifyWith } from 'node:crypto';
import {
  infoHashOfBytes,
  type NodeId,
  nodeIdBytes,
  nodeIdOfBytes,
  type Sign,
  utf8,
  type Verify,
  type WallSeconds,
  wallSeconds,
} from '../../src/base/index.ts';
import type { StoredItem } from '../../src/io/index.ts';
import { type Entry, sealEntry } from '../../src/listing/index.ts';

export interface Signer {
  readonly nodeId: NodeId;
  readonly sign: Sign;
}

export const NOW: WallSeconds = wallSeconds(1_790_000_000);

export function newSigner(): Signer {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const { x } = publicKey.export({ format: 'jwk' });
  return {
    nodeId: nodeIdOfBytes(Buffer.from(x!, 'base64url'))!,
    sign: (message) => signWith(null, message, privateKey),
  };
}

export const verify: Verify = (signature, message, signer) => {
  const x = Buffer.from(nodeIdBytes(signer)).toString('base64url');
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  return verifyWith(null, message, key, signature);
};

/** An info hash that differs for each number. */
export function infoHashOf(number: number): Entry['infoHash'] {
  const bytes = new Uint8Array(20).fill(0xab);
  new DataView(bytes.buffer).setUint32(0, number);
  return infoHashOfBytes(bytes)!;
}

export function entryOf(signer: Signer, changes: Partial<Entry> = {}): Entry {
  return {
    infoHash: infoHashOf(1),
    name: 'Silicon Valley',
    size: 734_003_200,
    files: 12,
    category: 'movie',
    tags: ['tv', 'hd-1080'],
    description: 'A series about a compression company.',
    publisher: signer.nodeId,
    sequence: 1,
    published: NOW,
    isWithdrawn: false,
    ...changes,
  };
}

/** An entry as the store takes it; signatures are not its business, so none is made here. */
export function storedItem(
  changes: Partial<Entry> = {},
  flags: { isVerified?: boolean; isPinned?: boolean } = {},
): StoredItem {
  const entry = entryOf(NOBODY, changes);
  const bytes = sealEntry(entry, () => new Uint8Array(64));
  return { entry, bytes, isVerified: flags.isVerified ?? false, isPinned: flags.isPinned ?? false };
}
const NOBODY: Signer = { nodeId: nodeIdOf(7), sign: () => utf8('') };

/** A node id that differs for each number; nobody holds its key. */
export function nodeIdOf(number: number): NodeId {
  return nodeIdOfBytes(new Uint8Array(32).fill(number))!;
}
