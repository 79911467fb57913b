// Whatever comes in place of a record or a message of the overlay is refused or fits its bounds, and never throws.
// Signatures and hashes are not what is fuzzed: a good signature is 64 bytes that begin and end in one way, and a hash is
// the last bytes of what is hashed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  concatBytes,
  isFault,
  parseAddress,
  type Random,
  RECORD_BYTES_MAX,
  type Sha1,
  type Sign,
  seededRandom,
  type Verify,
  wallSeconds,
} from '../../src/base/index.ts';
import { areVotesGood, encodeVotes, parseVotes } from '../../src/overlay/certificate.ts';
import { SEQUENCE_MAX } from '../../src/overlay/descriptor.ts';
import { EPOCH_MAX, openSealedGrant, sealGrant, signedGrant } from '../../src/overlay/grant.ts';
import {
  type Certificate,
  certificateOf,
  EXCHANGE_DESCRIPTORS_MAX,
  encodeExchange,
  encodeMessage,
  MESSAGE_BYTES_MAX,
  OWN_TOKENS_MAX,
  openDescriptor,
  openGrant,
  parseExchange,
  parseMessage,
  type Seat,
  sealDescriptor,
  type Token,
  takenBytes,
  type Vote,
  WITNESSES,
} from '../../src/overlay/index.ts';
import { DIGESTS_MAX, RECORDS_MAX } from '../../src/overlay/message-codec.ts';
import { LEVEL_MAX, openWidening, sealWidening } from '../../src/overlay/widening.ts';
import { candidacy, identity, NOW, statement, terms, widening } from '../overlay/fixtures.ts';
import { MAKE, TYPES } from '../overlay/messages.ts';
import { pick, SEED } from '../seed.ts';
import { altered, type Dict, dictOf, flipped } from './mutate.ts';

const ROUNDS = 100_000;
const SIGNATURE = new Uint8Array(64).fill(0x51);
const sign: Sign = () => SIGNATURE;
const verify: Verify = (signature) => signature.length === 64 && signature[0] === 0x51 && signature[63] === 0x51;
const sha1: Sha1 = (bytes) => bytes.subarray(-20);
const rules = { network: 'monsoon', verify, sha1 };
const { nodeId } = identity(1);

/** Feeds ROUNDS mutations: none may throw, each expected outcome has to be reached, and no other. */
function fuzz(expected: readonly string[], feed: (random: Random) => string): void {
  const counts = new Map<string, number>();
  const random = seededRandom(SEED);
  for (let round = 0; round < ROUNDS; round++) {
    let outcome: string;
    try {
      outcome = feed(random);
    } catch (cause) {
      throw new Error(`MONSOON_FUZZ_SEED=${SEED}, round ${round}`, { cause });
    }
    counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  }
  const told = JSON.stringify(Object.fromEntries(counts));
  assert.deepEqual([...counts.keys()].toSorted(), expected.toSorted(), `seed ${SEED}: ${told}`);
}

/** A sealed record with changes in its signature, its body's bytes or its body's values. */
function mutatedRecord(random: Random, record: Uint8Array, body: Dict): Uint8Array {
  const how = random();
  if (how < 0.05) return flipped(random, record);
  const signature = how < 0.1 ? flipped(random, SIGNATURE) : SIGNATURE;
  if (how < 0.4) return concatBytes([signature, flipped(random, record.subarray(64))]);
  return concatBytes([signature, altered(random, body)]);
}

const votes = (count: number): Vote[] =>
  Array.from({ length: count }, (_, i) => ({ witness: identity(i + 2).nodeId, signature: SIGNATURE }));
const certificates: Certificate[] = [
  certificateOf([], NOW, undefined),
  certificateOf(votes(3), NOW, undefined),
  certificateOf(votes(5), NOW, 'ab'.repeat(20) as Seat),
];
const bodied = <T>(record: Uint8Array, of: T): { record: Uint8Array; body: Dict; of: T } => ({
  record,
  body: dictOf(record.subarray(64)),
  of,
});

