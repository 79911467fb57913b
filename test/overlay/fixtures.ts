// Supernodes for the overlay's tests: real keys and real hashes, made from a number.
import { createHash } from 'node:crypto';
import {
  type InfoHash,
  infoHashOfBytes,
  type Random,
  type Sha1,
  type Sign,
  type WallSeconds,
  wallSeconds,
} from '../../src/base/index.ts';
import { type Identity, identityOfSeed, verify } from '../../src/io/identity.ts';
import type { Descriptor, DescriptorRules, Statement } from '../../src/overlay/index.ts';
import { sealDescriptor } from '../../src/overlay/index.ts';

export const NOW: WallSeconds = wallSeconds(1_800_000_000);
export const sha1: Sha1 = (bytes) => createHash('sha1').update(bytes).digest();
export const rules: DescriptorRules = { network: 'monsoon', verify, sha1 };

export const identity = (n: number): Identity => identityOfSeed(sha256(`node ${n}`));

export const statement = (changes: Partial<Statement> = {}): Statement => ({
  network: 'monsoon',
  addresses: [{ host: '10.1.2.3', port: 7373 }],
  sequence: 1,
  issued: NOW,
  expires: wallSeconds(NOW + 3600),
  capacity: { announcesPerSecond: 500, peers: 1_000_000, hashes: 200_000, trackingBytesPerSecond: 60_000 },
  load: 17,
  roles: 1,
  term: 0,
  ...changes,
});

/** A descriptor whose signature nobody will check. */
export const unsigned = (n: number, changes: Partial<Statement> = {}): Descriptor =>
  sealDescriptor(statement(changes), identity(n).nodeId, noSign, sha1);

export const randomHash = (random: Random): InfoHash =>
  infoHashOfBytes(Uint8Array.from({ length: 20 }, () => random() * 256))!;

const noSign: Sign = () => new Uint8Array(64);
const sha256 = (text: string): Uint8Array => createHash('sha256').update(text).digest();
