/**
 * How a link's bytes may be hidden, and what the owner's policy makes of it. LINKS: `require` is TLS or RC4 and
 * nothing else, `prefer` tries those first and takes stock clients as they are, `off` opens links in clear.
 */
import type { MseMethod } from './mse.ts';

/** What the owner asks of links, for each direction by itself. */
export type EncryptionPolicy = 'require' | 'prefer' | 'off';
/** The handshake that begins a link, before the wire's own. */
export type LinkKind = 'tls' | 'mse' | 'plain';
/** One attempt: `mse` with RC4, `header` is Message Stream Encryption that hides the beginning alone. */
export type DialStep = LinkKind | 'header';
/** What hides the bytes of a link; `header` is Message Stream Encryption that hid its beginning only. */
export type LinkEncryption = 'tls' | 'rc4' | 'header' | 'none';

/**
 * Whether an incoming link may begin like this. `off` takes TLS all the same: the port speaks it in any case, and who
 * dialled cannot tell a link that was refused inside from a peer that went away.
 */
export function mayBegin(policy: EncryptionPolicy, kind: LinkKind): boolean {
  if (policy === 'prefer') return true;
  return kind !== (policy === 'require' ? 'plain' : 'mse');
}

/**
 * The ways to begin a link to a peer, best first, each tried on a connection of its own (LINKS, "How a node knows").
 * A peer that is known to speak TLS is never spoken to with less, and a plain one is not bothered with more. RC4 is offered by
 * itself: stock clients that are offered both forms take the one that hides less.
 */
export function dialOrder(known: LinkKind | undefined, policy: EncryptionPolicy): readonly DialStep[] {
  if (policy === 'off') return ['plain'];
  const hidden: readonly DialStep[] = known === 'tls' ? ['tls'] : known === 'mse' ? ['mse'] : ['tls', 'mse'];
  if (policy === 'require') return hidden;
  if (known === 'plain') return ['plain'];
  return known === 'tls' ? hidden : [...hidden, 'header', 'plain'];
}

/** What an answering end accepts in Message Stream Encryption, best first. */
export function acceptedMethods(policy: EncryptionPolicy): readonly MseMethod[] {
  return policy === 'require' ? ['rc4'] : ['rc4', 'plain'];
}
