import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { hex } from '../../src/base/index.ts';
import { sha1 } from '../../src/io/hash.ts';
import { newMseTools } from '../../src/io/mse-tools.ts';
import { opensslRc4Ways } from '../../src/io/openssl-rc4.ts';
import { applyRc4 } from '../../src/io/rc4-engine.ts';
import {
  MseInitiator,
  type MseMethod,
  type MseOutcome,
  MseResponder,
  PUBLIC_KEY_BYTES,
  Rc4,
  req2Hash,
} from '../../src/link/index.ts';

const INFO_HASH = sha1(Buffer.from('a torrent'));
const PAYLOAD = Buffer.from(`\x13BitTorrent protocol${'x'.repeat(48)}`);

const torrentOf = (hash: Uint8Array): Uint8Array | undefined =>
  hex(hash) === hex(req2Hash(sha1, INFO_HASH)) ? INFO_HASH : undefined;

interface Ends {
  readonly initiator: MseInitiator;
  readonly responder: MseResponder;
}
const endsOf = (offered: readonly MseMethod[], accepted: readonly MseMethod[]): Ends => ({
  initiator: new MseInitiator(newMseTools(), INFO_HASH, offered, PAYLOAD),
  responder: new MseResponder(newMseTools(), { torrentOf, methods: accepted }),
});

/** Carries bytes between both ends in portions until nothing moves any more. */
function converse(
  { initiator, responder }: Ends,
  portion: number,
): { a?: MseOutcome; b?: MseOutcome; failure?: string } {
  const result: { a?: MseOutcome; b?: MseOutcome; failure?: string } = {};
  let toB: Uint8Array = initiator.begin();
  let toA: Uint8Array = new Uint8Array(0);
  const deliver = (end: MseInitiator | MseResponder, bytes: Uint8Array, name: 'a' | 'b'): Uint8Array => {
    const sent: Uint8Array[] = [];
    for (let at = 0; at < bytes.length && !result[name] && result.failure === undefined; at += portion) {
      const step = end.receive(bytes.subarray(at, at + portion));
      if (step.send) sent.push(step.send);
      if (step.outcome) result[name] = step.outcome;
      if (step.failure) result.failure = step.failure.code;
    }
    return Buffer.concat(sent);
  };
  while (toA.length + toB.length > 0) {
    toA = deliver(responder, toB, 'b');
    toB = deliver(initiator, toA, 'a');
    toA = new Uint8Array(0);
  }
  return result;
}

test('RC4 throws 1,024 bytes away and then gives the key stream of RFC 6229', () => {
  const bytes = new Uint8Array(16);
  new Rc4(Uint8Array.of(1, 2, 3, 4, 5)).apply(bytes, bytes.length);
  assert.equal(hex(bytes), '30abbcc7c20b01609f23ee2d5f6bb7df');
});

const opensslWays = opensslRc4Ways();
const FAST_WAYS = {
  WebAssembly: (key: Uint8Array) => new Rc4(key, applyRc4),
  ...Object.fromEntries(opensslWays.map((newRc4, i) => [`OpenSSL's form ${i + 1}`, newRc4])),
};

test("the runtime's OpenSSL is used where this program is at home", { skip: process.platform !== 'linux' }, () => {
  assert.equal(opensslWays.length, process.arch === 'x64' ? 2 : 1);
});

for (const [name, newRc4] of Object.entries(FAST_WAYS))
  test(`RC4 by ${name} gives the stream that it gives byte by byte, wherever the bytes lie and are cut`, () => {
    const key = randomBytes(20);
    const expected = randomBytes(100_000);
    const clear = Buffer.from(expected);
    new Rc4(key).apply(expected, expected.length);
    for (const portion of [1, 1023, 1024, 1029, 32_768, 40_001, 100_000]) {
      const cipher = newRc4(key);
      const bytes = Buffer.alloc(100_003).subarray(3);
      clear.copy(bytes);
      for (let at = 0; at < bytes.length; at += portion) {
        cipher.apply(bytes.subarray(at), Math.min(portion, bytes.length - at));
      }
      assert.ok(bytes.equals(expected), `${portion} at a time`);
    }
  });

for (const [name, newRc4] of Object.entries(FAST_WAYS))
  test(`two ciphers by ${name} do not share their streams`, () => {
    const [one, other] = [newRc4(Buffer.from('one')), newRc4(Buffer.from('other'))];
    const slow = new Rc4(Buffer.from('one'));
    for (let turn = 0; turn < 3; turn++) {
      const [a, b, c] = [Buffer.alloc(50_000), Buffer.alloc(50_000), Buffer.alloc(50_000)];
      one.apply(a, a.length);
      other.apply(b, b.length);
      slow.apply(c, c.length);
      assert.ok(a.equals(c) && !a.equals(b));
    }
  });

