/**
 * Message Stream Encryption, the obfuscation that stock clients speak (Vuze specification, 2006), as two machines: the
 * end that dials and the end that answers. Invariants: at most 2 KiB are buffered before the torrent is known; the
 * answering end selects only what its policy allows; a handshake that fails says nothing about why.
 */

import type { Sha1 } from '../base/index.ts';
import { bytesOfLatin1, concatBytes, equalBytes, type Fault, fault, readUint16, readUint32 } from '../base/index.ts';
import type { StreamCipher } from './rc4.ts';

/** Bytes of a public key: 768 bits. */
export const PUBLIC_KEY_BYTES = 96;
/** Longest padding either side may send in each place. */
export const PADDING_BYTES_MAX = 512;
/** What an answering end reads before it knows the torrent. */
const UNKNOWN_BYTES_MAX = 2048;
/** Longest initial payload; known clients send the 68-byte wire handshake and at most a few messages. */
const INITIAL_PAYLOAD_BYTES_MAX = 8192;
const CRYPTO_PLAIN = 1;
const CRYPTO_RC4 = 2;
const HASH_BYTES = 20;
const VERIFICATION = new Uint8Array(8);

/** What one end offers or accepts after the handshake: `plain` means the header alone is hidden. */
export type MseMethod = 'rc4' | 'plain';

/** Key exchange over the specification's prime; the host's, so that pure code needs no big numbers. */
export interface KeyExchange {
  /** Ours: exactly 96 bytes, big-endian. */
  readonly publicKey: Uint8Array;
  /** The shared secret, exactly 96 bytes; undefined when the other key is outside 2..p-2. */
  secret(theirs: Uint8Array): Uint8Array | undefined;
}

/** What a handshake needs from its host. */
export interface MseTools {
  readonly keys: KeyExchange;
  readonly sha1: Sha1;
  /** RC4 whose first RC4_DISCARDED_BYTES are thrown away already. */
  newRc4(key: Uint8Array): StreamCipher;
  /** Random bytes of random length up to PADDING_BYTES_MAX, new for each call. */
  padding(): Uint8Array;
}

/** A finished handshake. */
export interface MseOutcome {
  /** 20 bytes: the torrent's info hash. */
  readonly infoHash: Uint8Array;
  readonly method: MseMethod;
  /** For what we send and receive from now on; undefined when only the header was hidden. */
  readonly send: StreamCipher | undefined;
  readonly receive: StreamCipher | undefined;
  /** The other end's first bytes of the wire, decrypted. */
  readonly payload: Uint8Array;
}

export type MseFault = Fault<'mse-key' | 'mse-no-sync' | 'mse-malformed' | 'mse-unknown-torrent' | 'mse-no-method'>;

/** What one step of a handshake leads to. */
export interface MseStep {
  /** Bytes to send now. */
  readonly send?: Uint8Array;
  readonly outcome?: MseOutcome;
  readonly failure?: MseFault;
}

/** One handshake, either end. Once it ended, by outcome or failure, it takes nothing more. */
export interface MseHandshake {
  /** What to send before anything was received. */
  begin(): Uint8Array;
  /** Takes received bytes. */
  receive(bytes: Uint8Array): MseStep;
}

/** Bytes received and not used yet. */
class Inbox {
  bytes: Uint8Array = new Uint8Array(0);

  add(bytes: Uint8Array): void {
    this.bytes = concatBytes([this.bytes, bytes]);
  }
  take(length: number): Uint8Array {
    const taken = this.bytes.slice(0, length);
    this.bytes = this.bytes.subarray(length);
    return taken;
  }
  /** Drops everything up to and including a pattern after as much padding as may be; false when it is not there. */
  skipPast(pattern: Uint8Array): boolean {
    const last = Math.min(this.bytes.length - pattern.length, PADDING_BYTES_MAX);
    for (let at = 0; at <= last; at++) {
      if (this.bytes[at] !== pattern[0]) continue;
      if (!equalBytes(this.bytes.subarray(at, at + pattern.length), pattern)) continue;
      this.bytes = this.bytes.subarray(at + pattern.length);
      return true;
    }
    return false;
  }
}

