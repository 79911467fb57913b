/** What the machines of one node share: the view, the questions under way, the time as the last input told it. */
import {
  type Instant,
  isFault,
  jittered,
  later,
  type NodeId,
  type Random,
  sampleOf,
  type WallSeconds,
  wallSeconds,
} from '../base/index.ts';
import { type Certificate, QUORUM, WITNESSES, witnessPosition } from './certificate.ts';
import { type Descriptor, type DescriptorRules, openDescriptor, ROLE_LEAVES } from './descriptor.ts';
import { Exchanges } from './exchanges.ts';
import type { OverlayEvent, OverlaySettings } from './overlay-facts.ts';
import { View } from './view.ts';

/** Views differ while members come and go: witnesses may be this many times further away than they should be. */
export const SLACK = 2;
/** As many supernodes may be looked at to draw some of them. */
const FEW = 64;

/** The surroundings of one node's machines. */
export class Context {
  readonly settings: OverlaySettings;
  readonly view: View;
  readonly exchanges: Exchanges = new Exchanges();
  now: Instant;
  /** Signatures checked so far. */
  checks = 0;
  #wall: WallSeconds;
  #wallAt: Instant;
  /** Whose witnesses were named last: those of one election are asked for again and again. */
  #witnessed = { nodeId: '', term: 0, position: '' };

  constructor(settings: OverlaySettings, now: Instant, wall: WallSeconds) {
    const { verify } = settings;
    this.settings = {
      ...settings,
      verify: (signature, message, signer) => {
        this.checks++;
        return verify(signature, message, signer);
      },
    };
    this.view = new View(settings.sha1, settings.self);
    this.now = now;
    this.#wall = wall;
    this.#wallAt = now;
  }

  get self(): NodeId {
    return this.settings.self;
  }
  get random(): Random {
    return this.settings.random;
  }
  /** The calendar: as the host last told it, and gone on with the monotonic clock since. */
  get wall(): WallSeconds {
    return wallSeconds(this.#wall + Math.max(0, this.now - this.#wallAt) / 1000);
  }
  setWall(wall: WallSeconds): void {
    this.#wall = wall;
    this.#wallAt = this.now;
  }

  /** `ms` from now, stretched or shrunk by up to a quarter, so that nodes do not act in step. */
  soon(ms: number): Instant {
    return later(this.now, ms * (0.75 + 0.5 * this.random()));
  }

  /** So much later, a twentieth more or less: for what must not come too late. */
  about(ms: number): Instant {
    return later(this.now, jittered(this.random, ms, 0.05));
  }

  /** A supernode that does not leave. */
  member(nodeId: NodeId): Descriptor | undefined {
    const descriptor = this.view.get(nodeId);
    return descriptor && (descriptor.roles & ROLE_LEAVES) === 0 ? descriptor : undefined;
  }

  /** The supernodes that are not ourselves and do not leave. */
  others(): Descriptor[] {
    const others: Descriptor[] = [];
    for (const descriptor of this.view.descriptors()) {
      if (descriptor.nodeId !== this.self && (descriptor.roles & ROLE_LEAVES) === 0) others.push(descriptor);
    }
    return others;
  }

  /** How many they are, as far as `most`: nobody who asks wants to look at thousands. */
  othersUpTo(most: number): number {
    let count = 0;
    for (const { nodeId, roles } of this.view.descriptors()) {
      if (count >= most) break;
      if (nodeId !== this.self && (roles & ROLE_LEAVES) === 0) count++;
    }
    return count;
  }

  /** Up to `count` of them by chance; of many only those that own something, which are found without a look at all. */
  someOthers(count: number, except?: NodeId): Descriptor[] {
    const { view, random, self } = this;
    if (view.size > FEW) return view.ring.sample(count, random, (nodeId) => nodeId === except || nodeId === self);
    return sampleOf(
      this.others().filter(({ nodeId }) => nodeId !== except),
      count,
      random,
    );
  }

  /** Who is asked for a vote: the members that follow the candidate's place on the ring. */
  witnessesOf(nodeId: NodeId, term: number, count: number = WITNESSES): readonly Descriptor[] {
    if (this.#witnessed.nodeId !== nodeId || this.#witnessed.term !== term) {
      this.#witnessed = { nodeId, term, position: witnessPosition(nodeId, term, this.settings.sha1) };
    }
    return this.view.ring.membersAfter(this.#witnessed.position, count, nodeId);
  }

  /** Those whose votes in an election are believed here; none while nobody is there to give any. */
  believedWitnessesOf(nodeId: NodeId, term: number): readonly Descriptor[] {
    return this.witnessesOf(nodeId, term, SLACK * WITNESSES);
  }

  /** Enough of those whom our own view names gave these votes. */
  isWitnessed(nodeId: NodeId, term: number, { votes }: Certificate): boolean {
    const named = this.believedWitnessesOf(nodeId, term);
    const signers = votes.filter(({ witness }) => named.some((member) => member.nodeId === witness));
    return named.length > 0 && signers.length >= Math.min(QUORUM, named.length);
  }

  /** Opens a descriptor, every signature of it. */
  open(record: Uint8Array): Descriptor | undefined {
    const opened = openDescriptor(record, this.#rules, this.wall);
    return isFault(opened) ? undefined : opened;
  }

  /** Opens a descriptor that is news, and of it what was not checked before. */
  openNews(record: Uint8Array): Descriptor | undefined {
    const rules = { ...this.#rules, held: (nodeId: NodeId) => this.view.get(nodeId) };
    const opened = openDescriptor(record, rules, this.wall);
    return isFault(opened) ? undefined : opened;
  }

  get #rules(): DescriptorRules {
    const { network, verify, sha1, readDescriptor } = this.settings;
    return { network, verify, sha1, ...(readDescriptor && { read: readDescriptor }) };
  }

  tell(event: OverlayEvent): void {
    this.exchanges.order({ type: 'event', event });
  }
}
