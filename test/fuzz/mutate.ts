// Changes to encoded bytes: some blind, some that know bencode, so that both the decoder and what reads its values are
// reached.
import {
  type BencodeDict,
  type BencodeInput,
  type BencodeValue,
  decodeBencode,
  encodeBencode,
  type Random,
  randomBelow,
} from '../../src/base/index.ts';
import { pick } from '../seed.ts';

const PIECES: readonly Uint8Array[] = ['i-0e', 'i9223372036854775807e', 'd', 'l', 'e', '0:', '99999999999:', 'i1e'].map(
  (text) => Buffer.from(text),
);

/** What a value of a dictionary may turn into. */
const VALUES: readonly BencodeInput[] = [
  0,
  1,
  -1,
  7,
  256,
  2 ** 32,
  Number.MAX_SAFE_INTEGER,
  2n ** 60n,
  '',
  'x',
  'monsoon',
  'typhoon',
  new Uint8Array(6),
  new Uint8Array(20),
  new Uint8Array(32).fill(9),
  new Uint8Array(64),
  new Uint8Array(96).fill(9),
  new Uint8Array(1001),
  [],
  [1, 2, 3, 4],
  ['x', 'y'],
  {},
];

/** One to four blind changes: a bit, a byte, a cut, a repetition, or a piece of bencode. */
export function flipped(random: Random, original: Uint8Array): Uint8Array {
  let bytes = Buffer.from(original);
  for (let changes = 1 + randomBelow(random, 4); changes > 0; changes--) {
    const at = randomBelow(random, bytes.length + 1);
    const how = random();
    if (how < 0.6 && at < bytes.length) bytes[at]! ^= 1 << randomBelow(random, 8);
    else if (how < 0.7) bytes = bytes.subarray(0, at);
    else {
      const inserted = how < 0.85 ? pick(random, PIECES) : bytes.subarray(Math.max(0, at - 40), at);
      const rest = random() < 0.5 ? at : Math.min(bytes.length, at + inserted.length);
      bytes = Buffer.concat([bytes.subarray(0, at), inserted, bytes.subarray(rest)]);
    }
  }
  return bytes;
}

/** A dictionary of our own making, with each key as it is encoded. */
export interface Dict {
  readonly values: BencodeDict;
  readonly parts: ReadonlyMap<string, Uint8Array>;
}

/** The keys of an encoded dictionary, some of them gone, cut, changed or another's. */
export function altered(random: Random, { values, parts }: Dict): Uint8Array {
  const changed = new Map<string, Uint8Array>();
  for (let changes = 1 + randomBelow(random, 2); changes > 0; changes--) {
    const name = random() < 0.05 ? 'z' : pick(random, [...parts.keys()]);
    const value = otherThan(random, values.get(name), values);
    changed.set(name, value === undefined ? new Uint8Array(0) : partOf(name, value));
  }
  const all = [...parts].map(([name, part]) => changed.get(name) ?? part);
  return Buffer.concat([OPENING, ...all, changed.get('z') ?? new Uint8Array(0), CLOSING]);
}

const OPENING = Buffer.from('d');
const CLOSING = Buffer.from('e');
const partOf = (name: string, value: BencodeInput): Uint8Array => encodeBencode({ [name]: value }).subarray(1, -1);

function otherThan(random: Random, value: BencodeValue | undefined, body: BencodeDict): BencodeInput | undefined {
  const how = random();
  if (how < 0.1) return undefined;
  if (how < 0.3) return pick(random, VALUES);
  if (how < 0.4) return pick(random, [...body.values()]);
  if (typeof value === 'number') {
    const moved = value + pick(random, [-1, 1, -700, 700, -8000, 8000]);
    return Math.min(Number.MAX_SAFE_INTEGER, Math.max(0, moved));
  }
  if (value instanceof Uint8Array) {
    const changed = Uint8Array.from(
      value.subarray(0, random() < 0.2 ? randomBelow(random, value.length + 1) : undefined),
    );
    if (changed.length > 0) changed[randomBelow(random, changed.length)]! ^= 1 << randomBelow(random, 8);
    return random() < 0.1 ? Buffer.concat([changed, changed]) : changed;
  }
  if (Array.isArray(value)) return random() < 0.5 ? [...value, ...value] : value.slice(randomBelow(random, 2));
  return pick(random, VALUES);
}

/** Takes a dictionary of our own making apart. */
export function dictOf(bytes: Uint8Array): Dict {
  const values = decodeBencode(bytes);
  if (!(values instanceof Map)) throw new Error('a seed of the fuzzer is no dictionary');
  return { values, parts: new Map([...values].map(([name, value]) => [name, partOf(name, value)])) };
}
