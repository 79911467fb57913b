/** The ring of hashes as geometry: where a position lies, and the outline of an arc. Pure. */
import type { SupernodeRow } from '../../../app/running-node.ts';

/** Owners are told apart by as many colours as people can name; then they begin again. */
const COLOURS = 8;
const POSITION_DIGITS = 12;
const GAP_DEGREES = 0.6;

/** Hex positions; `from` is exclusive, equal ends mean the whole ring. */
export interface Range {
  readonly from: string;
  readonly to: string;
}

export interface Arc {
  readonly owner: SupernodeRow;
  /** From 0 to 7. */
  readonly colour: number;
  readonly range: SupernodeRow['ranges'][number];
}

export interface Owner {
  readonly row: SupernodeRow;
  readonly colour: number;
}

/** The owners by their keys, so that each keeps its colour while others come and go behind it. */
export function ownersOf(rows: readonly SupernodeRow[]): Owner[] {
  const sorted = rows.toSorted((a, b) => (a.nodeId < b.nodeId ? -1 : 1));
  return sorted.map((row, i) => ({ row, colour: i % COLOURS }));
}

/** Every arc, in the order of the ring. */
export function arcsOf(owners: readonly Owner[]): Arc[] {
  const arcs = owners.flatMap(({ row: owner, colour }) => owner.ranges.map((range) => ({ owner, colour, range })));
  return arcs.sort((a, b) => (a.range.to < b.range.to ? -1 : 1));
}

/** Where a position lies, clockwise from the top. */
export function degreesOf(position: string): number {
  return (Number.parseInt(position.slice(0, POSITION_DIGITS), 16) / 16 ** POSITION_DIGITS) * 360;
}

/** Degrees that a range covers. */
export function spanOf({ from, to }: Range): number {
  return from === to ? 360 : (degreesOf(to) - degreesOf(from) + 360) % 360;
}

export function middleOf(range: Range): number {
  return degreesOf(range.from) + spanOf(range) / 2;
}

export function pointAt(degrees: number, radius: number): [x: number, y: number] {
  const angle = ((degrees - 90) * Math.PI) / 180;
  return [Math.round(Math.cos(angle) * radius * 100) / 100, Math.round(Math.sin(angle) * radius * 100) / 100];
}

/** The outline of an arc of a ring; a circle is drawn in two halves, because one arc of 360 degrees is nothing. */
export function annulus(range: Range, inner: number, outer: number): string {
  const span = spanOf(range);
  if (span > 359.9) return `${circle(outer, 1)}${circle(inner, 0)}`;
  const gap = Math.min(GAP_DEGREES, span / 4) / 2;
  const [start, end] = [degreesOf(range.from) + gap, degreesOf(range.from) + span - gap];
  const large = end - start > 180 ? 1 : 0;
  const to = (degrees: number, radius: number): string => pointAt(degrees, radius).join(' ');
  return `M${to(start, outer)}A${outer} ${outer} 0 ${large} 1 ${to(end, outer)}L${to(end, inner)}A${inner} ${inner} 0 ${large} 0 ${to(start, inner)}Z`;
}

/** True when a position lies in a range. */
export function isWithin(position: string, { from, to }: Range): boolean {
  if (from < to) return position > from && position <= to;
  return position > from || position <= to;
}

function circle(radius: number, sweep: 0 | 1): string {
  return `M0 ${-radius}A${radius} ${radius} 0 0 ${sweep} 0 ${radius}A${radius} ${radius} 0 0 ${sweep} 0 ${-radius}Z`;
}
