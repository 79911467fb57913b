// Supernodes' tables, filled at random, and what they hold: for the tests of frames, forwarding and load.

import { hex, type Instant, instant, type Random, randomBelow, seededRandom } from '../../src/base/index.ts';
import type { Arc } from '../../src/ports/index.ts';
import { ENDPOINT4_BYTES, ENDPOINT6_BYTES } from '../../tracker/endpoint-sizes.ts';
import { type AnnounceEvent, Registrar, SwarmKeeping, type TrackerOptions } from '../../tracker/index.ts';
import { randomBytes } from '../seed.ts';
import { SELF } from './requests.ts';

export const MINUTE_MS = 60_000;
export const minute = (minutes: number): Instant => instant(minutes * MINUTE_MS);
export const EVERYTHING: Arc = { from: '0'.repeat(40), to: '0'.repeat(40) };

/** A supernode's registrar and its keeper. */
export class TestKeeper {
  readonly registrar: Registrar;
  readonly keeping: SwarmKeeping;

  constructor(options: Partial<TrackerOptions> = {}) {
    this.registrar = new Registrar({
      ownership: SELF,
      random: seededRandom(7),
      hashKey: { k0: 1, k1: 2 },
      swarmsMax: 1000,
      peersMax: 100_000,
      bytesPerSecond: 1_000_000_000,
      ...options,
    });
    this.keeping = new SwarmKeeping(this.registrar);
  }

  announce(
    infoHash: Uint8Array,
    endpoint: Uint8Array,
    { isSeeder = false, event = 'none' }: { readonly isSeeder?: boolean; readonly event?: AnnounceEvent },
    now: Instant,
  ): void {
    const at = endpoint.length - 2;
    const port = (endpoint[at]! << 8) | endpoint[at + 1]!;
    const request = { infoHash, port, isSeeder, event, peersWanted: 0, isCompact: true, isOfReplica: false };
    this.registrar.register(request, endpoint.subarray(0, at), undefined, now);
  }

  /** Takes another's frame, whatever swarms are in it. */
  take(bytes: Uint8Array, now: Instant): boolean {
    return this.keeping.take(bytes, now, () => true);
  }

  /** Every frame of an arc. */
  frames(arc: Arc = EVERYTHING): Uint8Array[] {
    const frames: Uint8Array[] = [];
    for (let cursor: number | undefined = 0; cursor !== undefined; ) {
      const frame = this.keeping.frameOf(arc, cursor);
      frames.push(frame.bytes);
      cursor = frame.cursor;
    }
    return frames;
  }

  /** All that is kept of the swarms that `isKept` names, as lines in order. */
  contents(now: Instant, isKept: (infoHash: string) => boolean = () => true): string[] {
    const { swarms } = this.registrar;
    const lines: string[] = [];
    for (let slot = 0; slot < swarms.slotsEnd; slot++) {
      const infoHash = swarms.infoHashAt(slot);
      if (!infoHash || !isKept(hex(infoHash))) continue;
      lines.push(`${hex(infoHash)} completions ${swarms.completions(slot)}`);
      for (const width of [ENDPOINT4_BYTES, ENDPOINT6_BYTES]) {
        const groups = swarms.peersOf(width);
        const endpoint = new Uint8Array(width);
        for (let position = 0; position < groups.size(slot); position++) {
          groups.copyEndpoint(slot, position, endpoint, 0);
          const role = groups.isSeeder(slot, position) ? 'seeds' : 'leeches';
          const completed = groups.isCompleted(slot, position) ? ' completed' : '';
          const age = swarms.ageMinutes(slot, width, position, now);
          lines.push(`${hex(infoHash)} ${hex(endpoint)} ${role}${completed} ${age}`);
        }
      }
    }
    return lines.toSorted();
  }
}

/** A public address and a port that may be handed out. */
export function randomEndpoint(random: Random): Uint8Array {
  const endpoint = randomBytes(random, random() < 0.7 ? ENDPOINT4_BYTES : ENDPOINT6_BYTES);
  if (endpoint.length === ENDPOINT4_BYTES) endpoint[0] = 20 + randomBelow(random, 50);
  else endpoint.set([0x2a, 0x00]);
  endpoint[endpoint.length - 2] = 0x20 + randomBelow(random, 0x60);
  return endpoint;
}

export function randomPosition(random: Random): string {
  return hex(randomBytes(random, 20));
}

/** Announces of every kind by random peers to some swarms, in the order of time. */
export function fill(keeper: TestKeeper, random: Random, swarms: readonly Uint8Array[], announces: number): void {
  const peers = Array.from({ length: announces }, () => randomEndpoint(random));
  for (let i = 0; i < announces; i++) {
    const swarm = swarms[Math.floor(swarms.length * random() ** 3)]!;
    const isSeeder = random() < 0.5;
    const event = random() < 0.1 ? 'stopped' : isSeeder && random() < 0.3 ? 'completed' : 'none';
    keeper.announce(
      swarm,
      peers[randomBelow(random, peers.length)]!,
      { isSeeder, event },
      minute((i * 60) / announces),
    );
  }
}