/** The dialling end. */
export class MseInitiator implements MseHandshake {
  readonly #tools: MseTools;
  readonly #infoHash: Uint8Array;
  readonly #methods: readonly MseMethod[];
  readonly #payload: Uint8Array;
  readonly #inbox = new Inbox();
  #stage: 'key' | 'sync' | 'select' | 'padding' | 'ended' = 'key';
  #send: StreamCipher | undefined;
  #receive: StreamCipher | undefined;
  /** The verification constant as the other end's key stream hides it. */
  #sync: Uint8Array = VERIFICATION;
  #method: MseMethod = 'rc4';
  #paddingBytes = 0;

  /**
   * @param infoHash 20 bytes of the torrent that both know
   * @param methods what we offer
   * @param payload what we would have sent first on a plain link: the wire handshake
   */
  constructor(tools: MseTools, infoHash: Uint8Array, methods: readonly MseMethod[], payload: Uint8Array) {
    this.#tools = tools;
    this.#infoHash = infoHash;
    this.#methods = methods;
    this.#payload = payload;
  }

  begin(): Uint8Array {
    return concatBytes([this.#tools.keys.publicKey, this.#tools.padding()]);
  }

  receive(bytes: Uint8Array): MseStep {
    this.#inbox.add(bytes);
    let send: Uint8Array | undefined;
    if (this.#stage === 'key') {
      if (this.#inbox.bytes.length < PUBLIC_KEY_BYTES) return {};
      const secret = this.#tools.keys.secret(this.#inbox.take(PUBLIC_KEY_BYTES));
      if (!secret) return this.#fail(fault('mse-key', 'the public key is out of range'));
      send = this.#request(secret);
      this.#stage = 'sync';
    }
    const step = this.#answer();
    return send ? { send, ...step } : step;
  }

  #request(secret: Uint8Array): Uint8Array {
    const { sha1 } = this.#tools;
    const { send, receive } = cipherPair(this.#tools, secret, this.#infoHash);
    this.#send = send;
    this.#receive = receive;
    this.#sync = VERIFICATION.slice();
    receive.apply(this.#sync, this.#sync.length);
    const provide = this.#methods.reduce((bits, method) => bits | (method === 'rc4' ? CRYPTO_RC4 : CRYPTO_PLAIN), 0);
    const hidden = concatBytes([VERIFICATION, uint32(provide), uint16(0), uint16(this.#payload.length), this.#payload]);
    send.apply(hidden, hidden.length);
    const named = xor(labelled(sha1, 'req2', this.#infoHash), labelled(sha1, 'req3', secret));
    return concatBytes([labelled(sha1, 'req1', secret), named, hidden]);
  }

  #answer(): MseStep {
    if (this.#stage === 'sync') {
      if (!this.#inbox.skipPast(this.#sync)) {
        const isHopeless = this.#inbox.bytes.length >= PADDING_BYTES_MAX + VERIFICATION.length;
        return isHopeless ? this.#fail(fault('mse-no-sync', 'the other end did not answer as it should')) : {};
      }
      this.#stage = 'select';
    }
    if (this.#stage === 'select') {
      if (this.#inbox.bytes.length < 6) return {};
      const head = decrypted(this.#receive!, this.#inbox.take(6));
      const selected = readUint32(head, 0);
      this.#method = selected === CRYPTO_RC4 ? 'rc4' : 'plain';
      this.#paddingBytes = readUint16(head, 4);
      const isOffered = (selected === CRYPTO_RC4 || selected === CRYPTO_PLAIN) && this.#methods.includes(this.#method);
      if (!isOffered) return this.#fail(fault('mse-no-method', 'the other end chose what was not offered'));
      if (this.#paddingBytes > PADDING_BYTES_MAX) return this.#fail(fault('mse-malformed', 'the padding is too long'));
      this.#stage = 'padding';
    }
    if (this.#stage !== 'padding' || this.#inbox.bytes.length < this.#paddingBytes) return {};
    decrypted(this.#receive!, this.#inbox.take(this.#paddingBytes));
    this.#stage = 'ended';
    const isHidden = this.#method === 'rc4';
    const rest = this.#inbox.take(this.#inbox.bytes.length);
    return {
      outcome: {
        infoHash: this.#infoHash,
        method: this.#method,
        send: isHidden ? this.#send : undefined,
        receive: isHidden ? this.#receive : undefined,
        payload: isHidden ? decrypted(this.#receive!, rest) : rest,
      },
    };
  }

  #fail(failure: MseFault): MseStep {
    this.#stage = 'ended';
    return { failure };
  }
}

/** What an answering end decides. */
export interface MseAnswers {
  /** The torrent whose `req2` hash this is; undefined when we have none. */
  torrentOf(req2Hash: Uint8Array): Uint8Array | undefined;
  /** What we accept, best first. */
  readonly methods: readonly MseMethod[];
}

/** The answering end. */
export class MseResponder implements MseHandshake {
  readonly #tools: MseTools;
  readonly #answers: MseAnswers;
  readonly #inbox = new Inbox();
  #stage: 'key' | 'sync' | 'torrent' | 'head' | 'padding' | 'payload' | 'ended' = 'key';
  #secret: Uint8Array = new Uint8Array(0);
  #infoHash: Uint8Array = new Uint8Array(0);
  #send: StreamCipher | undefined;
  #receive: StreamCipher | undefined;
  #provided = 0;
  #paddingBytes = 0;
  #payloadBytes = 0;

  constructor(tools: MseTools, answers: MseAnswers) {
    this.#tools = tools;
    this.#answers = answers;
  }

  begin(): Uint8Array {
    return new Uint8Array(0);
  }

  receive(bytes: Uint8Array): MseStep {
    this.#inbox.add(bytes);
    let send: Uint8Array | undefined;
    if (this.#stage === 'key') {
      if (this.#inbox.bytes.length < PUBLIC_KEY_BYTES) return {};
      const secret = this.#tools.keys.secret(this.#inbox.take(PUBLIC_KEY_BYTES));
      if (!secret) return this.#fail(fault('mse-key', 'the public key is out of range'));
      this.#secret = secret;
      send = concatBytes([this.#tools.keys.publicKey, this.#tools.padding()]);
      this.#stage = 'sync';
    }
    const step = this.#findTorrent();
    return send ? { ...step, send: step.send ? concatBytes([send, step.send]) : send } : step;
  }

  #findTorrent(): MseStep {
    const { sha1 } = this.#tools;
    if (this.#stage === 'sync') {
      if (!this.#inbox.skipPast(labelled(sha1, 'req1', this.#secret))) {
        const isHopeless = this.#inbox.bytes.length >= PADDING_BYTES_MAX + HASH_BYTES;
        return isHopeless ? this.#fail(fault('mse-no-sync', 'this is no known protocol')) : {};
      }
      this.#stage = 'torrent';
    }
    if (this.#stage === 'torrent') {
      if (this.#inbox.bytes.length < HASH_BYTES) return {};
      const named = xor(this.#inbox.take(HASH_BYTES), labelled(sha1, 'req3', this.#secret));
      const infoHash = this.#answers.torrentOf(named);
      if (!infoHash) return this.#fail(fault('mse-unknown-torrent', 'we do not have that torrent'));
      this.#infoHash = infoHash;
      const { send, receive } = cipherPair(this.#tools, this.#secret, infoHash);
      // The dialling end's sending key is the one that we receive with.
      this.#send = receive;
      this.#receive = send;
      this.#stage = 'head';
    }
    return this.#readOffer();
  }

  #readOffer(): MseStep {
    const receive = this.#receive!;
    if (this.#inbox.bytes.length > UNKNOWN_BYTES_MAX + INITIAL_PAYLOAD_BYTES_MAX) {
      return this.#fail(fault('mse-malformed', 'too much before the end of the handshake'));
    }
    if (this.#stage === 'head') {
      if (this.#inbox.bytes.length < 14) return {};
      const head = decrypted(receive, this.#inbox.take(14));
      if (!equalBytes(head.subarray(0, 8), VERIFICATION)) return this.#fail(fault('mse-malformed', 'wrong key'));
      this.#provided = readUint32(head, 8);
      this.#paddingBytes = readUint16(head, 12);
      if (this.#paddingBytes > PADDING_BYTES_MAX) return this.#fail(fault('mse-malformed', 'the padding is too long'));
      this.#stage = 'padding';
    }
    if (this.#stage === 'padding') {
      if (this.#inbox.bytes.length < this.#paddingBytes + 2) return {};
      decrypted(receive, this.#inbox.take(this.#paddingBytes));
      this.#payloadBytes = readUint16(decrypted(receive, this.#inbox.take(2)), 0);
      if (this.#payloadBytes > INITIAL_PAYLOAD_BYTES_MAX) {
        return this.#fail(fault('mse-malformed', 'the initial payload is too long'));
      }
      this.#stage = 'payload';
    }
    if (this.#stage !== 'payload' || this.#inbox.bytes.length < this.#payloadBytes) return {};
    return this.#select();
  }

  #select(): MseStep {
    const receive = this.#receive!;
    const send = this.#send!;
    const offered = (method: MseMethod): boolean =>
      (this.#provided & (method === 'rc4' ? CRYPTO_RC4 : CRYPTO_PLAIN)) !== 0;
    const method = this.#answers.methods.find(offered);
    if (!method) return this.#fail(fault('mse-no-method', 'nothing that was offered is allowed'));
    this.#stage = 'ended';
    const payload = decrypted(receive, this.#inbox.take(this.#payloadBytes));
    const rest = this.#inbox.take(this.#inbox.bytes.length);
    const isHidden = method === 'rc4';
    const answer = concatBytes([VERIFICATION, uint32(isHidden ? CRYPTO_RC4 : CRYPTO_PLAIN), uint16(0)]);
    send.apply(answer, answer.length);
    return {
      send: answer,
      outcome: {
        infoHash: this.#infoHash,
        method,
        send: isHidden ? send : undefined,
        receive: isHidden ? receive : undefined,
        payload: concatBytes([payload, isHidden ? decrypted(receive, rest) : rest]),
      },
    };
  }

  #fail(failure: MseFault): MseStep {
    this.#stage = 'ended';
    return { failure };
  }
}

/** The hash by which an answering end finds the torrent that a dialling end names. */
export function req2Hash(sha1: Sha1, infoHash: Uint8Array): Uint8Array {
  return labelled(sha1, 'req2', infoHash);
}

/** The ciphers of the dialling end; the answering end uses them the other way round. */
function cipherPair(
  { sha1, newRc4 }: MseTools,
  secret: Uint8Array,
  infoHash: Uint8Array,
): { send: StreamCipher; receive: StreamCipher } {
  const shared = concatBytes([secret, infoHash]);
  return { send: newRc4(labelled(sha1, 'keyA', shared)), receive: newRc4(labelled(sha1, 'keyB', shared)) };
}

function labelled(sha1: Sha1, label: string, bytes: Uint8Array): Uint8Array {
  return sha1(concatBytes([bytesOfLatin1(label), bytes]));
}

function decrypted(cipher: StreamCipher, bytes: Uint8Array): Uint8Array {
  cipher.apply(bytes, bytes.length);
  return bytes;
}

function xor(a: Uint8Array, b: Uint8Array): Uint8Array {
  return a.map((byte, i) => byte ^ b[i]!);
}

function uint16(value: number): Uint8Array {
  return Uint8Array.of(value >>> 8, value & 255);
}

function uint32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255);
}
