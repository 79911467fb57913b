/**
 * How a supernode lies: an honest machine whose words are bent on their way in and out. Each role bends only what its lie
 * needs, so that it stays in the network as long as honest nodes let it.
 */
import type { Random } from '../../../src/base/index.ts';
import type { OverlayInput, OverlayMessage } from '../../../src/overlay/index.ts';
import type { AnnounceAnswer } from '../announce-answer.ts';
import type { SimNode } from '../sim-node.ts';

export interface HostileRole {
  readonly name: string;
  /** What a client is told instead of the honest answer; the honest one is made only when `honest` is called. */
  serve?(node: SimNode, rank: number, honest: () => AnnounceAnswer, random: Random): AnnounceAnswer;
  /** What is asked or answered instead; undefined says nothing at all. */
  say?(node: SimNode, message: OverlayMessage, random: Random): OverlayMessage | undefined;
  /** What the machine hears instead; undefined keeps it from it. */
  hear?(node: SimNode, input: OverlayInput, random: Random): OverlayInput | undefined;
}
