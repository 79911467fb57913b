/** Which bytes a request asks for: the Range header of HTTP (RFC 9110, section 14), one range at most. Pure. */

/** Bytes of a file; `length` 0 is for a file without any. */
export interface ByteRange {
  readonly start: number;
  readonly length: number;
}

/**
 * The one range that a header names, cut to the file; `whole` where none is asked for, of another unit than bytes, or of
 * several at once, which a server may answer with all of it; undefined where no byte can be served, or it is malformed.
 */
export function parseRange(header: string | undefined, size: number): ByteRange | 'whole' | undefined {
  if (header === undefined || !/^\s*bytes\s*=/i.test(header)) return 'whole';
  const ranges = header.slice(header.indexOf('=') + 1).split(',');
  const parsed = ranges.map((range) => rangeOf(range.trim()));
  if (parsed.includes(undefined)) return undefined;
  if (parsed.length > 1) return 'whole';
  const { first, last } = parsed[0]!;
  if (first === undefined) {
    if (last === 0) return undefined;
    // The end of an empty file is all of it, for which there is no range.
    return size === 0 ? 'whole' : { start: Math.max(0, size - last!), length: Math.min(size, last!) };
  }
  if (first >= size) return undefined;
  return { start: first, length: Math.min(size - 1, last ?? Number.POSITIVE_INFINITY) - first + 1 };
}

interface Named {
  /** Absent in a suffix, whose `last` is how many bytes there are of the end. */
  readonly first: number | undefined;
  readonly last: number | undefined;
}

/** `0-99`, `100-` or `-100`; more digits than a number holds are beyond every file. */
function rangeOf(text: string): Named | undefined {
  const [, from, to] = /^(\d*)-(\d*)$/.exec(text) ?? [];
  if (from === undefined || to === undefined || (from === '' && to === '')) return undefined;
  const first = from === '' ? undefined : Number(from);
  const last = to === '' ? undefined : Number(to);
  if (first !== undefined && last !== undefined && last < first) return undefined;
  return { first, last };
}
