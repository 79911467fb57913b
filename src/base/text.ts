/** Texts from outside that a person will read: titles, descriptions, client names, log lines (SAFETY rule 9). */

/** Bidirectional controls and zero-width characters: invisible, and good only for lying about a name. */
export const INVISIBLE: RegExp =
  /[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u{e0000}-\u{e007f}]/gu;

const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\ufffd]+/g;

/**
 * One line of at most `lengthMax` UTF-16 units without controls, bidi or zero-width characters. Cleaning a clean text
 * changes nothing, so texts may be compared after each end has cleaned its own.
 */
export function cleanText(text: string, lengthMax: number): string {
  const clean = text.toWellFormed().replace(INVISIBLE, '').replace(CONTROLS, ' ').trim();
  if (clean.length <= lengthMax) return clean;
  return clean
    .slice(0, lengthMax)
    .toWellFormed()
    .replace(/\ufffd$/, '')
    .trimEnd();
}
