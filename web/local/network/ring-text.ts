/** Ranges and shares of the ring in words. Pure. */
import { shortHex } from '../../format.ts';
import type { Range } from './ring-shape.ts';

export function rangeText({ from, to }: Range): string {
  return from === to ? 'everything' : `${shortHex(from)}… – ${shortHex(to)}…`;
}

/** 0–1; what is there at all is not 0 %. */
export function roughPercent(part: number): string {
  return part > 0 && part < 0.01 ? '< 1 %' : `${Math.round(part * 100)} %`;
}
