/**
 * The bytes of a WebAssembly module that hashes four messages at once with SHA-1 (FIPS 180-4), one in each lane of
 * its vectors. Written out instruction by instruction: the rounds are unrolled, so that names rotate instead of
 * values. It imports its memory as `host.memory` and exports `blocks(state, count, m0, m1, m2, m3)`.
 */

type Code = readonly number[];

const I32 = 0x7f;
const V128 = 0x7b;
const ROUND_CONSTANTS = [0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6];

// Parameters, then locals; the numbers are WebAssembly's local indices.
const STATE = 0;
const COUNT = 1;
const MESSAGES = [2, 3, 4, 5];
const FIRST_VECTOR = 6;
const CHAIN = [0, 1, 2, 3, 4].map((i) => FIRST_VECTOR + i);
const WORKING = [5, 6, 7, 8, 9].map((i) => FIRST_VECTOR + i);
const WORDS = Array.from({ length: 16 }, (_, i) => FIRST_VECTOR + 10 + i);
const CONSTANTS = [26, 27, 28, 29].map((i) => FIRST_VECTOR + i);
const SCRATCH = [30, 31, 32, 33].map((i) => FIRST_VECTOR + i);
const VECTORS = 34;

const leb = (value: number): Code => (value < 128 ? [value] : [(value & 127) | 128, ...leb(value >>> 7)]);
const get = (local: number): Code => [0x20, ...leb(local)];
const set = (local: number): Code => [0x21, ...leb(local)];
const constant = (value: number): Code => [0x41, ...signedLeb(value)];
const vector = (opcode: number): Code => [0xfd, ...leb(opcode)];
const load = (offset: number): Code => [...vector(0x00), 0, ...leb(offset)];
const store = (offset: number): Code => [...vector(0x0b), 0, ...leb(offset)];
const shuffle = (lanes: readonly number[]): Code => [...vector(0x0d), ...lanes];
const AND = vector(0x4e);
const OR = vector(0x50);
const XOR = vector(0x51);
const SHIFT_LEFT = vector(0xab);
const SHIFT_RIGHT = vector(0xad);
const ADD = vector(0xae);

function signedLeb(value: number): Code {
  return value >= -64 && value < 64 ? [value & 127] : [(value & 127) | 128, ...signedLeb(value >> 7)];
}

/** Which 32-bit lanes of two vectors (0-3 and 4-7) make the result. */
const lanes = (a: number, b: number, c: number, d: number): Code =>
  shuffle([a, b, c, d].flatMap((lane) => [0, 1, 2, 3].map((byte) => lane * 4 + byte)));
const BYTES_SWAPPED = shuffle([3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12]);

const rotated = (local: number, bits: number): Code => [
  ...get(local),
  ...constant(bits),
  ...SHIFT_LEFT,
  ...get(local),
  ...constant(32 - bits),
  ...SHIFT_RIGHT,
  ...OR,
];

/** Loads four words of each message and turns them so that each vector holds one word of all four. */
function loadWords(group: number): Code {
  const [x0, x1, x2, x3] = SCRATCH as [number, number, number, number];
  const words = WORDS.slice(group * 4, group * 4 + 4) as [number, number, number, number];
  const pair = (a: number, b: number, how: Code): Code => [...get(a), ...get(b), ...how];
  return [
    ...MESSAGES.flatMap((message, i) => [...get(message), ...load(group * 16), ...load0Twice(), ...set(SCRATCH[i]!)]),
    ...[...pair(x0, x1, lanes(0, 4, 1, 5)), ...set(words[0])],
    ...[...pair(x2, x3, lanes(0, 4, 1, 5)), ...set(words[1])],
    ...[...pair(x0, x1, lanes(2, 6, 3, 7)), ...set(words[2])],
    ...[...pair(x2, x3, lanes(2, 6, 3, 7)), ...set(words[3])],
    ...[...pair(words[0], words[1], lanes(0, 1, 4, 5)), ...set(x0)],
    ...[...pair(words[0], words[1], lanes(2, 3, 6, 7)), ...set(words[1])],
    ...[...get(x0), ...set(words[0])],
    ...[...pair(words[2], words[3], lanes(0, 1, 4, 5)), ...set(x0)],
    ...[...pair(words[2], words[3], lanes(2, 3, 6, 7)), ...set(words[3])],
    ...[...get(x0), ...set(words[2])],
  ];
}

