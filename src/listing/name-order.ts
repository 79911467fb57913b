/**
 * The order of names: letters in either case and without marks, signs as one and before digits, digits before letters,
 * other scripts by code point after them. Most of a million names are told apart by two numbers each.
 */
import { foldText } from './words.ts';

/** Numbers that stand for the beginning of a name. */
export const NAME_KEYS = 2;
/** So many digits of a base of 38 fit a float64. */
const KEY_DIGITS = 10;
const BASE = 38;
const FIRST_LETTER = 11;
/** Says that the next three digits are a character that has no digit of its own. */
const OTHER = 37;
const ASCII_MAX = 127;

/** Numbers in the order of names, to be compared one after the other; equal where only the rest of the name differs. */
export function nameKeysOf(name: string): readonly [number, number] {
  const digits = new Uint8Array(NAME_KEYS * KEY_DIGITS + 3);
  const other = name.search(/[^\0-\x7f]/);
  const text = other < 0 || other >= NAME_KEYS * KEY_DIGITS ? name : foldText(name);
  let count = 0;
  for (let i = 0; i < text.length && count < NAME_KEYS * KEY_DIGITS; i++) {
    count = putDigits(digits, count, text.charCodeAt(i));
  }
  return [numberOf(digits, 0), numberOf(digits, KEY_DIGITS)];
}

/** A text whose code units are in the order of names. */
export function nameTextOf(name: string): string {
  return foldText(name).replace(/[\0-\x2f\x3a-\x60\x7b-\x7f]/g, ' ');
}

function putDigits(digits: Uint8Array, count: number, code: number): number {
  if (code <= ASCII_MAX) {
    digits[count] = digitOf(code);
    return count + 1;
  }
  const rank = Math.min(code, BASE ** 3 - 1);
  digits[count] = OTHER;
  digits[count + 1] = Math.floor(rank / BASE ** 2);
  digits[count + 2] = Math.floor(rank / BASE) % BASE;
  digits[count + 3] = rank % BASE;
  // The highest ones are not told apart, so nothing after them may count.
  return rank < code ? digits.length : count + 4;
}

function digitOf(code: number): number {
  if (code >= 48 && code <= 57) return code - 47;
  const letter = (code | 0x20) - 97;
  return letter >= 0 && letter < 26 ? letter + FIRST_LETTER : 0;
}

function numberOf(digits: Uint8Array, from: number): number {
  let number = 0;
  for (let i = 0; i < KEY_DIGITS; i++) number = number * BASE + digits[from + i]!;
  return number;
}
