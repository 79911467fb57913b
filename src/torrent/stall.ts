/** Why a torrent does not move, and what to do about it, as one sentence a person can act on. */

/** What is known at a glance. */
export interface StallFacts {
  readonly hasMetadata: boolean;
  readonly isComplete: boolean;
  readonly downBytesPerSecond: number;
  readonly links: number;
  readonly unchokedLinks: number;
  /** Links that have something we lack. */
  readonly usefulLinks: number;
  readonly knownPeers: number;
  /** Of those, the ones that could be reached but take no encryption, on which our policy insists. */
  readonly refusingPeers: number;
  readonly hasTrackers: boolean;
  readonly trackerHasAnswered: boolean;
  readonly trackerFailure: string | undefined;
  readonly diskProblem: string | undefined;
  /** A limit of 0, of the torrent or of the node, lets nothing through. */
  readonly isDownClosed: boolean;
  readonly isUpClosed: boolean;
}

/** The reason, or null while data moves or nothing should. */
export function stallReason(facts: StallFacts): string | null {
  if (facts.diskProblem !== undefined) return facts.diskProblem;
  if (facts.isComplete) return whyNobodyFinds(facts);
  if (facts.isDownClosed && facts.hasMetadata)
    return 'the download rate limit is 0; "monsoon limit --down none" lifts it, of a torrent or of the node';
  if (facts.downBytesPerSecond > 0) return null;
  if (facts.links > 0 && facts.usefulLinks === 0 && facts.hasMetadata) {
    return `${phrase(facts.links, 'the one connected peer lacks', 'all # connected peers lack')} the missing pieces; waiting for a seed`;
  }
  if (facts.links > 0 && facts.hasMetadata && facts.unchokedLinks === 0) {
    return `${phrase(facts.usefulLinks, 'the one useful peer chokes us; it serves', 'all # useful peers choke us; they serve')} others first`;
  }
  if (facts.links > 0) {
    return facts.hasMetadata
      ? `waiting for ${phrase(facts.links, 'the one connected peer', '# connected peers')} to send the missing pieces`
      : `the metadata is not found yet: ${phrase(facts.links, 'the one connected peer has not sent it', 'none of # connected peers has sent it')}`;
  }
  if (facts.refusingPeers > 0) {
    return phrase(
      facts.refusingPeers,
      'one peer refuses encryption; --encryption-out prefer would reach it in clear',
      '# peers refuse encryption; --encryption-out prefer would reach them in clear',
    );
  }
  if (facts.knownPeers > 0) {
    return phrase(
      facts.knownPeers,
      'one peer is known and does not answer; it may be offline or behind a NAT',
      '# peers are known but none answers; they may be offline or behind a NAT',
    );
  }
  if (!facts.hasTrackers)
    return 'no tracker and no peer is known; use a magnet with a tracker, or start with --bootstrap';
  if (facts.trackerFailure !== undefined) return `no tracker answers: ${facts.trackerFailure}`;
  if (!facts.trackerHasAnswered) return 'waiting for the tracker to answer';
  return 'the tracker knows no other peer; nobody seems to share this now';
}

/** What is complete waits for nothing, but ought to be found. */
function whyNobodyFinds(facts: StallFacts): string | null {
  const { hasTrackers, trackerHasAnswered, trackerFailure } = facts;
  if (facts.isUpClosed)
    return 'nobody is served: the upload rate limit is 0; "monsoon limit --up none" lifts it, of a torrent or of the node';
  if (trackerHasAnswered) return null;
  if (!hasTrackers) return 'nobody can find it yet: no supernode is known; start with --bootstrap';
  return trackerFailure === undefined ? null : `nobody can find it yet: no tracker answers: ${trackerFailure}`;
}

function phrase(count: number, one: string, many: string): string {
  return count === 1 ? one : many.replace('#', `${count}`);
}
