/**
 * One round of joining: every source looks, the contacts that the selection chooses are asked, and the answers that it
 * lets through are used. Over when nothing more can come of it.
 */
import { type FirstContact, FirstContacts, type SourceKind } from '../../src/overlay/index.ts';
import type { Told } from './asker.ts';
import type { Source } from './source.ts';

/** What a round takes from its surroundings. */
export interface RoundSettings {
  readonly sources: readonly Source[];
  /** Aborted when sources have looked long enough. */
  readonly signal: AbortSignal;
  ask(contact: FirstContact): Promise<Told | undefined>;
  /** Uses an answer; returns how many supernodes it told of. */
  take(told: Told): number;
  /** A source could not look: our environment is in the way. */
  failed(source: Source, error: unknown): void;
  /** Something good came of a source. */
  found(source: Source, count: number): void;
}

/** A round under way. */
export class JoinRound {
  readonly #settings: RoundSettings;
  readonly #contacts: FirstContacts<{ readonly source: Source; readonly told: Told }>;
  /** Sources that still look, by kind. */
  readonly #looking = new Map<SourceKind, number>();
  readonly #over = Promise.withResolvers<void>();

  constructor(settings: RoundSettings) {
    this.#settings = settings;
    const kinds = settings.sources.map(({ kind }) => kind);
    this.#contacts = new FirstContacts(kinds);
    for (const kind of kinds) this.#looking.set(kind, (this.#looking.get(kind) ?? 0) + 1);
  }

  /** Resolves when the round is over. */
  async run(): Promise<void> {
    for (const source of this.#settings.sources) void this.#search(source);
    this.#pump();
    await this.#over.promise;
  }

  async #search(source: Source): Promise<void> {
    const { signal } = this.#settings;
    const late = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    const search = source.search(({ address, nodeId }) => {
      this.#contacts.offer({ kind: source.kind, source: source.text, address, nodeId });
      this.#pump();
    }, signal);
    await Promise.race([search.catch((error) => this.#settings.failed(source, error)), late]);
    const left = this.#looking.get(source.kind)! - 1;
    this.#looking.set(source.kind, left);
    if (left === 0) this.#contacts.finish(source.kind);
    this.#pump();
  }

  #pump(): void {
    for (const { source, told } of this.#contacts.take()) {
      const count = this.#settings.take(told);
      if (count > 0) this.#settings.found(source, count);
    }
    if (this.#contacts.isOver) return this.#over.resolve();
    for (let next = this.#contacts.next(); next; next = this.#contacts.next()) void this.#ask(next);
  }

  async #ask(contact: FirstContact): Promise<void> {
    const told = await this.#settings.ask(contact);
    const source = this.#settings.sources.find(({ text }) => text === contact.source)!;
    if (told) this.#contacts.noteAnswer(contact, { source, told });
    else this.#contacts.noteSilence(contact);
    this.#pump();
  }
}
