/**
 * Hosts the machine that follows shares: looks at the disk for it, hears of changes from the system, and has made anew what
 * it says. Refuses to know what sharing is.
 */
import { MonsoonError, textOfError } from '../base/index.ts';
import { type ShareEffect, type ShareFact, ShareWatch, type Survey } from '../torrent/index.ts';
import { type AlarmClock, now } from './alarm-clock.ts';
import { FolderWatches } from './folder-watches.ts';
import { surveyShare } from './share-walk.ts';

export interface ShareFollowerSettings {
  readonly alarms: AlarmClock;
  readonly log: (text: string) => void;
  /**
   * Shares what lies at a path now, which is another thing than before, or nothing; resolves with the survey of what is
   * shared then, or with `left` when that is nothing any more. What it rejects with is logged, and it is asked again.
   * @param signal it is to be ended: nobody waits for it
   */
  readonly renew: (path: string, survey: Survey, signal: AbortSignal) => Promise<{ readonly survey: Survey } | 'left'>;
}

export class ShareFollower {
  readonly #settings: ShareFollowerSettings;
  readonly #machine = new ShareWatch();
  readonly #watches = new FolderWatches((path) => this.#notice(path));
  readonly #wake = (): void => this.#input({ type: 'tick' });
  /** Each with what ends a look or a renewal of it. */
  readonly #followed = new Map<string, AbortController>();
  /** In this turn of the event loop: a copy of a thousand files is one change. */
  readonly #noticed = new Set<string>();
  #isTurnEnding = false;
  #renewal: Promise<unknown> = Promise.resolve();
  /** Of each path the last one, until a renewal comes to something or it is as it was; a lasting one is logged once. */
  readonly #problems = new Map<string, string>();
  #isClosed = false;

  constructor(settings: ShareFollowerSettings) {
    this.#settings = settings;
  }

  /** Follows what is shared at a path as it was at that survey. */
  follow(path: string, survey: Survey): void {
    if (!this.#followed.has(path)) this.#followed.set(path, new AbortController());
    this.#input({ type: 'shared', path, survey });
  }

  leave(path: string): void {
    this.#followed.get(path)?.abort();
    this.#followed.delete(path);
    this.#watches.leave(path);
    this.#problems.delete(path);
    this.#input({ type: 'left', path });
  }

  /** Why the last look or renewal came to nothing; undefined where it did not. */
  problemOf(path: string): string | undefined {
    return this.#problems.get(path);
  }

  /** Ends what is under way; resolves when no renewal is. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#settings.alarms.set(this.#wake, undefined);
    this.#watches.close();
    for (const end of this.#followed.values()) end.abort();
    await this.#renewal;
  }

  #notice(path: string): void {
    this.#noticed.add(path);
    this.#endTurn();
  }

  #input(fact: ShareFact): void {
    if (this.#isClosed) return;
    this.#machine.input(fact, now());
    this.#endTurn();
  }

  /** What follows from all facts of this turn, once. */
  #endTurn(): void {
    if (this.#isTurnEnding) return;
    this.#isTurnEnding = true;
    setImmediate(() => {
      this.#isTurnEnding = false;
      if (this.#isClosed) return;
      for (const path of this.#noticed) this.#machine.input({ type: 'noticed', path }, now());
      this.#noticed.clear();
      for (const effect of this.#machine.effects()) {
        const done = this.#perform(effect);
        if (effect.type === 'renew') this.#renewal = done;
      }
      this.#settings.alarms.set(this.#wake, this.#machine.deadline?.at);
    });
  }

  /** Never rejects. */
  async #perform(effect: ShareEffect): Promise<void> {
    const { type, path } = effect;
    const end = this.#followed.get(path)?.signal ?? AbortSignal.abort();
    try {
      const fact = type === 'survey' ? await this.#survey(path, end) : await this.#renew(path, effect.survey, end);
      this.#input(fact);
      if (this.#machine.isSame(path)) this.#problems.delete(path);
    } catch (error) {
      // What is being written is nothing to tell of.
      const isBusy = error instanceof MonsoonError && error.code === 'busy';
      if (!end.aborted && !isBusy) this.#tell(path, textOfError(error));
      this.#input({ type: 'failed', path, effect: type });
    }
  }

  async #survey(path: string, end: AbortSignal): Promise<ShareFact> {
    const began = now();
    const { survey, folders } = await surveyShare(path, end);
    const tookMs = now() - began;
    end.throwIfAborted();
    if (await this.#watches.follow(path, folders)) this.#machine.input({ type: 'noticed', path }, now());
    return { type: 'surveyed', path, survey, tookMs };
  }

  async #renew(path: string, found: Survey, end: AbortSignal): Promise<ShareFact> {
    const renewed = await this.#settings.renew(path, found, end);
    if (renewed !== 'left') return { type: 'renewed', path, survey: renewed.survey };
    this.leave(path);
    return { type: 'failed', path, effect: 'renew' };
  }

  #tell(path: string, problem: string): void {
    if (this.#problems.get(path) !== problem) this.#settings.log(`changes of ${path} are not shared yet: ${problem}`);
    this.#problems.set(path, problem);
  }
}
