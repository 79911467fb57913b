/** Rates as people write them: bytes per second, K, M and G meaning powers of 1024, and nothing for no limit. */

/** What `parseRate` takes. */
export const RATE_OR_EMPTY: RegExp = /^$|^[0-9]{1,15}(?:\.[0-9]{1,3})? ?(?:[KMG](?:i?B)?|B)?(?:\/s)?$/i;

const UNITS: Readonly<Record<string, number>> = { k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 };

/** Bytes per second; null for no limit (an empty text or `none`), undefined for what is no rate. */
export function parseRate(text: string): number | null | undefined {
  if (text === '' || text.toLowerCase() === 'none') return null;
  if (!RATE_OR_EMPTY.test(text)) return undefined;
  const bytes = Number.parseFloat(text) * (UNITS[/[kmg]/i.exec(text)?.[0].toLowerCase() ?? ''] ?? 1);
  return Math.min(Math.round(bytes), Number.MAX_SAFE_INTEGER);
}
