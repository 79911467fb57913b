import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concatBytes, nodeIdBytes, seededRandom, wallSeconds } from '../../src/base/index.ts';
import { verify } from '../../src/io/identity.ts';
import {
  areVotesGood,
  encodeVotes,
  parseVotes,
  seatOf,
  votedBytes,
  witnessPosition,
} from '../../src/overlay/certificate.ts';
import { certificateOf, genesisSeat, type Seat, type Vote, WITNESSES } from '../../src/overlay/index.ts';
import { electedSeat } from '../../src/overlay/token.ts';
import { eachSeed, SEED } from '../seed.ts';
import { candidacy, certificateBy, identity, NOW, sha1, voteBy } from './fixtures.ts';

const SEAT = 'cd'.repeat(20) as Seat;
const about = candidacy(1);
const plain = (votes: readonly Vote[] | undefined): unknown =>
  votes?.map(({ witness, signature }) => [witness, Buffer.from(signature)]);

test('a vote signs the words, and then the candidacy as bencode, the seat only when it is kept', () => {
  const key = Buffer.from(nodeIdBytes(about.nodeId)).toString('latin1');
  const signed = (seat: Seat | undefined): string => Buffer.from(votedBytes({ ...about, seat })).toString('latin1');
  const first = `monsoon vote-1\nd1:a4:\n\x01\x02\x031:ii1800000000e1:k32:${key}1:mi1e1:n7:monsoon`;
  assert.equal(signed(undefined), `${first}e`);
  assert.equal(signed(SEAT), `${first}1:s20:${'\xcd'.repeat(20)}e`);
});

test('votes are good when each witness signed this candidacy, and bad when one did not', () => {
  const votes = [voteBy(2, about), voteBy(3, about)];
  assert.equal(areVotesGood(votes, about, verify), true);
  assert.equal(areVotesGood([], about, verify), true);
  const others = [
    { network: 'typhoon' },
    { nodeId: identity(7).nodeId },
    { host: '10.1.2.4' },
    { term: 2 },
    { issued: wallSeconds(NOW - 1) },
    { seat: SEAT },
  ];
  for (const changes of others) {
    assert.equal(areVotesGood(votes, { ...about, ...changes }, verify), false);
    assert.equal(areVotesGood([voteBy(2, about), voteBy(3, { ...about, ...changes })], about, verify), false);
  }
});

test('nobody votes for himself, and nobody in the name of another', () => {
  assert.equal(areVotesGood([voteBy(1, about)], about, verify), false);
  const lent: Vote = { witness: identity(3).nodeId, signature: voteBy(2, about).signature };
  assert.equal(areVotesGood([lent], about, verify), false);
  for (const length of [0, 63, 65]) {
    const cut: Vote = { witness: identity(2).nodeId, signature: new Uint8Array(length) };
    assert.equal(areVotesGood([cut], about, verify), false, `${length} bytes`);
  }
});

test('a certificate and its seat are the same whatever order the votes came in', () => {
  const votes = [2, 3, 4, 5].map((n) => voteBy(n, about));
  const certificate = certificateOf(votes, NOW, undefined);
  const backwards = certificateOf(votes.toReversed(), NOW, undefined);
  assert.deepEqual(plain(backwards.votes), plain(certificate.votes));
  const seat = (of = certificate): Seat => seatOf(of, about.nodeId, about.term, sha1);
  assert.equal(seat(backwards), seat());
  assert.equal(
    seat(),
    electedSeat(
      certificate.votes.map(({ signature }) => signature),
      sha1,
    ),
  );
  const named = certificate.votes.map(({ witness }) => witness);
  assert.deepEqual(named, named.toSorted());
});

test('a seat is kept when a certificate says so, and without votes it is that of a first supernode', () => {
  const of = (witnesses: number[], kept?: Seat): Seat =>
    seatOf(certificateOf(certificateBy(witnesses, about).votes, NOW, kept), about.nodeId, about.term, sha1);
  assert.equal(of([2, 3], SEAT), SEAT);
  assert.equal(of([]), genesisSeat(about.nodeId, about.term, sha1));
  assert.notEqual(of([2, 3]), of([2, 4]));
});

test('one candidate can come to 16 seats in a term and no more: the choices of at least three of five votes', () => {
  const seats = new Set<Seat>();
  for (let chosen = 0; chosen < 2 ** WITNESSES; chosen++) {
    const witnesses = [2, 3, 4, 5, 6].filter((_, i) => chosen & (1 << i));
    if (witnesses.length < 3) continue;
    seats.add(seatOf(certificateBy(witnesses, about), about.nodeId, about.term, sha1));
  }
  assert.equal(seats.size, 16);
});

test(`votes are read as they were written (seed ${SEED})`, () =>
  eachSeed(100, (seed) => {
    const random = seededRandom(seed);
    const witnesses = [2, 3, 4, 5, 6].filter(() => random() < 0.5);
    const { votes } = certificateBy(witnesses, about);
    const bytes = encodeVotes(votes);
    assert.equal(bytes.length, 96 * votes.length);
    assert.deepEqual(plain(parseVotes(bytes)), plain(votes));
  }));

test('votes that are cut, too many, twice there or out of order are refused', () => {
  const six = [2, 3, 4, 5, 6, 7].map((n) => voteBy(n, about)).toSorted((a, b) => (a.witness < b.witness ? -1 : 1));
  const five = encodeVotes(six.slice(0, 5));
  assert.equal(parseVotes(five)?.length, WITNESSES);
  assert.equal(parseVotes(encodeVotes(six)), undefined);
  for (const length of [1, 32, 95, 97, five.length - 1]) assert.equal(parseVotes(five.subarray(0, length)), undefined);
  const [first, second] = [six[0]!, six[1]!];
  assert.equal(parseVotes(encodeVotes([first, first])), undefined);
  assert.equal(parseVotes(encodeVotes([second, first])), undefined);
  assert.equal(parseVotes(concatBytes([five, Uint8Array.of(0)])), undefined);
});

test('votes that were read do not keep the message they came in', () => {
  const bytes = encodeVotes(certificateBy([2], about).votes);
  const [vote] = parseVotes(bytes)!;
  bytes.fill(0);
  assert.equal(areVotesGood([vote!], about, verify), true);
});

test('where the witnesses follow depends on the candidate and its term alone', () => {
  const places = [1, 2, 3].flatMap((n) => [0, 1, 11].map((term) => witnessPosition(identity(n).nodeId, term, sha1)));
  assert.equal(new Set(places).size, places.length);
  assert.ok(places.every((place) => /^[0-9a-f]{40}$/.test(place)));
  assert.equal(witnessPosition(identity(1).nodeId, 0, sha1), places[0]);
});
