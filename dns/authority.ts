/**
 * The authority over a zone: from the bytes of a query and the address it came from to the bytes of the answer, with
 * every rule between. Invariants: a source that has proved nothing gets at most three bytes for each byte that came;
 * only secondaries get the whole zone. It knows no socket and no clock.
 */
import { assert, formatIp, type Instant, type WallSeconds } from '../src/base/index.ts';
import type { AnswerTable } from './answer.ts';
import type { AnswerBudget } from './budget.ts';
import type { Cookies } from './cookie.ts';
import {
  type Answer,
  bareAnswer,
  DROP,
  emptyQuery,
  type Query,
  RCODE,
  readQuery,
  TCP_BYTES_MAX,
  TYPE,
  UDP_BYTES_MAX,
  writeComplaint,
  writeReply,
  writeTruncated,
} from './message.ts';
import { transferMessages } from './transfer.ts';
import { type BadSignature, TSIG_ERROR, type Tsig, type TsigCheck } from './tsig.ts';

/** Bytes of answer for each byte of a query whose source may be forged. */
const AMPLIFICATION_MAX = 3;
const NOT_AUTHORITATIVE: Answer = bareAnswer(RCODE.notAuth);
const REFUSED: Answer = bareAnswer(RCODE.refused);

export interface AuthoritySettings {
  readonly budget: AnswerBudget;
  readonly cookies: Cookies;
  /** IP addresses, in canonical form, that may fetch the zone. */
  readonly secondaries: ReadonlySet<string>;
  /** Whoever signs with its key may too; undefined when there is none. */
  readonly tsig: Tsig | undefined;
}

/** When a query came. */
export interface Moment {
  readonly now: Instant;
  readonly wallNow: WallSeconds;
}

export class Authority {
  readonly #settings: AuthoritySettings;
  /** Filled anew by each query. */
  readonly #query: Query = emptyQuery();
  readonly #scratch = new Uint8Array(TCP_BYTES_MAX);
  #table: AnswerTable | undefined;

  constructor(settings: AuthoritySettings) {
    this.#settings = settings;
  }

