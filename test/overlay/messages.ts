// Overlay messages by chance, of every type and up to its bounds, and their keys: for round trips and for fuzzing.
import {
  type Address,
  hex,
  type NodeId,
  nodeIdOfBytes,
  parseCompactAddress,
  type Random,
  randomBelow,
} from '../../src/base/index.ts';
import { SEQUENCE_MAX } from '../../src/overlay/descriptor.ts';
import type { Capacity } from '../../src/overlay/index.ts';
import type { ArcName, OverlayMessage, Suspicion } from '../../src/overlay/message.ts';
import { AGAIN_MS_MAX } from '../../src/overlay/message-codec.ts';
import type { Digest } from '../../src/overlay/record-names.ts';
import { randomBytes } from '../seed.ts';

type MessageType = OverlayMessage['type'];
type Make = { readonly [Type in MessageType]: (random: Random) => Extract<OverlayMessage, { type: Type }> };

const some = <T>(random: Random, max: number, make: () => T, min = 0): T[] =>
  Array.from({ length: min + randomBelow(random, max - min + 1) }, make);
const hexBytes = (random: Random, length: number): string => hex(randomBytes(random, length));
const node = (random: Random): NodeId => nodeIdOfBytes(randomBytes(random, 32))!;
/** Small numbers, large ones and the bound itself. */
const whole = (random: Random, max: number): number =>
  random() < 0.1 ? max : randomBelow(random, random() < 0.5 ? Math.min(max, 300) : max);
const large = (random: Random): number => whole(random, Number.MAX_SAFE_INTEGER);
const uint32 = (random: Random): number => whole(random, 0xffff_ffff);
const flag = (random: Random): boolean => random() < 0.5;
const text = (random: Random): string => 'why not, ümläut, 理由'.slice(randomBelow(random, 20));
const digest = (random: Random): Digest => ({ key: hexBytes(random, 8), sequence: whole(random, SEQUENCE_MAX) });
const suspicion = (random: Random): Suspicion => ({ nodeId: node(random), sequence: whole(random, SEQUENCE_MAX) });
const arc = (random: Random): ArcName => ({ from: hexBytes(random, 20), to: hexBytes(random, 20) });
const bytes = (random: Random, max: number, min = 0): Uint8Array =>
  randomBytes(random, min + randomBelow(random, max - min + 1));
const capacity = (random: Random): Capacity => ({
  announcesPerSecond: large(random),
  peers: large(random),
  hashes: large(random),
  trackingBytesPerSecond: large(random),
});
function address(random: Random): Address {
  for (;;) {
    const parsed = parseCompactAddress(randomBytes(random, random() < 0.5 ? 6 : 18));
    if (parsed) return parsed;
  }
}
const addresses = (random: Random): Address[] => some(random, 4, () => address(random), 1);
const digests = (random: Random): Digest[] => some(random, 20, () => digest(random));
const suspects = (random: Random): Suspicion[] => some(random, 32, () => suspicion(random));
const keys = (random: Random): string[] => some(random, 20, () => hexBytes(random, 8));

/** One message of each type. */
export const MAKE: Make = {
  gossip: (r) => ({
    type: 'gossip',
    digests: digests(r),
    suspects: suspects(r),
    view: hexBytes(r, 8),
    againMs: flag(r) ? whole(r, AGAIN_MS_MAX) : undefined,
  }),
  gossiped: (r) => ({
    type: 'gossiped',
    digests: digests(r),
    suspects: suspects(r),
    wanted: keys(r),
    view: hexBytes(r, 8),
  }),
  records: (r) => ({ type: 'records', records: some(r, 4, () => bytes(r, 300, 2)), wanted: keys(r) }),
  sync: (r) => ({ type: 'sync', buckets: some(r, 64, () => hexBytes(r, 8)) }),
  synced: (r) => ({ type: 'synced', buckets: some(r, 64, () => randomBelow(r, 64)), digests: digests(r) }),
  probe: (r) => ({ type: 'probe', nodeId: node(r), address: address(r) }),
  probed: (r) => ({ type: 'probed', isThere: flag(r) }),
  hello: () => ({ type: 'hello' }),
  here: (r) => ({ type: 'here', load: whole(r, 255), sequence: large(r) }),
  stand: (r) => ({
    type: 'stand',
    addresses: addresses(r),
    capacity: capacity(r),
    uptimeSeconds: large(r),
    isVolunteer: flag(r),
    term: uint32(r),
  }),
  nominate: (r) => ({ type: 'nominate', why: text(r) }),
  vote: (r) => ({
    type: 'vote',
    addresses: addresses(r),
    term: uint32(r),
    issued: large(r),
    seat: flag(r) ? hexBytes(r, 20) : undefined,
  }),
  voted: (r) => ({ type: 'voted', signature: randomBytes(r, 64) }),
  claim: (r) => ({ type: 'claim', descriptor: bytes(r, 1000, 1) }),
  claimed: (r) => ({ type: 'claimed', copies: whole(r, 1000) }),
  offer: (r) => ({
    type: 'offer',
    arc: arc(r),
    epoch: uint32(r),
    peers: large(r),
    announcesPerSecond: whole(r, 1_000_000_000) / 1000,
  }),
  frame: (r) => ({
    type: 'frame',
    copy: uint32(r),
    index: uint32(r),
    bytes: bytes(r, 500),
    chain: hexBytes(r, 20),
    isLast: flag(r),
  }),
  grant: (r) => ({ type: 'grant', grant: bytes(r, 1000, 1), receipt: flag(r) ? randomBytes(r, 96) : undefined }),
  receipt: (r) => ({ type: 'receipt', grant: bytes(r, 1000, 1) }),
  signed: (r) => ({ type: 'signed', signature: randomBytes(r, 64) }),
  announces: (r) => ({ type: 'announces', bytes: bytes(r, 500), isPassedOn: flag(r) }),
  accepted: () => ({ type: 'accepted' }),
  refused: (r) => ({ type: 'refused', why: text(r) }),
};

export const TYPES: readonly MessageType[] = Object.keys(MAKE) as MessageType[];

/** The keys of each type as docs/PROTOCOL.md has them, those that may be absent in brackets. */
export const KEYS: { readonly [Type in MessageType]: string } = {
  gossip: 'd s h [a]',
  gossiped: 'd s w h',
  records: 'r w',
  sync: 'b',
  synced: 'b d',
  probe: 'n a',
  probed: 'i',
  hello: '',
  here: 'l q',
  stand: 'a c u v m',
  nominate: 'y',
  vote: 'a m i [s]',
  voted: 'g',
  claim: 'r',
  claimed: 'n',
  offer: 'a e p m',
  frame: 'c i b h l',
  grant: 'r [s]',
  receipt: 'r',
  signed: 'g',
  announces: 'b p',
  accepted: '',
  refused: 'y',
};
