/**
 * The zone as of the last few seconds, built anew as supernodes come and go. Invariant: two zones that say different
 * things never have the same serial, and serials never go back.
 */
import { type Instant, instant, type WallSeconds, wallSeconds } from '../../src/base/index.ts';
import { AnswerTable, buildZone, shuffledZone, withSerial, type ZoneContent, ZoneDraw, zoneKey } from '../index.ts';
import { encodeRecord } from './codec.ts';

/** How old what is served may be. */
export const ZONE_AGE_MAX_MS = 5000;

/** Where serials come from: each later than those before, over restarts too. */
export interface Serials {
  next(wallNow: WallSeconds): number;
  /** Resolves when they are kept. */
  close(): Promise<void>;
}

export interface LiveZoneSettings {
  /** In lower case, without a final dot. */
  readonly origin: string;
  readonly ttlSeconds: number;
  /** Everybody who may be named now; some of them are drawn. */
  readonly content: () => ZoneContent;
  readonly serials: Serials;
}

export class LiveZone {
  readonly #settings: LiveZoneSettings;
  readonly #draw = new ZoneDraw(Math.random);
  #builtAt: Instant | undefined;
  #key: string | undefined;
  #serial = 0;
  #table: AnswerTable;

  constructor(settings: LiveZoneSettings) {
    this.#settings = settings;
    this.#table = this.#build(instant(performance.now()));
  }

  /** Built on demand, so that an idle responder costs nothing and a busy one builds once for many answers. */
  table(now: Instant): AnswerTable {
    if (this.#builtAt === undefined || now - this.#builtAt > ZONE_AGE_MAX_MS) this.#table = this.#build(now);
    return this.#table;
  }

  #build(now: Instant): AnswerTable {
    const { origin, ttlSeconds, content, serials } = this.#settings;
    const all = content();
    const drawn = this.#draw.draw(all.hosts, all.servers, now);
    const zone = buildZone({ origin, ttlSeconds, serial: this.#serial }, { ...all, ...drawn });
    const key = zoneKey(zone);
    if (key !== this.#key) this.#serial = serials.next(wallSeconds(Date.now() / 1000));
    this.#key = key;
    this.#builtAt = now;
    return new AnswerTable(shuffledZone(withSerial(zone, this.#serial), Math.random), encodeRecord);
  }
}
