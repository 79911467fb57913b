// Supernodes for the overlay's tests: real keys and real hashes, made from a number.
import { createHash } from 'node:crypto';
import {
  type InfoHash,
  infoHashOfBytes,
  type NodeId,
  type Random,
  type Sha1,
  type Sign,
  type WallSeconds,
  wallSeconds,
} from '../../src/base/index.ts';
import { type Identity, identityOfSeed, verify } from '../../src/io/identity.ts';
import type { Candidacy } from '../../src/overlay/certificate.ts';
import type { GrantTerms, SealedGrant } from '../../src/overlay/grant.ts';
import {
  type Certificate,
  certificateOf,
  type Descriptor,
  type DescriptorRules,
  type Grant,
  type Seat,
  type Statement,
  sealDescriptor,
  sealGrant,
  signedGrant,
  type Token,
  takenBytes,
  type Vote,
  votedBytes,
} from '../../src/overlay/index.ts';
import type { WideningTerms } from '../../src/overlay/widening.ts';

export const NOW: WallSeconds = wallSeconds(1_800_000_000);
export const sha1: Sha1 = (bytes) => createHash('sha1').update(bytes).digest();
export const rules: DescriptorRules = { network: 'monsoon', verify, sha1 };

const identities = new Map<number, Identity>();
export function identity(n: number): Identity {
  const known = identities.get(n) ?? identityOfSeed(sha256(`node ${n}`));
  identities.set(n, known);
  return known;
}

/** The certificate of a node that nobody elected because nobody was there. */
export const nobody: Certificate = certificateOf([], NOW, undefined);

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
  certificate: nobody,
  ownTokens: 1,
  ...changes,
});

/** A descriptor whose signature nobody will check. */
export const unsigned = (n: number, changes: Partial<Statement> = {}): Descriptor =>
  sealDescriptor(statement(changes), identity(n).nodeId, noSign, sha1);

export const candidacy = (n: number, changes: Partial<Candidacy> = {}): Candidacy => ({
  network: 'monsoon',
  nodeId: identity(n).nodeId,
  host: '10.1.2.3',
  term: 1,
  issued: NOW,
  seat: undefined,
  ...changes,
});

export const voteBy = (witness: number, about: Candidacy): Vote => ({
  witness: identity(witness).nodeId,
  signature: identity(witness).sign(votedBytes(about)),
});

/** What the votes of some witnesses give to a candidate. */
export const certificateBy = (witnesses: readonly number[], about: Candidacy): Certificate =>
  certificateOf(
    witnesses.map((witness) => voteBy(witness, about)),
    about.issued,
    about.seat,
  );

export const terms = (giver: number, taker: number, changes: Partial<GrantTerms> = {}): GrantTerms => ({
  network: 'monsoon',
  giver: identity(giver).nodeId,
  taker: identity(taker).nodeId,
  from: '0'.repeat(40) as Token,
  to: '8'.repeat(40) as Token,
  epoch: 1,
  sequence: NOW,
  expires: wallSeconds(NOW + 7200),
  ...changes,
});

export const sealedBy = (giver: number, taker: number, changes: Partial<GrantTerms> = {}): SealedGrant =>
  sealGrant(terms(giver, taker, changes), identity(giver).sign);

/** A grant with good signatures of its giver and its taker. */
export const grantBy = (giver: number, taker: number, changes: Partial<GrantTerms> = {}): Grant => {
  const sealed = sealedBy(giver, taker, changes);
  return signedGrant(sealed, identity(taker).sign(takenBytes(sealed.sealed)), undefined);
};

export const widening = (changes: Partial<WideningTerms> = {}): WideningTerms => ({
  network: 'monsoon',
  infoHash: '01'.repeat(20) as InfoHash,
  owner: identity(1).nodeId,
  level: 3,
  sequence: NOW,
  expires: wallSeconds(NOW + 600),
  ...changes,
});

export const randomHash = (random: Random): InfoHash =>
  infoHashOfBytes(Uint8Array.from({ length: 20 }, () => random() * 256))!;
export const randomToken = (random: Random): Token => randomHash(random) as string as Token;
export const randomSeat = (random: Random): Seat => randomHash(random) as string as Seat;
export const nameOf = ({ nodeId }: { readonly nodeId: NodeId }): NodeId => nodeId;

const noSign: Sign = () => new Uint8Array(64);
const sha256 = (text: string): Uint8Array => createHash('sha256').update(text).digest();