test(`100,000 mutations of descriptors are opened within their bounds or refused (seed ${SEED})`, () => {
  const addresses = ['8.8.4.4:7373', '[2a00:1::1]:443', '10.0.0.1:1', '10.0.0.2:2'].map((text) => parseAddress(text)!);
  const seeds = certificates.map((certificate, i) => {
    const changes = { certificate, term: i, ownTokens: 1 + i, addresses: addresses.slice(0, 2 * i || 1) };
    return bodied(sealDescriptor(statement(changes), nodeId, sign, sha1).record, certificate);
  });
  const expected = ['malformed', 'other-network', 'out-of-time', 'expired', 'votes-wrong'].map(
    (c) => `descriptor-${c}`,
  );
  fuzz(['opened', 'record-malformed', 'record-forged', 'record-too-large', ...expected], (random) => {
    const { record, body } = pick(random, seeds);
    // Bytes that change seldom make one that has expired.
    const wall = random() < 0.02 ? wallSeconds(NOW + 7200) : NOW;
    const opened = openDescriptor(mutatedRecord(random, record, body), rules, wall);
    if (isFault(opened)) return opened.code;
    assert.ok(opened.record.length <= RECORD_BYTES_MAX && opened.tokens.length <= OWN_TOKENS_MAX);
    assert.ok(opened.addresses.length >= 1 && opened.addresses.length <= 4);
    assert.ok(opened.certificate.votes.length <= WITNESSES && opened.load <= 255);
    assert.ok(opened.expires > wall && opened.expires <= opened.issued + 7200 && opened.issued <= wall + 600);
    assert.ok(opened.sequence >= 1 && opened.sequence <= SEQUENCE_MAX);
    return 'opened';
  });
});

/** A grant that is passed on, with other sealed bytes in it. */
function withGrant({ parts }: Dict, sealed: Uint8Array): Uint8Array {
  const [, ...others] = [...parts.values()];
  return Buffer.concat([Buffer.from(`d1:g${sealed.length}:`), sealed, ...others, Buffer.from('e')]);
}

const grantFaults = ['malformed', 'other-network', 'expired'].map((code) => `grant-${code}`);
const givers = [terms(1, 2), terms(1, 3, { epoch: EPOCH_MAX, to: 'f'.repeat(40) as Token })].map((given) =>
  sealGrant(given, sign),
);

test(`100,000 mutations of sealed grants are opened within their bounds or refused (seed ${SEED})`, () => {
  const seeds = givers.map((grant) => bodied(grant.sealed, grant));
  const faults = ['record-malformed', 'record-forged', ...grantFaults];
  fuzz(['opened', ...faults], (random) => {
    const { record, body } = pick(random, seeds);
    const opened = openSealedGrant(mutatedRecord(random, record, body), rules, NOW);
    if (isFault(opened)) return opened.code;
    assert.ok(opened.epoch >= 0 && opened.epoch <= EPOCH_MAX);
    assert.ok(opened.sequence >= 0 && opened.sequence <= SEQUENCE_MAX);
    assert.ok(opened.expires > NOW && opened.expires <= NOW + 14_400);
    assert.ok(opened.from.length === 40 && opened.to.length === 40 && opened.from !== opened.to);
    // Signed, it fits a record.
    assert.ok(opened.giver !== opened.taker && opened.sealed.length <= RECORD_BYTES_MAX - 200);
    return 'opened';
  });
});

test(`100,000 mutations of grants that are passed on are opened within their bounds or refused (seed ${SEED})`, () => {
  const receipt = concatBytes([new Uint8Array(32).fill(7), SIGNATURE]);
  const seeds = givers.map((grant, i) => {
    const { record } = signedGrant(grant, sign(takenBytes(grant.sealed)), i === 0 ? undefined : receipt);
    return { record, body: dictOf(record), sealed: bodied(grant.sealed, grant) };
  });
  fuzz(['opened', 'record-malformed', 'record-forged', ...grantFaults, 'grant-unsigned'], (random) => {
    const { record, body, sealed } = pick(random, seeds);
    const how = random();
    const g = random() < 0.5 ? mutatedRecord(random, sealed.record, sealed.body) : sealed.record;
    const bytes = how < 0.3 ? flipped(random, record) : how < 0.6 ? withGrant(body, g) : altered(random, body);
    const opened = openGrant(bytes, rules, NOW);
    if (isFault(opened)) return opened.code;
    assert.ok(opened.record.length <= RECORD_BYTES_MAX && opened.sealed.length < opened.record.length);
    return 'opened';
  });
});

