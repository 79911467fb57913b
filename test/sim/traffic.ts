/** Bytes on the wire, by what they were for. Upkeep is all but announces and snapshots. */
import type { OverlayMessage } from '../../src/overlay/index.ts';
import { ANSWER_OVERHEAD_BYTES, HANDSHAKE_BYTES, QUESTION_OVERHEAD_BYTES } from './message-bytes.ts';

/** What questions of one type and their answers came to. */
export interface Weight {
  messages: number;
  /** Connections that were made for a question. */
  handshakes: number;
  /** In messages themselves. */
  bodyBytes: number;
  /** In what HTTP and TLS add to messages. */
  headerBytes: number;
  handshakeBytes: number;
}

export class Traffic {
  /** By the type of the question; an answer counts where its question does. */
  readonly weights: Map<OverlayMessage['type'], Weight> = new Map();

  noteQuestion(question: OverlayMessage['type'], bytes: number): void {
    this.#note(question, bytes, QUESTION_OVERHEAD_BYTES);
  }

  noteAnswer(question: OverlayMessage['type'], bytes: number): void {
    this.#note(question, bytes, ANSWER_OVERHEAD_BYTES);
  }

  noteHandshake(question: OverlayMessage['type']): void {
    const weight = this.#weightOf(question);
    weight.handshakes++;
    weight.handshakeBytes += HANDSHAKE_BYTES;
  }

  clear(): void {
    this.weights.clear();
  }

  /** Bytes of copies of swarms. */
  get moved(): number {
    const frames = this.weights.get('frame');
    return frames ? bytesOf(frames) : 0;
  }

  /** Bytes that were put on the wire whether or not anybody announced. */
  get upkeep(): number {
    return this.#sumOfUpkeep(bytesOf);
  }

  /** Connections that were made whether or not anybody announced. */
  get handshakes(): number {
    return this.#sumOfUpkeep(({ handshakes }) => handshakes);
  }

  #sumOfUpkeep(of: (weight: Weight) => number): number {
    let sum = 0;
    for (const [type, weight] of this.weights) if (type !== 'frame' && type !== 'announces') sum += of(weight);
    return sum;
  }

  #weightOf(question: OverlayMessage['type']): Weight {
    let weight = this.weights.get(question);
    if (!weight) {
      weight = { messages: 0, handshakes: 0, bodyBytes: 0, headerBytes: 0, handshakeBytes: 0 };
      this.weights.set(question, weight);
    }
    return weight;
  }

  #note(question: OverlayMessage['type'], bytes: number, overhead: number): void {
    const weight = this.#weightOf(question);
    weight.messages++;
    weight.bodyBytes += bytes;
    weight.headerBytes += overhead;
  }
}

function bytesOf({ bodyBytes, headerBytes, handshakeBytes }: Weight): number {
  return bodyBytes + headerBytes + handshakeBytes;
}
