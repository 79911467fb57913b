/** What the ways into a network have in common: each looks for contacts, and `status` says what came of it. */
import type { Address, NodeId } from '../../src/base/index.ts';
import type { SourceKind } from '../../src/overlay/index.ts';

/** Somebody who may be a node of the network; undefined asks whoever is there. */
export interface Named {
  readonly address: Address;
  readonly nodeId?: NodeId | undefined;
}

/** One way in. */
export interface Source {
  readonly kind: SourceKind;
  /** As the user knows it: `192.0.2.1:7373`, `seeds.example.org`, `lan`. */
  readonly text: string;
  /** Whether it is asked again while supernodes are known: it may lead to a network that was apart. */
  readonly isLasting: boolean;
  /** How many it could name, where it knows; one with none is left out. */
  readonly size?: number;
  /**
   * Looks for contacts and names each as it is found; resolves when it has no more for now. What it names has been
   * vouched for where it may be private.
   */
  search(name: (contact: Named) => void, signal: AbortSignal): Promise<void>;
}