test(`100,000 mutations of widenings are opened within their bounds or refused (seed ${SEED})`, () => {
  const { record } = sealWidening(widening(), sign);
  const body = dictOf(record.subarray(64));
  const faults = ['malformed', 'other-network', 'expired'].map((code) => `widening-${code}`);
  fuzz(['opened', 'record-malformed', 'record-forged', 'record-too-large', ...faults], (random) => {
    const opened = openWidening(mutatedRecord(random, record, body), rules, NOW);
    if (isFault(opened)) return opened.code;
    assert.ok(opened.level >= 1 && opened.level <= LEVEL_MAX && opened.record.length <= RECORD_BYTES_MAX);
    assert.ok(opened.expires > NOW && opened.expires <= NOW + 1200 && opened.sequence <= SEQUENCE_MAX);
    return 'opened';
  });
});

test(`100,000 mutations of votes are read within their bounds or refused (seed ${SEED})`, () => {
  const seeds = [1, 3, 5].map((count) => encodeVotes(certificateOf(votes(count), NOW, undefined).votes));
  fuzz(['good', 'wrong', 'refused'], (random) => {
    const parts = [pick(random, seeds), random() < 0.1 ? pick(random, seeds) : new Uint8Array(0)];
    const read = parseVotes(random() < 0.5 ? concatBytes(parts) : flipped(random, concatBytes(parts)));
    if (!read) return 'refused';
    assert.ok(read.length <= WITNESSES && new Set(read.map(({ witness }) => witness)).size === read.length);
    assert.ok(read.every(({ signature }) => signature.length === 64));
    const about = candidacy(1, { nodeId: random() < 0.1 ? identity(2).nodeId : nodeId });
    return areVotesGood(read, about, verify) ? 'good' : 'wrong';
  });
});

test(`100,000 mutations of overlay messages of all types are taken within their bounds or refused (seed ${SEED})`, () => {
  const seeds = TYPES.flatMap((type) =>
    [1, 2, 3, 4].map((n) => {
      const bytes = encodeMessage(MAKE[type](seededRandom(SEED + n)));
      return { bytes, body: dictOf(bytes) };
    }),
  );
  const large = new Uint8Array(MESSAGE_BYTES_MAX + 1);
  fuzz(['message-malformed', 'message-too-large', ...TYPES], (random) => {
    const { bytes, body } = pick(random, seeds);
    const how = random();
    const fed = how < 0.001 ? large : how < 0.4 ? flipped(random, bytes) : altered(random, body);
    const parsed = parseMessage(fed);
    if (isFault(parsed)) return parsed.code;
    for (const [name, value] of Object.entries(parsed)) {
      if (Array.isArray(value)) assert.ok(value.length <= Math.max(DIGESTS_MAX, RECORDS_MAX));
      // The one that is no whole number comes in thousandths.
      const counted = name === 'announcesPerSecond' ? Math.round(1000 * value) : value;
      if (typeof value === 'number') assert.ok(Number.isSafeInteger(counted) && value >= 0);
      for (const item of Array.isArray(value) ? value : [])
        assert.ok(item.sequence === undefined || item.sequence <= SEQUENCE_MAX);
    }
    // What is believed says the same again: nothing of it was out of bounds.
    const again = encodeMessage(parsed);
    assert.ok(Buffer.compare(encodeMessage(parseMessage(again) as typeof parsed), again) === 0);
    return parsed.type;
  });
});

test(`100,000 mutations of exchanges are taken within their bounds or refused (seed ${SEED})`, () => {
  const record = sealDescriptor(statement(), nodeId, sign, sha1).record;
  const seeds = [0, 1, 3].map((count) => {
    const you = count === 0 ? undefined : parseAddress('8.8.4.4:7373')!;
    const bytes = encodeExchange({ network: 'monsoon', supernodes: new Array(count).fill(record), you });
    return { bytes, body: dictOf(bytes) };
  });
  const large = new Uint8Array(204_801);
  fuzz(['taken', 'exchange-malformed', 'exchange-other-network', 'exchange-too-large'], (random) => {
    const { bytes, body } = pick(random, seeds);
    const how = random();
    const fed = how < 0.001 ? large : how < 0.3 ? flipped(random, bytes) : altered(random, body);
    const parsed = parseExchange(fed, 'monsoon');
    if (isFault(parsed)) return parsed.code;
    assert.ok(parsed.supernodes.length <= EXCHANGE_DESCRIPTORS_MAX);
    assert.ok(parsed.supernodes.every(({ length }) => length <= RECORD_BYTES_MAX));
    return 'taken';
  });
});
