/**
 * Magnet links on any page lead here, once the browser's user agrees. They arrive in the part of the address that no
 * server sees, and are fetched only when somebody says so here: any page can hold such a link.
 */

/** Where the browser puts the link in place of `%s`. */
export const MAGNET_TARGET = '/#/add?magnet=%s';

/** Asks the browser to send magnet links here; browsers ask their user once. */
export function offerMagnets(): void {
  try {
    navigator.registerProtocolHandler?.('magnet', location.origin + MAGNET_TARGET);
  } catch {
    // A browser that does not offer it for this page: links can still be pasted.
  }
}
