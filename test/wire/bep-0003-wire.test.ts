// The peer wire (BEP 3): handshake, framing, requests and blocks.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  bytesOfHex,
  bytesOfLatin1,
  concatBytes,
  hex,
  isFault,
  parseInfoHash,
  randomBelow,
  seededRandom,
  utf8,
} from '../../src/base/index.ts';
import {
  BLOCK_BYTES,
  BLOCK_BYTES_MAX,
  EXACT_LENGTH,
  encodeHaves,
  encodeRequestRun,
  encodeWireHandshake,
  HANDSHAKE_BYTES,
  MESSAGE,
  MESSAGE_BYTES_MAX,
  PIECE_HEADER_BYTES,
  parseWireHandshake,
  writePieceHeader,
} from '../../src/wire/index.ts';
import { eachSeed, randomBytes, SEED } from '../seed.ts';
import { frame, Recorder, words } from './frames.ts';

const infoHash = parseInfoHash('0123456789abcdef0123456789abcdef01234567')!;
const peerId = utf8('-MS0001-abcdefghijkl');

test('a handshake is the protocol string, eight flag bytes, the hash and the peer id', () => {
  const bytes = encodeWireHandshake(infoHash, peerId);
  assert.deepEqual(
    [...bytes],
    [...bytesOfLatin1('\x13BitTorrent protocol'), 0, 0, 0, 0, 0, 0x10, 0, 0x04, ...bytesOfHex(infoHash)!, ...peerId],
  );
  assert.deepEqual(parseWireHandshake(bytes), { infoHash, peerId, hasFast: true, hasExtended: true });
});

test('a handshake keeps its own copy of the peer id', () => {
  const bytes = encodeWireHandshake(infoHash, peerId);
  const parsed = parseWireHandshake(bytes);
  bytes.fill(0);
  assert.ok(!isFault(parsed) && hex(parsed.peerId) === hex(peerId));
});

test('any other length or protocol string is not BitTorrent', () => {
  const good = encodeWireHandshake(infoHash, peerId);
  for (let length = 0; length < HANDSHAKE_BYTES; length++)
    assert.ok(isFault(parseWireHandshake(good.subarray(0, length))));
  assert.ok(isFault(parseWireHandshake(concatBytes([good, new Uint8Array(1)]))));
  for (let at = 0; at < 20; at++) {
    const bad = good.slice();
    bad[at]! ^= 0x20;
    assert.ok(isFault(parseWireHandshake(bad)), `byte ${at}`);
  }
});

test('each flag bit is read by itself, and unknown ones mean nothing', () => {
  for (let bit = 0; bit < 64; bit++) {
    const bytes = encodeWireHandshake(infoHash, peerId);
    bytes.fill(0, 20, 28);
    bytes[20 + (bit >>> 3)] = 1 << (bit & 7);
    const parsed = parseWireHandshake(bytes);
    assert.ok(!isFault(parsed));
    assert.equal(parsed.hasFast, bit === 7 * 8 + 2);
    assert.equal(parsed.hasExtended, bit === 5 * 8 + 4);
  }
});

test('G-09 G-15 a run of requests is one request message per block, the last one shorter', () => {
  const reader = new Recorder();
  const events = reader.feed(encodeRequestRun(7, 3, 3, 100));
  const request = (block: number, length: number): string => `request 7 ${block * BLOCK_BYTES} ${length}`;
  assert.deepEqual(events, [request(3, BLOCK_BYTES), request(4, BLOCK_BYTES), request(5, 100)]);
  assert.equal(encodeRequestRun(7, 3, 0, 100).length, 0);
});

test('many haves are one buffer', () => {
  const haves = Buffer.from(encodeHaves([0, 70_000], 2));
  assert.equal(haves.toString('hex'), '000000050400000000' + '000000050400011170');
});

test('a block written with its header is read as that block', () => {
  const bytes = new Uint8Array(2 + PIECE_HEADER_BYTES + 5).fill(9);
  writePieceHeader(bytes, 2, 0xffff_fffe, 0x8000_0000, 5);
  const events = new Recorder().feed(bytes.subarray(2));
  assert.deepEqual(events, ['announced 4294967294 2147483648 5', 'block 4294967294 2147483648 5 0909090909']);
});

test('a block that nobody asked for is read past, whatever it holds', () => {
  const block = frame(MESSAGE.piece, concatBytes([words(1, 0), frame(MESSAGE.choke)]));
  const events = new Recorder(() => false).feed(concatBytes([block, frame(MESSAGE.unchoke)]));
  assert.deepEqual(events, ['announced 1 0 5', 'message 1 ']);
});

test('a block given up while it arrives is not reported, and what follows is', () => {
  const block = frame(MESSAGE.piece, concatBytes([words(1, 2), new Uint8Array(100)]));
  const recorder = new Recorder();
  recorder.feed(block.subarray(0, 50));
  recorder.reader.abandonBlock(1, 3);
  recorder.reader.abandonBlock(1, 2);
  recorder.feed(concatBytes([block.subarray(50), frame(MESSAGE.choke), block]));
  assert.deepEqual(
    recorder.events.map((event) => event.split(' ').slice(0, 2).join(' ')),
    ['announced 1', 'message 0', 'announced 1', 'block 1'],
  );
});

