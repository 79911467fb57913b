/** How many terminal columns a text takes, and the longest beginning of it that fits. */

/** Made with the first text that needs them: each costs as much as the rest of a verb's start. */
let wide: RegExp | undefined;
let noWidth: RegExp | undefined;
let segmenter: Intl.Segmenter | undefined;

/** Terminal columns of a text without control characters. */
export function columnsOf(text: string): number {
  // Nothing outside ASCII can be wide, narrow or joined.
  if (/^[ -~]*$/.test(text)) return text.length;
  let columns = 0;
  for (const { segment } of graphemesOf(text)) columns += columnsOfGrapheme(segment);
  return columns;
}

/** The text itself when it fits, else as much as leaves room for an ellipsis. */
export function fitColumns(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text;
  let fitting = '';
  let used = 0;
  for (const { segment } of graphemesOf(text)) {
    used += columnsOfGrapheme(segment);
    if (used > columns - 1) break;
    fitting += segment;
  }
  return columns > 0 ? `${fitting}…` : '';
}

/** Fills a text with spaces on the right, or on the left for numbers. */
export function padColumns(text: string, columns: number, side: 'left' | 'right'): string {
  const space = ' '.repeat(Math.max(0, columns - columnsOf(text)));
  return side === 'left' ? space + text : text + space;
}

function graphemesOf(text: string): Intl.Segments {
  segmenter ??= new Intl.Segmenter(undefined, { granularity: 'grapheme' });
  return segmenter.segment(text);
}

function columnsOfGrapheme(grapheme: string): number {
  noWidth ??= /^[\p{M}\u200b-\u200f]+$/u;
  wide ??=
    /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;
  if (noWidth.test(grapheme)) return 0;
  return wide.test(grapheme) ? 2 : 1;
}
