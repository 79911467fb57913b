/**
 * Which addresses from a torrent or magnet may be asked at all: http, https and udp trackers, http and https web
 * seeds, each well formed. Whether a host may be dialled is the dialler's decision, after name resolution.
 */

/** Most trackers kept from one torrent or magnet. */
export const TRACKERS_MAX = 100;
/** Most web seeds kept from one torrent or magnet. */
export const WEB_SEEDS_MAX = 50;

const URL_LENGTH_MAX = 2048;
/** Scheme, a host without user or password, and the rest without spaces or controls. */
const TRACKER = /^(?:https?|udp):\/\/(?:[^\s\u0000-\u001f\u007f/?#@]+)(?:[/?#][^\s\u0000-\u001f\u007f]*)?$/i;
const WEB_SEED = /^https?:\/\/(?:[^\s\u0000-\u001f\u007f/?#@]+)(?:[/?#][^\u0000-\u001f\u007f]*)?$/i;

/** The usable tracker URLs among many, trimmed, each once, in order, at most TRACKERS_MAX. */
export function usableTrackers(candidates: Iterable<string>): string[] {
  return distinct(candidates, TRACKERS_MAX, (url) => (TRACKER.test(url) && !aimsElsewhere(url) ? url : undefined));
}

/**
 * The usable web seeds among many (BEP 19), percent-encoded, each once, in order, at most WEB_SEEDS_MAX.
 * @param isFolder the torrent has a folder, so that each URL names one and ends in a slash
 */
export function usableWebSeeds(candidates: Iterable<string>, isFolder: boolean): string[] {
  return distinct(candidates, WEB_SEEDS_MAX, (url) => {
    if (!WEB_SEED.test(url)) return undefined;
    const encoded = url.toWellFormed().replace(/[^\u0021-\u007e]/gu, encodeURIComponent);
    return isFolder && !encoded.endsWith('/') ? `${encoded}/` : encoded;
  });
}

function distinct(
  candidates: Iterable<string>,
  countMax: number,
  usable: (url: string) => string | undefined,
): string[] {
  const kept = new Set<string>();
  for (const candidate of candidates) {
    if (kept.size >= countMax) break;
    if (candidate.length > URL_LENGTH_MAX) continue;
    const url = usable(candidate.trim());
    if (url !== undefined) kept.add(url);
  }
  return [...kept];
}

/** True when a tracker URL brings its own info hash: it would make us announce what the torrent's author chose. */
function aimsElsewhere(url: string): boolean {
  const plain = url.replace(/%([0-7][0-9a-f])/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
  return /[?&;]info_hash=/i.test(plain);
}
