/** Quantities as people read them: at most three digits that matter, and a unit. */
import type { RateLimits } from '../running-node.ts';

const SIZE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
const SECONDS_PER_MINUTE = 60;
const SECONDS_PER_HOUR = 3600;
const SECONDS_PER_DAY = 86_400;
const SECONDS_PER_YEAR = 31_557_600;

/** Bytes with an IEC unit: `0 B`, `1.46 KiB`, `300 MiB`. */
export function formatSize(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // 999.5 would be rounded to 1000, a fourth digit.
  while (value >= 999.5 && unit < SIZE_UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  const decimals = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(decimals)} ${SIZE_UNITS[unit]}`;
}

/** Bytes per second. */
export function formatRate(bytesPerSecond: number): string {
  return `${formatSize(bytesPerSecond)}/s`;
}

/** Seconds in its two greatest units: `42 s`, `3 min 5 s`, `2 h 10 min`, `4 d 3 h`. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const pair = (unit: number, name: string, smaller: number, smallerName: string): string => {
    const rest = Math.floor((whole % unit) / smaller);
    return `${Math.floor(whole / unit)} ${name}${rest > 0 ? ` ${rest} ${smallerName}` : ''}`;
  };
  if (whole < SECONDS_PER_MINUTE) return `${whole} s`;
  if (whole < SECONDS_PER_HOUR) return pair(SECONDS_PER_MINUTE, 'min', 1, 's');
  if (whole < SECONDS_PER_DAY) return pair(SECONDS_PER_HOUR, 'h', SECONDS_PER_MINUTE, 'min');
  return pair(SECONDS_PER_DAY, 'd', SECONDS_PER_HOUR, 'h');
}

/** The age of something in its greatest unit: `42 s`, `5 min`, `3 h`, `12 d`, `2 y`. */
export function formatAge(seconds: number): string {
  const age = Math.max(0, seconds);
  if (age < SECONDS_PER_MINUTE) return `${Math.floor(age)} s`;
  if (age < SECONDS_PER_HOUR) return `${Math.floor(age / SECONDS_PER_MINUTE)} min`;
  if (age < SECONDS_PER_DAY) return `${Math.floor(age / SECONDS_PER_HOUR)} h`;
  if (age < SECONDS_PER_YEAR) return `${Math.floor(age / SECONDS_PER_DAY)} d`;
  return `${Math.floor(age / SECONDS_PER_YEAR)} y`;
}

/** A count that may be unknown, which is not 0. */
export function formatCount(count: number | null): string {
  return count === null ? '?' : String(count);
}

/** A count with its noun: `1 seeder`, `3 seeders`, `? seeders` when it is unknown. */
export function formatCounted(count: number | null, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** 0–1 as a percentage that is 100 only when nothing is missing. */
export function formatPercent(part: number): string {
  return `${Math.floor(part * 100)} %`;
}

/** Rate limits of both ways, as `down 2.0 MiB/s, up no limit`. */
export function formatLimits({ downBytesPerSecondMax, upBytesPerSecondMax }: RateLimits): string {
  const text = (rate: number | null): string => (rate === null ? 'no limit' : formatRate(rate));
  return `down ${text(downBytesPerSecondMax)}, up ${text(upBytesPerSecondMax)}`;
}