  /** The zone as it is now; there must be one before the first query. */
  get table(): AnswerTable {
    assert(this.#table, 'the zone was built before it is asked for');
    return this.#table;
  }
  set table(table: AnswerTable) {
    this.#table = table;
  }

  /**
   * Answers a datagram.
   * @param ip where it says that it came from: 4 bytes or 16
   * @param reply takes the answer; at least 1,232 bytes
   * @returns its length; 0 for no answer
   */
  answerDatagram(bytes: Uint8Array, ip: Uint8Array, { now, wallNow }: Moment, reply: Uint8Array): number {
    const query = this.#query;
    const fault = readQuery(query, bytes);
    if (fault === DROP) return 0;
    const { cookies, budget } = this.#settings;
    const hasCookie = fault === RCODE.noError && query.cookieBytes > 0;
    const isProven = hasCookie && cookies.isProof(query, ip, wallNow);
    const verdict = isProven ? 'answer' : budget.decide(ip, now);
    if (verdict === 'drop') return 0;
    if (fault !== RCODE.noError) return verdict === 'answer' ? writeComplaint(reply, bytes, fault) : 0;
    const cookie = hasCookie ? cookies.next(query, isProven, ip, wallNow) : undefined;
    if (verdict === 'truncate') return writeTruncated(reply, query, cookie);
    const limit = Math.min(query.udpBytes, UDP_BYTES_MAX);
    const bytesMax = isProven ? limit : Math.min(limit, AMPLIFICATION_MAX * bytes.length);
    if (query.tsigAt > 0) return this.#answerSigned(query, ip, bytesMax, wallNow, reply);
    return writeReply(reply, query, this.#find(query, ip, false), bytesMax, cookie);
  }

  /** Answers a message that came over a connection; no message for bytes that nobody is to be answered for. */
  answerStream(bytes: Uint8Array, ip: Uint8Array, { wallNow }: Moment): readonly Uint8Array[] {
    const query = this.#query;
    const fault = readQuery(query, bytes);
    if (fault === DROP) return [];
    const reply = this.#scratch;
    if (fault !== RCODE.noError) return [reply.slice(0, writeComplaint(reply, bytes, fault))];
    const signature = this.#signatureOf(query, wallNow);
    if (signature && !signature.isGood) return [this.#refusalOf(query, signature, wallNow, reply)];
    const messages = this.#messagesFor(query, ip, signature !== undefined, wallNow, reply);
    const { tsig } = this.#settings;
    if (!signature || !tsig) return messages;
    let { mac } = signature;
    return messages.map((message, i) => {
      const signed = tsig.sign(message, mac, wallNow, i > 0);
      ({ mac } = signed);
      return signed.bytes;
    });
  }

  #messagesFor(query: Query, ip: Uint8Array, isSigned: boolean, wallNow: WallSeconds, reply: Uint8Array): Uint8Array[] {
    const isTransfer = query.type === TYPE.AXFR || query.type === TYPE.IXFR;
    if (isTransfer && this.#mayTransfer(ip, isSigned) && this.table.isApex(query)) {
      return transferMessages(query, this.table);
    }
    const cookie = query.cookieBytes > 0 ? this.#settings.cookies.next(query, false, ip, wallNow) : undefined;
    const length = writeReply(reply, query, this.#find(query, ip, isSigned), TCP_BYTES_MAX - SIGNATURE_ROOM, cookie);
    return [reply.slice(0, length)];
  }

  /** An IXFR over UDP gets the serial alone, which sends who has another to TCP (RFC 1995). */
  #find(query: Query, ip: Uint8Array, isSigned: boolean): Answer {
    const { table } = this;
    const isTransfer = query.type === TYPE.AXFR || query.type === TYPE.IXFR;
    if (!isTransfer || !this.#mayTransfer(ip, isSigned)) return table.find(query);
    if (!table.isApex(query)) return NOT_AUTHORITATIVE;
    return query.type === TYPE.IXFR ? table.find({ ...query, type: TYPE.SOA }) : REFUSED;
  }

  #mayTransfer(ip: Uint8Array, isSigned: boolean): boolean {
    return isSigned || this.#settings.secondaries.has(formatIp(ip));
  }

  /** A signed query is a secondary's: rare enough to be answered in peace. */
  #answerSigned(query: Query, ip: Uint8Array, bytesMax: number, wallNow: WallSeconds, reply: Uint8Array): number {
    const { tsig } = this.#settings;
    const signature = this.#signatureOf(query, wallNow)!;
    const isGood = signature.isGood && tsig !== undefined;
    const length = isGood ? writeReply(reply, query, this.#find(query, ip, true), bytesMax) : 0;
    const signed = isGood
      ? tsig.sign(reply.slice(0, length), signature.mac, wallNow).bytes
      : this.#refusalOf(query, signature as BadSignature, wallNow, reply);
    if (signed.length > Math.max(bytesMax, query.bytes.length)) return writeTruncated(reply, query);
    reply.set(signed);
    return signed.length;
  }

  /** Undefined for a query without a signature; every signature is bad where there is no key. */
  #signatureOf(query: Query, wallNow: WallSeconds): TsigCheck | undefined {
    if (query.tsigAt === 0) return undefined;
    const { tsig } = this.#settings;
    return tsig ? tsig.check(query, wallNow) : { isGood: false, error: TSIG_ERROR.badKey, fields: undefined };
  }

  #refusalOf(query: Query, bad: BadSignature, wallNow: WallSeconds, reply: Uint8Array): Uint8Array {
    const plain = reply.slice(0, writeReply(reply, query, NOT_AUTHORITATIVE, TCP_BYTES_MAX));
    return this.#settings.tsig?.refuse(plain, bad, wallNow) ?? plain;
  }
}

/** What a signature adds: two names of 255 bytes at most, and what is between them. */
const SIGNATURE_ROOM = 640;
