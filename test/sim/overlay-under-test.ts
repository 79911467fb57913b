/** Which overlay the world runs, and what it needs of one: the only place that names the machine and its codec. */
import type { InfoHash, Instant, Machine, WallSeconds } from '../../src/base/index.ts';
import {
  type Contact,
  type Descriptor,
  Overlay,
  type OverlayEffect,
  type OverlayInput,
  type OverlaySettings,
  type View,
} from '../../src/overlay/index.ts';
import type { Ownership } from '../../src/ports/index.ts';

export { encodeMessage, MESSAGE_BYTES_MAX, parseMessage } from '../../src/overlay/index.ts';

/** A machine that may take the overlay's place in the world. */
export interface OverlayUnderTest extends Machine<OverlayInput, OverlayEffect> {
  readonly ownership: Ownership;
  readonly isSupernode: boolean;
  readonly members: number;
  readonly memory: { readonly term: number; readonly sequence: number };
  ownersOf(infoHash: InfoHash): readonly Contact[];
  /** What it knows, and how it begins in the midst of a network; where both are absent it cannot. */
  readonly view?: View;
  resume?(own: Descriptor): void;
}

export type MakeOverlay = (settings: OverlaySettings, now: Instant, wall: WallSeconds) => OverlayUnderTest;

export const makeOverlay: MakeOverlay = (settings, now, wall) => new Overlay(settings, now, wall);
