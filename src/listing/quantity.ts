/** Numbers as people type them into filters: `700M`, `1.5G`, `7d`; undefined for anything else. */

const BYTE_UNITS: Readonly<Record<string, number>> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };
const AGE_UNITS: Readonly<Record<string, number>> = {
  s: 1,
  min: 60,
  h: 3600,
  '': 86_400,
  d: 86_400,
  w: 604_800,
  mon: 2_629_800,
  y: 31_557_600,
};

/** Bytes, in powers of 1024: `500`, `700M`, `1.5 GiB`. */
export function parseBytes(text: string): number | undefined {
  const [, digits, unit = ''] = /^([0-9]{1,15}(?:\.[0-9]{1,6})?)\s*([kmgt]?)(?:i?b)?$/i.exec(text.trim()) ?? [];
  return digits === undefined ? undefined : bounded(Number(digits) * BYTE_UNITS[unit.toLowerCase()]!);
}

/** Seconds; a bare number is days: `7`, `7d`, `12h`, `2w`, `1y`, `3mon`, `30min`. */
export function parseAge(text: string): number | undefined {
  const [, digits, unit = ''] = /^([0-9]{1,9}(?:\.[0-9]{1,3})?)\s*(s|min|h|d|w|mon|y|)$/i.exec(text.trim()) ?? [];
  return digits === undefined ? undefined : bounded(Number(digits) * AGE_UNITS[unit.toLowerCase()]!);
}

/** A whole number of things. */
export function parseCount(text: string): number | undefined {
  return /^[0-9]{1,9}$/.test(text.trim()) ? Number(text) : undefined;
}

function bounded(value: number): number | undefined {
  const whole = Math.round(value);
  return Number.isSafeInteger(whole) ? whole : undefined;
}
