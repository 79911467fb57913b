/** What a run measured, and how several runs are added up. */

/** One JSON line. */
export interface Figures {
  readonly seeds: number;
  readonly simulatedHours: number;
  readonly eventsPerSecond: number;
  readonly announcesAcknowledged: number;
  readonly announcesLost: number;
  readonly lookups: number;
  /** Of native clients, which ask two owners. */
  readonly lookupSuccess: number;
  /** Of stock clients, which ask one. */
  readonly stockLookupSuccess: number;
  /** Of native clients, until the owner answered. */
  readonly requestsPerLookup: number;
  readonly redirectsPerLookup: number;
  readonly elections: number;
  readonly handOffs: number;
  readonly bytesMoved: number;
  /** Sent and received. */
  readonly upkeepBytesPerSupernodePerSecond: number;
  /** Begun for questions that count as upkeep, which has their bytes. */
  readonly handshakesPerSupernodePerSecond: number;
  readonly loadOverCapacityWorst: number;
  readonly loadOverCapacityP99: number;
  readonly rangeAnsweredAgainSecondsP99: number;
  readonly membershipKnownSecondsP99: number;
  readonly invariantBreaks: number;
  readonly traceHash: string;
}

/** Everything counted in one run; plain, so that it passes between threads. */
export interface Tally {
  events: number;
  wallSeconds: number;
  simulatedHours: number;
  acknowledged: number;
  lost: number;
  native: LookupTally;
  stock: LookupTally;
  elections: number;
  handOffs: number;
  bytesMoved: number;
  upkeepBytes: number;
  handshakes: number;
  /** Seconds that all supernodes served, added up. */
  servedSeconds: number;
  readonly loads: number[];
  readonly answeredAgainSeconds: number[];
  readonly knownSeconds: number[];
  breaks: number;
  readonly hashes: string[];
}

export interface LookupTally {
  lookups: number;
  won: number;
  /** Not won, because none of the hash's owner set keeps its word: by the luck of the ring a few hashes have such a set. */
  hopeless: number;
  requests: number;
  redirects: number;
}

const noLookups = (): LookupTally => ({ lookups: 0, won: 0, hopeless: 0, requests: 0, redirects: 0 });

export function emptyTally(): Tally {
  return {
    events: 0,
    wallSeconds: 0,
    simulatedHours: 0,
    acknowledged: 0,
    lost: 0,
    native: noLookups(),
    stock: noLookups(),
    elections: 0,
    handOffs: 0,
    bytesMoved: 0,
    upkeepBytes: 0,
    handshakes: 0,
    servedSeconds: 0,
    loads: [],
    answeredAgainSeconds: [],
    knownSeconds: [],
    breaks: 0,
    hashes: [],
  };
}

export function figuresOf(tallies: readonly Tally[]): Figures {
  const sum = (of: (tally: Tally) => number): number => tallies.reduce((total, tally) => total + of(tally), 0);
  const all = (of: (tally: Tally) => number[]): number[] => tallies.flatMap(of);
  const lookups = sum(({ native, stock }) => native.lookups + stock.lookups);
  return {
    seeds: tallies.length,
    simulatedHours: round(sum(({ simulatedHours }) => simulatedHours)),
    eventsPerSecond: Math.round(
      ratio(
        sum(({ events }) => events),
        sum(({ wallSeconds }) => wallSeconds),
      ),
    ),
    announcesAcknowledged: sum(({ acknowledged }) => acknowledged),
    announcesLost: sum(({ lost }) => lost),
    lookups,
    lookupSuccess: round(
      ratio(
        sum(({ native }) => native.won),
        sum(({ native }) => native.lookups),
      ),
    ),
    stockLookupSuccess: round(
      ratio(
        sum(({ stock }) => stock.won),
        sum(({ stock }) => stock.lookups),
      ),
    ),
    requestsPerLookup: round(
      ratio(
        sum(({ native }) => native.requests),
        sum(({ native }) => native.lookups),
      ),
    ),
    redirectsPerLookup: round(
      ratio(
        sum(({ native }) => native.redirects),
        sum(({ native }) => native.lookups),
      ),
    ),
    elections: sum(({ elections }) => elections),
    handOffs: sum(({ handOffs }) => handOffs),
    bytesMoved: sum(({ bytesMoved }) => bytesMoved),
    // A byte is sent by one and received by another.
    upkeepBytesPerSupernodePerSecond: round(
      2 *
        ratio(
          sum(({ upkeepBytes }) => upkeepBytes),
          sum(({ servedSeconds }) => servedSeconds),
        ),
    ),
    handshakesPerSupernodePerSecond: round(
      ratio(
        sum(({ handshakes }) => handshakes),
        sum(({ servedSeconds }) => servedSeconds),
      ),
    ),
    loadOverCapacityWorst: round(
      percentile(
        all(({ loads }) => loads),
        1,
      ),
    ),
    loadOverCapacityP99: round(
      percentile(
        all(({ loads }) => loads),
        0.99,
      ),
    ),
    rangeAnsweredAgainSecondsP99: round(
      percentile(
        all(({ answeredAgainSeconds }) => answeredAgainSeconds),
        0.99,
      ),
    ),
    membershipKnownSecondsP99: round(
      percentile(
        all(({ knownSeconds }) => knownSeconds),
        0.99,
      ),
    ),
    invariantBreaks: sum(({ breaks }) => breaks),
    traceHash: tallies.flatMap(({ hashes }) => hashes).join(' '),
  };
}

/** The least value that `share` of all do not exceed; 0 of none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

function round(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}
