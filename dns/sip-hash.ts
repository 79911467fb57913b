/**
 * SipHash-2-4 (Aumasson and Bernstein), which RFC 9018 makes server cookies with: a short keyed hash that nobody
 * without the key can foretell. In halves of 32 bits, which engines keep in registers where BigInt would be allocated.
 */

const FINAL_ROUNDS = 4;

/** The 8 bytes of the hash of `message` under 16 bytes of key, little-endian as everywhere. */
export function sipHash(key: Uint8Array, message: Uint8Array): Uint8Array<ArrayBuffer> {
  // Each of the four words as its low and its high half.
  let a = littleEndian(key, 0) ^ 0x70736575;
  let aHigh = littleEndian(key, 4) ^ 0x736f6d65;
  let b = littleEndian(key, 8) ^ 0x6e646f6d;
  let bHigh = littleEndian(key, 12) ^ 0x646f7261;
  let c = littleEndian(key, 0) ^ 0x6e657261;
  let cHigh = littleEndian(key, 4) ^ 0x6c796765;
  let d = littleEndian(key, 8) ^ 0x79746573;
  let dHigh = littleEndian(key, 12) ^ 0x74656462;
  const words = message.length >>> 3;
  const wordRounds = 2 * (words + 1);
  let low = 0;
  let high = 0;
  for (let round = 0; round < wordRounds + FINAL_ROUNDS; round++) {
    if (round < wordRounds && (round & 1) === 0) {
      low = littleEndian(message, round << 2);
      high = littleEndian(message, (round << 2) + 4) | (round >>> 1 === words ? message.length << 24 : 0);
      d ^= low;
      dHigh ^= high;
    }
    if (round === wordRounds) c ^= 0xff;
    let sum = (a >>> 0) + (b >>> 0);
    aHigh = (aHigh + bHigh + (sum > 0xffff_ffff ? 1 : 0)) | 0;
    a = sum | 0;
    let turned = ((b << 13) | (bHigh >>> 19)) ^ a;
    bHigh = ((bHigh << 13) | (b >>> 19)) ^ aHigh;
    b = turned;
    turned = aHigh;
    aHigh = a;
    a = turned;
    sum = (c >>> 0) + (d >>> 0);
    cHigh = (cHigh + dHigh + (sum > 0xffff_ffff ? 1 : 0)) | 0;
    c = sum | 0;
    turned = ((d << 16) | (dHigh >>> 16)) ^ c;
    dHigh = ((dHigh << 16) | (d >>> 16)) ^ cHigh;
    d = turned;
    sum = (a >>> 0) + (d >>> 0);
    aHigh = (aHigh + dHigh + (sum > 0xffff_ffff ? 1 : 0)) | 0;
    a = sum | 0;
    turned = ((d << 21) | (dHigh >>> 11)) ^ a;
    dHigh = ((dHigh << 21) | (d >>> 11)) ^ aHigh;
    d = turned;
    sum = (c >>> 0) + (b >>> 0);
    cHigh = (cHigh + bHigh + (sum > 0xffff_ffff ? 1 : 0)) | 0;
    c = sum | 0;
    turned = ((b << 17) | (bHigh >>> 15)) ^ c;
    bHigh = ((bHigh << 17) | (b >>> 15)) ^ cHigh;
    b = turned;
    turned = cHigh;
    cHigh = c;
    c = turned;
    if (round < wordRounds && (round & 1) === 1) {
      a ^= low;
      aHigh ^= high;
    }
  }
  return halves(a ^ b ^ c ^ d, aHigh ^ bHigh ^ cHigh ^ dHigh);
}

function halves(low: number, high: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(low, low >>> 8, low >>> 16, low >>> 24, high, high >>> 8, high >>> 16, high >>> 24);
}

/** Four bytes; those behind the end count as 0. */
function littleEndian(bytes: Uint8Array, at: number): number {
  if (at + 4 <= bytes.length) {
    return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
  }
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16);
}
