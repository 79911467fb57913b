/** Bytes on the wire, by what they were for. Upkeep is all but announces and snapshots. */
import type { OverlayMessage } from '../../src/overlay/index.ts';
import { OVERHEAD_BYTES } from './message-bytes.ts';

export class Traffic {
  /** By the type of the question; an answer counts where its question does. */
  readonly bytes: Map<OverlayMessage['type'], number> = new Map();
  readonly messages: Map<OverlayMessage['type'], number> = new Map();

  note(question: OverlayMessage['type'], bytes: number): void {
    this.bytes.set(question, (this.bytes.get(question) ?? 0) + bytes + OVERHEAD_BYTES);
    this.messages.set(question, (this.messages.get(question) ?? 0) + 1);
  }

  clear(): void {
    this.bytes.clear();
    this.messages.clear();
  }

  /** Bytes of copies of swarms. */
  get moved(): number {
    return this.bytes.get('frame') ?? 0;
  }

  /** Bytes that were put on the wire whether or not anybody announced. */
  get upkeep(): number {
    let sum = 0;
    for (const [type, bytes] of this.bytes) if (type !== 'frame' && type !== 'announces') sum += bytes;
    return sum;
  }
}
