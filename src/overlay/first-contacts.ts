/**
 * Whom a newcomer asks first, and whose answers it uses. Five kinds of source name contacts, and any of them may be an
 * attacker's: all are asked at once, but of the answers used none makes up more than half as long as there is another
 * that still looks or has answered. Who is fast waits for the others. Knows neither how a source finds contacts nor how
 * one is asked.
 */
import { type Address, formatAddress, type NodeId, parseIp, prefixOfIp, reachOf } from '../base/index.ts';

/** The ways in, each of which may be somebody else's. */
export const SOURCE_KINDS = ['cache', 'dns', 'dht', 'lan', 'told'] as const;
export type SourceKind = (typeof SOURCE_KINDS)[number];

/** Answers used; then whoever they told of is asked. */
export const CONTACTS_MAX = 8;
/** Of one kind, even where it is the only one. */
export const CONTACTS_PER_KIND_MAX = 4;
/** Contacts of one kind that are remembered, and asked at a time. */
export const NAMED_MAX = 256;
const ASKED_AT_ONCE_MAX = 4;

/** Somebody to ask. */
export interface FirstContact {
  readonly kind: SourceKind;
  /** The source as the user knows it. */
  readonly source: string;
  readonly address: Address;
  /** Who has to answer there; undefined takes whoever it is. */
  readonly nodeId: NodeId | undefined;
}

/** What is going on with one kind. */
interface Share<Answer> {
  readonly named: FirstContact[];
  readonly held: Answer[];
  /** Networks of those asked, so that the next one is elsewhere. */
  readonly networks: Set<string>;
  asking: number;
  used: number;
  isSearching: boolean;
}

/** The first contacts of one node that joins. */
export class FirstContacts<Answer> {
  /** At most SOURCE_KINDS of them. */
  readonly #shares = new Map<SourceKind, Share<Answer>>();
  /** Everybody named, once each; bounded by NAMED_MAX of each kind. */
  readonly #known = new Set<string>();
  #used = 0;

  /** @param kinds those that look for contacts */
  constructor(kinds: Iterable<SourceKind>) {
    for (const kind of kinds) {
      const share = { named: [], held: [], networks: new Set<string>(), asking: 0, used: 0, isSearching: true };
      this.#shares.set(kind, share);
    }
  }

  /** Takes a contact that a source names, best first. */
  offer(contact: FirstContact): void {
    const share = this.#shares.get(contact.kind);
    const key = `${contact.kind} ${contact.nodeId ?? ''}@${formatAddress(contact.address)}`;
    if (!share || share.named.length >= NAMED_MAX || this.#known.has(key)) return;
    this.#known.add(key);
    share.named.push(contact);
  }

  /** Sources of this kind have nothing more to name. */
  finish(kind: SourceKind): void {
    const share = this.#shares.get(kind);
    if (share) share.isSearching = false;
  }

  /** Whom to ask now, besides those being asked; undefined when nobody. */
  next(): FirstContact | undefined {
    const busyness = ({ used, held, asking }: Share<Answer>): number => used + held.length + asking;
    const [share] = [...this.#shares.values()]
      .filter((each) => each.named.length > 0 && each.asking < ASKED_AT_ONCE_MAX && this.#hasRoom(each))
      .toSorted((a, b) => busyness(a) - busyness(b));
    if (!share) return undefined;
    const elsewhere = share.named.findIndex(({ address }) => !share.networks.has(networkOf(address.host)));
    const [contact] = share.named.splice(Math.max(0, elsewhere), 1);
    share.networks.add(networkOf(contact!.address.host));
    share.asking++;
    return contact;
  }

  /** A contact answered; `take` says when that may be used. */
  noteAnswer({ kind }: FirstContact, answer: Answer): void {
    const share = this.#shares.get(kind)!;
    share.asking--;
    share.held.push(answer);
  }
  noteSilence({ kind }: FirstContact): void {
    this.#shares.get(kind)!.asking--;
  }

  /** The answers that may be used by now. */
  take(): Answer[] {
    const taken: Answer[] = [];
    for (let kinds = this.#mayBeUsed(); kinds.length > 0; kinds = this.#mayBeUsed()) {
      for (const share of kinds) {
        taken.push(share.held.shift()!);
        share.used++;
        this.#used++;
      }
    }
    return taken;
  }

  /** Nothing more will come of this. */
  get isOver(): boolean {
    if (this.#used >= CONTACTS_MAX) return true;
    return [...this.#shares.values()].every((share) => this.#isDone(share)) && this.#mayBeUsed().length === 0;
  }

  /** Those whose next answers can be used together: one kind, or two that are level. */
  #mayBeUsed(): Share<Answer>[] {
    const ready = [...this.#shares.values()]
      .filter(({ held, used }) => held.length > 0 && used < CONTACTS_PER_KIND_MAX)
      .toSorted((a, b) => a.used - b.used);
    const [first, second] = ready;
    if (!first || this.#used >= CONTACTS_MAX) return [];
    if (this.#mayLead(first)) return [first];
    // Neither may be ahead, so both go at once.
    const isPair = second !== undefined && this.#used + 2 <= CONTACTS_MAX;
    return isPair && second.used + 1 <= this.#used - second.used + 1 ? [first, second] : [];
  }

  /** One more of this kind is at most half; or it is the very first; or there is no other kind to wait for. */
  #mayLead(share: Share<Answer>): boolean {
    const others = this.#used - share.used;
    if (this.#used === 0 || share.used + 1 <= others) return true;
    return others === 0 && [...this.#shares.values()].every((each) => each === share || this.#isDone(each));
  }

  #hasRoom({ used, held, asking }: Share<Answer>): boolean {
    return this.#used < CONTACTS_MAX && used + held.length + asking < CONTACTS_PER_KIND_MAX;
  }

  #isDone(share: Share<Answer>): boolean {
    return share.asking === 0 && !share.isSearching && (share.named.length === 0 || !this.#hasRoom(share));
  }
}

/** The network that somebody has to own to be at an address: a public /16, of IPv6 a /32; any private one. */
export function networkOf(host: string): string {
  const ip = parseIp(host);
  if (!ip || reachOf(host) !== 'public') return 'private';
  return prefixOfIp(ip, 2, 4);
}