test('a message of another length than the specification fixes ends the link', () => {
  for (const [id, exact] of EXACT_LENGTH) {
    for (const length of [exact - 1, exact, exact + 1]) {
      if (length < 1) continue;
      const events = new Recorder().feed(frame(id, new Uint8Array(length - 1)));
      const good = id === MESSAGE.request ? 'request 0 0 0' : `message ${id} ${'00'.repeat(length - 1)}`;
      const wanted = length === exact ? good : 'fault message-wrong-length';
      assert.deepEqual(events, [wanted], `message ${id} of ${length} bytes`);
    }
  }
});

test('an empty block and one over 128 KiB end the link; the largest does not', () => {
  const announce = (length: number): string[] => {
    const head = new Uint8Array(PIECE_HEADER_BYTES);
    writePieceHeader(head, 0, 0, 0, length);
    return new Recorder(() => false).feed(head);
  };
  assert.deepEqual(announce(0), ['fault message-wrong-length']);
  assert.deepEqual(announce(BLOCK_BYTES_MAX + 1), ['fault message-wrong-length']);
  assert.deepEqual(announce(BLOCK_BYTES_MAX), [`announced 0 0 ${BLOCK_BYTES_MAX}`]);
  for (let length = 1; length < 9; length++) {
    assert.deepEqual(new Recorder().feed(frame(MESSAGE.piece, new Uint8Array(length - 1))), [
      'fault message-wrong-length',
    ]);
  }
});

test('a length prefix above the limit ends the link before anything is allocated', () => {
  for (const length of [MESSAGE_BYTES_MAX + 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]) {
    assert.deepEqual(new Recorder().feed(words(length)), ['fault message-too-long']);
  }
  const narrowed = new Recorder();
  narrowed.reader.limitMessages(10);
  assert.deepEqual(narrowed.feed(words(200_000)), ['fault message-too-long']);
});

test('once the torrent is known, its bitfield and the largest block still fit', () => {
  for (const bitfieldBytes of [0, 1, 262_144]) {
    const recorder = new Recorder(() => false);
    recorder.reader.limitMessages(bitfieldBytes);
    const block = frame(MESSAGE.piece, new Uint8Array(BLOCK_BYTES_MAX + 8));
    const events = recorder.feed(concatBytes([frame(MESSAGE.bitfield, new Uint8Array(bitfieldBytes)), block]));
    assert.equal(events.length, 2);
    assert.ok(!events[1]!.startsWith('fault'));
  }
});

test('unknown messages are read past and keep-alives counted', () => {
  const bytes = concatBytes([words(0), frame(99, new Uint8Array(5)), frame(200), words(0), frame(MESSAGE.interested)]);
  assert.deepEqual(new Recorder().feed(bytes), ['keep-alive', 'keep-alive', 'message 2 ']);
});

test('a fault is final', () => {
  const recorder = new Recorder();
  recorder.feed(words(0xffff_ffff));
  assert.deepEqual(recorder.feed(frame(MESSAGE.choke)), ['fault message-too-long']);
});

/** A stream of mostly valid messages, as a peer might send it. */
function stream(random: () => number): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let count = randomBelow(random, 12); count >= 0; count--) {
    const id = randomBelow(random, 22);
    const exact = EXACT_LENGTH.get(id);
    const odd = randomBelow(random, 60);
    const length = exact === undefined || random() < 0.02 ? odd : exact - 1;
    const chance = random();
    if (chance < 0.05) parts.push(words(0));
    else if (chance < 0.07) parts.push(randomBytes(random, 9));
    else if (id === MESSAGE.piece)
      parts.push(frame(id, concatBytes([words(randomBelow(random, 3), 0), randomBytes(random, odd)])));
    else parts.push(frame(id, randomBytes(random, length)));
  }
  const whole = concatBytes(parts);
  return whole.subarray(0, random() < 0.2 ? randomBelow(random, whole.length) : whole.length);
}

test(`byte by byte, in parts or at once, a stream means the same (seed ${SEED})`, () => {
  let [faults, blocks] = [0, 0];
  eachSeed(4000, (seed) => {
    const bytes = stream(seededRandom(seed));
    const isWanted = (piece: number): boolean => piece > 0;
    const whole = new Recorder(isWanted).feed(bytes);
    const single = new Recorder(isWanted).feed(bytes, () => 1);
    const random = seededRandom(seed);
    const parts = new Recorder(isWanted).feed(bytes, () => randomBelow(random, 40));
    assert.deepEqual(single, whole);
    assert.deepEqual(parts, whole);
    if (whole.at(-1)?.startsWith('fault')) faults++;
    if (whole.some((event) => event.startsWith('block'))) blocks++;
  });
  assert.ok(faults > 40 && blocks > 400, `${faults} faults, ${blocks} with blocks`);
});

test(`100,000 random streams neither throw nor announce a block over its bound (seed ${SEED})`, () => {
  eachSeed(1000, (seed) => {
    const random = seededRandom(seed);
    for (let run = 0; run < 100; run++) {
      const bytes = randomBytes(random, 8 + randomBelow(random, 40));
      // Small lengths, so that something gets past the first four bytes.
      bytes.fill(0, 0, 3);
      new Recorder((_piece, _offset, length) => {
        assert.ok(length > 0 && length <= BLOCK_BYTES_MAX);
        return random() < 0.5;
      }).feed(bytes);
    }
  });
});
