/**
 * Hosts the machine that follows shares: looks at the disk for it, hears of changes from the system, and has made anew what
 * it says. Refuses to know what sharing is.
 */
import { textOfError } from '../base/index.ts';
import { type ShareEffect, type ShareFact, ShareWatch, type Survey } from '../torrent/index.ts';
import { type AlarmClock, now } from './alarm-clock.ts';
import { FolderWatches } from './folder-watches.ts';
import { surveyShare } from './share-walk.ts';

export interface ShareFollowerSettings {
  readonly alarms: AlarmClock;
  readonly log: (text: string) => void;
  /**
   * Shares what lies at a path now, which is another thing than before or nothing; resolves with its survey, or with
   * `left` when it is shared no more. What it rejects with is logged, and it is asked again.
   */
  readonly renew: (path: string) => Promise<{ readonly survey: Survey } | 'left'>;
}

export class ShareFollower {
  readonly #settings: ShareFollowerSettings;
  readonly #machine = new ShareWatch();
  readonly #followed = new Set<string>();
  readonly #watches = new FolderWatches((path) => this.#notice(path));
  readonly #wake = (): void => this.#input({ type: 'tick' });
  /** In this turn of the event loop: a copy of a thousand files is one change. */
  readonly #noticed = new Set<string>();
  #isTurnEnding = false;
  /** Looks and renewals that are under way: one of each. */
  readonly #work = new Set<Promise<void>>();
  /** What was logged last of each path, so that a lasting problem is told once. */
  readonly #problems = new Map<string, string>();
  #isClosed = false;

  constructor(settings: ShareFollowerSettings) {
    this.#settings = settings;
  }

  /** Follows what is shared at a path as it was at that survey. */
  follow(path: string, survey: Survey): void {
    this.#followed.add(path);
    this.#input({ type: 'shared', path, survey });
  }

  leave(path: string): void {
    this.#followed.delete(path);
    this.#watches.leave(path);
    this.#problems.delete(path);
    this.#input({ type: 'left', path });
  }

  /** Resolves when nothing is under way any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#settings.alarms.set(this.#wake, undefined);
    this.#watches.close();
    await Promise.all(this.#work);
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
        const work: Promise<void> = this.#perform(effect).finally(() => this.#work.delete(work));
        this.#work.add(work);
      }
      this.#settings.alarms.set(this.#wake, this.#machine.deadline?.at);
    });
  }

  async #perform({ type, path }: ShareEffect): Promise<void> {
    try {
      const fact = type === 'survey' ? await this.#survey(path) : await this.#renew(path);
      if (type === 'renew') this.#problems.delete(path);
      this.#input(fact);
    } catch (error) {
      const problem = textOfError(error);
      if (this.#problems.get(path) !== problem) this.#settings.log(`changes of ${path} are not shared yet: ${problem}`);
      this.#problems.set(path, problem);
      this.#input({ type: 'failed', path });
    }
  }

  async #survey(path: string): Promise<ShareFact> {
    const began = now();
    const { survey, folders } = await surveyShare(path);
    const tookMs = now() - began;
    if (this.#followed.has(path) && !this.#isClosed) await this.#watches.follow(path, folders);
    return { type: 'surveyed', path, survey, tookMs };
  }

  async #renew(path: string): Promise<ShareFact> {
    const renewed = await this.#settings.renew(path);
    if (renewed !== 'left') return { type: 'shared', path, ...renewed };
    this.leave(path);
    return { type: 'left', path };
  }
}
