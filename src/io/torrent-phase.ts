/** Where a torrent stands in its life. */

/** While it takes part, or did until just now. */
export type TorrentPhase = 'metadata' | 'checking' | 'running' | 'stopped' | 'failed';
/** A host's phase, or why there is no host. */
export type HeldPhase = TorrentPhase | 'paused' | 'queued' | 'moving';
