/** What a supernode tells a client that announces. */
import type { Owner } from '../../src/ports/index.ts';

export type AnnounceAnswer =
  /** Noted, as the owner or as one that keeps copies. */
  | { readonly type: 'noted'; readonly peers: number; readonly isOwner: boolean; readonly isHonest: boolean }
  | { readonly type: 'redirect'; readonly to: Owner }
  | { readonly type: 'refused' };