/** A shuffle takes two vectors: the loaded one is its own second. */
function load0Twice(): Code {
  return [0x22, ...leb(SCRATCH[3]!), ...get(SCRATCH[3]!), ...BYTES_SWAPPED];
}

function choice(round: number, b: number, c: number, d: number): Code {
  if (round < 20) return [...get(c), ...get(d), ...XOR, ...get(b), ...AND, ...get(d), ...XOR];
  if (round >= 40 && round < 60) {
    return [...get(b), ...get(c), ...AND, ...get(b), ...get(c), ...XOR, ...get(d), ...AND, ...OR];
  }
  return [...get(b), ...get(c), ...XOR, ...get(d), ...XOR];
}

/** One round; the caller rotates the names of the five working variables afterwards. */
function round(number: number, [a, b, c, d, e]: readonly number[]): Code {
  const word = WORDS[number & 15]!;
  const schedule: Code =
    number < 16
      ? []
      : [
          ...get(WORDS[(number - 3) & 15]!),
          ...get(WORDS[(number - 8) & 15]!),
          ...XOR,
          ...get(WORDS[(number - 14) & 15]!),
          ...XOR,
          ...get(word),
          ...XOR,
          ...set(word),
          ...rotated(word, 1),
          ...set(word),
        ];
  return [
    ...schedule,
    ...rotated(a!, 5),
    ...choice(number, b!, c!, d!),
    ...ADD,
    ...get(e!),
    ...get(CONSTANTS[Math.floor(number / 20)]!),
    ...ADD,
    ...get(word),
    ...ADD,
    ...ADD,
    ...set(e!),
    ...rotated(b!, 30),
    ...set(b!),
  ];
}

function rounds(): Code {
  let names: readonly number[] = WORKING;
  const code: number[] = [];
  for (let number = 0; number < 80; number++) {
    code.push(...round(number, names));
    names = [names[4]!, ...names.slice(0, 4)];
  }
  return code;
}

function body(): Code {
  const splat = (value: number): Code => {
    const bytes = [value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24];
    return [...vector(0x0c), ...bytes, ...bytes, ...bytes, ...bytes];
  };
  return [
    ...ROUND_CONSTANTS.flatMap((value, i) => [...splat(value), ...set(CONSTANTS[i]!)]),
    ...CHAIN.flatMap((local, i) => [...get(STATE), ...load(i * 16), ...set(local)]),
    ...[0x03, 0x40], // loop
    ...[0, 1, 2, 3].flatMap(loadWords),
    ...CHAIN.flatMap((local, i) => [...get(local), ...set(WORKING[i]!)]),
    ...rounds(),
    ...CHAIN.flatMap((local, i) => [...get(local), ...get(WORKING[i]!), ...ADD, ...set(local)]),
    ...MESSAGES.flatMap((message) => [...get(message), ...constant(64), 0x6a, ...set(message)]),
    ...[...get(COUNT), ...constant(1), 0x6b, 0x22, COUNT, 0x0d, 0, 0x0b], // count down, again while it is not 0, end
    ...CHAIN.flatMap((local, i) => [...get(STATE), ...get(local), ...store(i * 16)]),
    0x0b,
  ];
}

const section = (id: number, content: Code): Code => [id, ...leb(content.length), ...content];
const text = (value: string): Code => [value.length, ...[...value].map((letter) => letter.charCodeAt(0))];

/** The module; `pages` of 64 KiB is exactly the shared memory that must be given to it. */
export function sha1LanesModule(pages: number): Uint8Array<ArrayBuffer> {
  const locals = [1, ...leb(VECTORS), V128];
  const code = [...locals, ...body()];
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 6, I32, I32, I32, I32, I32, I32, 0]),
    ...section(2, [1, ...text('host'), ...text('memory'), 2, 3, ...leb(pages), ...leb(pages)]),
    ...section(3, [1, 0]),
    ...section(7, [1, ...text('blocks'), 0, 0]),
    ...section(10, [1, ...leb(code.length), ...code]),
  ]);
}