for (const method of ['rc4', 'plain'] as const) {
  for (const portion of [1, 7, 100_000]) {
    test(`both ends agree on ${method} when bytes come ${portion} at a time`, () => {
      const { a, b } = converse(endsOf([method], ['rc4', 'plain']), portion);
      assert.equal(a?.method, method);
      assert.equal(b?.method, method);
      assert.equal(hex(b!.infoHash), hex(INFO_HASH));
      assert.deepEqual(Buffer.from(b!.payload), PAYLOAD);
      assert.equal(a!.send === undefined, method === 'plain');
    });
  }
}

test('what one end encrypts after the handshake the other reads, in both directions', () => {
  const { a, b } = converse(endsOf(['rc4'], ['rc4']), 50);
  for (const [from, to] of [
    [a!.send!, b!.receive!],
    [b!.send!, a!.receive!],
  ] as const) {
    const bytes = randomBytes(1000);
    const copy = Buffer.from(bytes);
    from.apply(copy, copy.length);
    assert.notDeepEqual(copy, bytes);
    to.apply(copy, copy.length);
    assert.deepEqual(copy, bytes);
  }
});

test('the answering end prefers its own order and refuses what it does not allow', () => {
  assert.equal(converse(endsOf(['plain', 'rc4'], ['rc4', 'plain']), 1000).b?.method, 'rc4');
  assert.equal(converse(endsOf(['plain'], ['rc4']), 1000).failure, 'mse-no-method');
});

// RC4 proves nothing: who knows where the offer stands can change it unseen.
test('an offer that is changed on its way leads to no link that hides less than was offered', () => {
  const { initiator, responder } = endsOf(['rc4'], ['rc4', 'plain']);
  const request = initiator.receive(responder.receive(initiator.begin()).send!).send!;
  // Behind two hashes and the verification constant: four bytes, of which the last goes from 2 to 1.
  request[20 + 20 + 8 + 3]! ^= 3;
  const answered = responder.receive(request);
  assert.equal(answered.outcome?.method, 'plain');
  const believed = initiator.receive(answered.send!);
  assert.equal(believed.failure?.code, 'mse-no-method');
  assert.equal(believed.outcome, undefined);
});

test('an unknown torrent, noise and keys out of range end the handshake', () => {
  const other = new MseInitiator(newMseTools(), sha1(Buffer.from('another')), ['rc4'], PAYLOAD);
  assert.equal(converse({ ...endsOf(['rc4'], ['rc4']), initiator: other }, 1000).failure, 'mse-unknown-torrent');
  const responder = endsOf(['rc4'], ['rc4']).responder;
  assert.equal(responder.receive(randomBytes(2000)).failure?.code, 'mse-no-sync');
  const primeMinusOne = Buffer.from(newMsePrime());
  primeMinusOne[PUBLIC_KEY_BYTES - 1]! -= 1;
  for (const key of [
    Buffer.alloc(96),
    Buffer.alloc(96, 255),
    Buffer.concat([Buffer.alloc(95), Buffer.of(1)]),
    primeMinusOne,
  ]) {
    assert.equal(endsOf(['rc4'], ['rc4']).responder.receive(key).failure?.code, 'mse-key');
    assert.equal(endsOf(['rc4'], ['rc4']).initiator.receive(key).failure?.code, 'mse-key');
  }
});

test('a conversation cut at any byte is neither finished nor believed', () => {
  const { initiator, responder } = endsOf(['rc4'], ['rc4']);
  const opening = initiator.begin();
  const answer = responder.receive(opening).send!;
  const request = initiator.receive(answer).send!;
  for (let cut = 0; cut < request.length; cut++) {
    const fresh = new MseResponder(
      { ...newMseTools(), padding: () => new Uint8Array(0) },
      { torrentOf, methods: ['rc4'] },
    );
    fresh.receive(opening);
    assert.equal(fresh.receive(request.subarray(0, cut)).outcome, undefined);
  }
});

function newMsePrime(): Buffer {
  return Buffer.from(
    'ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74020bbea63b139b22514a08798e3404ddef9519b3cd3a431b302b0a6df25f14374fe1356d6d51c245e485b576625e7ec6f44c42e9a63a36210000000000090563',
    'hex',
  );
}
