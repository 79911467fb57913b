/**
 * The sources of one node: asks them in rounds, and keeps for each what came of it, as `status` shows it. How many
 * answers of which source are used is the selection's to say.
 */
import type { FirstContact } from '../../src/overlay/index.ts';
import type { Log } from '../log.ts';
import type { BootstrapStatus } from '../running-node.ts';
import type { Asker, Told } from './asker.ts';
import { JoinRound } from './join-round.ts';
import type { KnownHosts } from './known-hosts.ts';
import type { Source } from './source.ts';

/** How long the slowest source may look. */
const SEARCH_MS = 8000;
const ASK_MS = 5000;
/** Of one that was known before: it may be long gone. */
const KNOWN_ASK_MS = 2000;
/** Sources that a user may name, and those that there are besides. */
const SOURCES_MAX = 64;

interface Row {
  readonly source: Source;
  state: BootstrapStatus['state'];
  found: number;
}

/** Every way in that this node has. */
export class Joining {
  readonly #asker: Asker;
  readonly #hosts: KnownHosts;
  readonly #log: Log;
  /** Bounded by SOURCES_MAX. */
  readonly #rows: Row[] = [];
  readonly #ending = new AbortController();

  constructor(asker: Asker, hosts: KnownHosts, log: Log) {
    this.#asker = asker;
    this.#log = log;
    this.#hosts = hosts;
    this.add(hosts);
  }

  /** One more source; false when there are too many, or it is there already. */
  add(source: Source): boolean {
    const isKnown = this.#rows.some((row) => row.source.text === source.text);
    if (isKnown || this.#rows.length >= SOURCES_MAX) return false;
    this.#rows.push({ source, state: 'trying', found: 0 });
    return true;
  }

  /** Whether there is anybody to ask beyond the local network, which answers at once: an empty cache is nobody. */
  get isDistant(): boolean {
    return this.#inUse.some(({ source }) => source.kind !== 'lan');
  }
  get hasFound(): boolean {
    return this.#inUse.some(({ found }) => found > 0);
  }
  get sources(): readonly Source[] {
    return this.#rows.map(({ source }) => source);
  }
  /** What came of each, for the user. */
  get status(): readonly BootstrapStatus[] {
    // What fills up while the node runs was no way in as long as it was not asked.
    return this.#inUse.filter(({ source, state }) => source.size === undefined || state !== 'trying').map(statusOf);
  }

  /** Something came of a source between two rounds. */
  note(source: Source, found: number): void {
    const row = this.#rows.find((each) => each.source === source);
    if (row && found > 0) Object.assign(row, { state: 'answered', found });
  }

  /** Asks all sources, or where supernodes are known the lasting ones; resolves when nothing more comes of it. */
  round(isAlone: boolean): Promise<void> {
    return this.#ask(this.#inUse.filter(({ source }) => isAlone || source.isLasting));
  }

  /** Asks these sources alone, and tells what came of them. */
  async ask(sources: readonly Source[]): Promise<readonly BootstrapStatus[]> {
    const rows = this.#inUse.filter(({ source }) => sources.includes(source));
    await this.#ask(rows);
    return rows.map(statusOf);
  }

  async #ask(rows: readonly Row[]): Promise<void> {
    const most = new Map<Source, number>();
    await new JoinRound({
      sources: rows.map(({ source }) => source),
      signal: AbortSignal.any([this.#ending.signal, AbortSignal.timeout(SEARCH_MS)]),
      ask: (contact) => this.#askContact(contact),
      take: (told) => this.#asker.take(told),
      failed: (source, error) => this.#log.warn('a way in fails', { source: source.text, because: `${error}` }),
      found: (source, count) => {
        most.set(source, Math.max(count, most.get(source) ?? 0));
        const row = rows.find((each) => each.source === source)!;
        Object.assign(row, { state: 'answered', found: most.get(source) });
      },
    }).run();
    for (const row of rows) if (!most.has(row.source)) Object.assign(row, { state: 'silent', found: 0 });
  }

  close(): void {
    this.#ending.abort();
  }

  get #inUse(): Row[] {
    return this.#rows.filter(({ source }) => source.size !== 0);
  }

  async #askContact(contact: FirstContact): Promise<Told | undefined> {
    const isKnown = contact.kind === 'cache';
    const told = await this.#asker.ask(contact, isKnown ? KNOWN_ASK_MS : ASK_MS);
    if (told) this.#hosts.noteAnswered({ nodeId: told.by, addresses: [told.address] });
    else if (isKnown) this.#hosts.noteMissed({ nodeId: contact.nodeId, addresses: [contact.address] });
    return told;
  }
}

function statusOf({ source: { text, kind }, state, found }: Row): BootstrapStatus {
  return { source: text, kind, state, found };
}
