/**
 * Numbers as people read them, for the local page in the browser and the public page on the server alike.
 * Pure: no DOM, no clock.
 */

const SIZE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'] as const;
const AGE_UNITS: readonly (readonly [seconds: number, unit: string])[] = [
  [365 * 86_400, 'y'],
  [30 * 86_400, 'mo'],
  [86_400, 'd'],
  [3600, 'h'],
  [60, 'min'],
];
const NEW_SECONDS = 86_400;
const HASH_DIGITS_SHOWN = 8;

/** `734003200` is `700 MiB`; three digits are enough to compare. */
export function formatSize(bytes: number): string {
  const unit = bytes < 1024 ? 0 : Math.min(SIZE_UNITS.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** unit;
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${SIZE_UNITS[unit]}`;
}

/** Bytes per second as `1.2 MiB/s`, and nothing at all as a dash. */
export function formatRate(bytesPerSecond: number): string {
  return bytesPerSecond > 0 ? `${formatSize(bytesPerSecond)}/s` : '–';
}

/** An age or a time left in its largest unit, rounded down: `3 h`. */
export function formatAge(seconds: number): string {
  for (const [size, unit] of AGE_UNITS) if (seconds >= size) return `${Math.floor(seconds / size)} ${unit}`;
  return 'now';
}

/** A duration, `8 s` included. */
export function formatLeft(seconds: number): string {
  return seconds < 60 ? `${Math.ceil(seconds)} s` : formatAge(seconds);
}

/** A count with its thousands apart; `?` when nobody has counted. */
export function formatCount(count: number | null): string {
  return count === null ? '?' : String(count).replace(/\B(?=(?:\d{3})+$)/g, '\u202f');
}

/** 0–1 as a percentage, rounded down: 100 % is all of it. */
export function formatPercent(part: number): string {
  return `${Math.floor(part * 1000) / 10} %`;
}

/** Published within the last day. */
export function isNew(added: number, nowSeconds: number): boolean {
  return nowSeconds - added < NEW_SECONDS;
}

/** The start of a hash or key; the whole stands in the title beside it. */
export function shortHex(hex: string): string {
  return hex.slice(0, HASH_DIGITS_SHOWN);
}

/** A magnet link by info hash, with the name and one tracker as hints. */
export function magnetOf(infoHash: string, name: string, announceUrl?: string): string {
  const hints = announceUrl === undefined ? '' : `&tr=${encodeURIComponent(announceUrl)}`;
  return `magnet:?xt=urn:btih:${infoHash}&dn=${encodeURIComponent(name.toWellFormed())}${hints}`;
}
