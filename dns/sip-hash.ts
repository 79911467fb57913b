/**
 * SipHash-2-4 (Aumasson and Bernstein), which RFC 9018 makes server cookies with: a short keyed hash that nobody
 * without the key can foretell. In halves of 32 bits, which engines keep in registers where BigInt would be allocated.
 */

/** The 8 bytes of the hash of `message` under 16 bytes of key, little-endian as everywhere. */
export function sipHash(key: Uint8Array, message: Uint8Array): Uint8Array<ArrayBuffer> {
  const view = new DataView(key.buffer, key.byteOffset, key.byteLength);
  const [k0l, k0h, k1l, k1h] = [0, 4, 8, 12].map((at) => view.getUint32(at, true)) as [number, number, number, number];
  // v0 low, v0 high, v1 low, …
  const v = Int32Array.of(
    k0l ^ 0x70736575,
    k0h ^ 0x736f6d65,
    k1l ^ 0x6e646f6d,
    k1h ^ 0x646f7261,
    k0l ^ 0x6e657261,
    k0h ^ 0x6c796765,
    k1l ^ 0x79746573,
    k1h ^ 0x74656462,
  );
  const words = Math.floor(message.length / 8);
  for (let word = 0; word <= words; word++) {
    const at = word * 8;
    const low = littleEndian(message, at);
    const high = word < words ? littleEndian(message, at + 4) : littleEndian(message, at + 4) | (message.length << 24);
    v[6]! ^= low;
    v[7]! ^= high;
    round(v);
    round(v);
    v[0]! ^= low;
    v[1]! ^= high;
  }
  v[4]! ^= 0xff;
  for (let final = 0; final < 4; final++) round(v);
  const hash = new Uint8Array(8);
  const out = new DataView(hash.buffer);
  out.setUint32(0, v[0]! ^ v[2]! ^ v[4]! ^ v[6]!, true);
  out.setUint32(4, v[1]! ^ v[3]! ^ v[5]! ^ v[7]!, true);
  return hash;
}

/** Four bytes; those behind the end count as 0. */
function littleEndian(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24);
}

function round(v: Int32Array): void {
  add(v, 0, 2);
  rotate(v, 2, 13);
  xor(v, 2, 0);
  rotate(v, 0, 32);
  add(v, 4, 6);
  rotate(v, 6, 16);
  xor(v, 6, 4);
  add(v, 0, 6);
  rotate(v, 6, 21);
  xor(v, 6, 0);
  add(v, 4, 2);
  rotate(v, 2, 17);
  xor(v, 2, 4);
  rotate(v, 4, 32);
}

function add(v: Int32Array, to: number, from: number): void {
  const low = (v[to]! >>> 0) + (v[from]! >>> 0);
  v[to] = low;
  v[to + 1] = v[to + 1]! + v[from + 1]! + (low > 0xffff_ffff ? 1 : 0);
}

function xor(v: Int32Array, to: number, from: number): void {
  v[to]! ^= v[from]!;
  v[to + 1]! ^= v[from + 1]!;
}

function rotate(v: Int32Array, at: number, bits: number): void {
  const [low, high] = [v[at]!, v[at + 1]!];
  const isSwapped = bits === 32;
  v[at] = isSwapped ? high : (low << bits) | (high >>> (32 - bits));
  v[at + 1] = isSwapped ? low : (high << bits) | (low >>> (32 - bits));
}
