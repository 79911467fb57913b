/**
 * Datagrams answered by the batch: recvmmsg takes up to 64 of them in one call of the system and sendmmsg sends as many
 * answers, where Node makes a call, a buffer and an event of each. Invariants: every slot of the batch is one piece of
 * memory that lives as long as the batch; nothing of a datagram is kept past its answer.
 */
import type { AnswerDatagram, Batching } from '../ports/index.ts';
import { type Libc, loadLibc } from './libc.ts';
import { openRawSocket } from './raw-socket.ts';

/** Datagrams in a batch. */
export const BATCH_SIZE = 64;
/** struct mmsghdr: a struct msghdr of 56 bytes, and the length of what came or went. */
const HEAD_BYTES = 64;
const HEAD = { name: 0, nameLength: 8, parts: 16, partCount: 24, length: 56 } as const;
/** struct iovec. */
const PART_BYTES = 16;
const PART = { base: 0, length: 8 } as const;
/** Room for a struct sockaddr_in or sockaddr_in6. */
const NAME_BYTES = 32;
const AF_INET = 2;
const NAME = { port: 2, ip4: 4, ip6: 8 } as const;
const MAPPED_BYTES = 12;
const MSG_DONTWAIT = 0x40;
const SLOT_BYTES_MIN = 8;

interface Slot {
  readonly asked: Uint8Array;
  readonly reply: Uint8Array;
  readonly name: Uint8Array;
}

class DatagramBatch {
  readonly #libc: Libc;
  readonly #fd: number;
  readonly #slots: readonly Slot[];
  readonly #memory: DataView;
  /** Where the heads of what comes and of what goes begin, and the parts of the latter. */
  readonly #heads: { readonly came: number; readonly goes: number };
  readonly #replyParts: number;
  readonly #names: number;
  readonly #base: bigint;

  constructor(libc: Libc, fd: number, bytesMax: number) {
    this.#libc = libc;
    this.#fd = fd;
    const slotBytes = Math.ceil((bytesMax + 1) / SLOT_BYTES_MIN) * SLOT_BYTES_MIN;
    const sizes = [HEAD_BYTES, HEAD_BYTES, PART_BYTES, PART_BYTES, NAME_BYTES, slotBytes, slotBytes];
    const starts = sizes.map((_, i) => BATCH_SIZE * sizes.slice(0, i).reduce((sum, size) => sum + size, 0));
    const [came, goes, askedParts, replyParts, names, asked, replies] = starts as [number, ...number[]] & number[];
    const memory = new ArrayBuffer(BATCH_SIZE * sizes.reduce((sum, size) => sum + size));
    this.#memory = new DataView(memory);
    this.#base = libc.addressOf(memory);
    this.#heads = { came, goes: goes! };
    this.#replyParts = replyParts!;
    this.#names = names!;
    for (let i = 0; i < BATCH_SIZE; i++) {
      this.#lay(came, askedParts!, asked!, i, bytesMax + 1, slotBytes);
      this.#lay(goes!, replyParts!, replies!, i, bytesMax, slotBytes);
    }
    this.#slots = Array.from({ length: BATCH_SIZE }, (_, i) => ({
      asked: new Uint8Array(memory, asked! + i * slotBytes, bytesMax + 1),
      reply: new Uint8Array(memory, replies! + i * slotBytes, bytesMax),
      name: new Uint8Array(memory, names! + i * NAME_BYTES, NAME_BYTES),
    }));
  }

  exchange(answer: AnswerDatagram): boolean {
    for (let i = 0; i < BATCH_SIZE; i++) this.#write32(this.#heads.came, i, HEAD.nameLength, NAME_BYTES);
    const { came, goes } = this.#heads;
    const count = this.#libc.recvmmsg(this.#fd, this.#base + BigInt(came), BATCH_SIZE, MSG_DONTWAIT, 0n);
    let answers = 0;
    for (let i = 0; i < count; i++) {
      const { asked, name } = this.#slots[i]!;
      if (name[NAME.port] === 0 && name[NAME.port + 1] === 0) continue;
      const bytes = asked.subarray(0, this.#read32(came, i, HEAD.length));
      const length = answer(bytes, ipOf(name), this.#slots[answers]!.reply);
      if (length > 0) this.#address(answers++, i, length);
    }
    for (let at = 0; at < answers; ) {
      const from = this.#base + BigInt(goes + at * HEAD_BYTES);
      // Stops at one that cannot be sent, which is passed over.
      at += Math.max(1, this.#libc.sendmmsg(this.#fd, from, answers - at, MSG_DONTWAIT));
    }
    return count === BATCH_SIZE;
  }

  /** Points a head at its part and name, and the part at its slot. */
  #lay(heads: number, parts: number, slots: number, i: number, bytes: number, slotBytes: number): void {
    const head = heads + i * HEAD_BYTES;
    const part = parts + i * PART_BYTES;
    const write = (at: number, value: bigint): void => this.#memory.setBigUint64(at, value, true);
    write(head + HEAD.name, this.#base + BigInt(this.#names + i * NAME_BYTES));
    write(head + HEAD.parts, this.#base + BigInt(part));
    write(head + HEAD.partCount, 1n);
    write(part + PART.base, this.#base + BigInt(slots + i * slotBytes));
    write(part + PART.length, BigInt(bytes));
  }

  /** Sends the reply in `slot` to whoever datagram `i` came from. */
  #address(slot: number, i: number, length: number): void {
    const { came, goes } = this.#heads;
    const name = this.#base + BigInt(this.#names + i * NAME_BYTES);
    this.#memory.setBigUint64(goes + slot * HEAD_BYTES + HEAD.name, name, true);
    this.#write32(goes, slot, HEAD.nameLength, this.#read32(came, i, HEAD.nameLength));
    this.#memory.setUint32(this.#replyParts + slot * PART_BYTES + PART.length, length, true);
  }

  #read32(heads: number, i: number, field: number): number {
    return this.#memory.getUint32(heads + i * HEAD_BYTES + field, true);
  }
  #write32(heads: number, i: number, field: number, value: number): void {
    this.#memory.setUint32(heads + i * HEAD_BYTES + field, value, true);
  }
}

/** The address in a struct sockaddr_in or sockaddr_in6; the family is in the machine's order, which is the lowest byte first. */
function ipOf(name: Uint8Array): Uint8Array {
  if (name[0] === AF_INET) return name.subarray(NAME.ip4, NAME.ip4 + 4);
  const ip = name.subarray(NAME.ip6, NAME.ip6 + 16);
  for (let i = 0; i < MAPPED_BYTES; i++) if (ip[i] !== (i < 10 ? 0 : 0xff)) return ip;
  return ip.subarray(MAPPED_BYTES);
}

/** Undefined where the system cannot. */
export function openBatching(): Batching | undefined {
  const libc = loadLibc();
  if (!libc) return undefined;
  return {
    open: (host, port) => openRawSocket(libc, { kind: 'udp', host, port }),
    exchangeOf(fd, bytesMax) {
      const batch = new DatagramBatch(libc, fd, bytesMax);
      return (answer) => batch.exchange(answer);
    },
  };
}
