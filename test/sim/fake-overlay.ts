/**
 * A small overlay that keeps the promises by brute force, to prove the simulator itself: everybody joins at once with
 * the token of its key, everything is copied around often. Flaws can be planted in it, which the world has to find.
 */
import {
  type Address,
  type Deadline,
  type InfoHash,
  type Instant,
  isFault,
  later,
  type NodeId,
  randomBelow,
  type WallSeconds,
  wallSeconds,
} from '../../src/base/index.ts';
import {
  type Contact,
  certificateOf,
  type Descriptor,
  type OverlayEffect,
  type OverlayInput,
  type OverlayMessage,
  type OverlaySettings,
  openDescriptor,
  sealDescriptor,
  View,
} from '../../src/overlay/index.ts';
import type { Arc, Ownership } from '../../src/ports/index.ts';
import type { OverlayUnderTest } from './overlay-under-test.ts';

/** What a test can make it do wrong. */
export const flaws = { keepsAlone: false, neverDrops: false, spins: false };

const TICK_MS = 1000;
const REISSUE_MS = 300_000;
const SYNC_EVERY = 20;
const COPY_AFTER = 5;
const ASK_MS = 2000;
const TELLS = 6;
const LIFETIME_SECONDS = 3600;

const NO_CHAIN = '0'.repeat(40);
const NO_VIEW = '0'.repeat(16);

type Then = (answer: OverlayMessage | undefined) => void;

export class FakeOverlay implements OverlayUnderTest {
  readonly settings: OverlaySettings;
  readonly ownership: Ownership;
  sequence: number;
  readonly #view: View;
  #sorted: Descriptor[] | undefined;
  #effects: OverlayEffect[] = [];
  #asks = new Map<number, Then>();
  #exchanges = 0;
  #news = new Map<NodeId, number>();
  #silences = new Map<NodeId, number>();
  #ticks = 0;
  #copyAt = 0;
  #next: Instant;
  #issuedAt: Instant | undefined;
  #wall: WallSeconds;
  #isServing = false;

  constructor(settings: OverlaySettings, now: Instant, wall: WallSeconds) {
    this.settings = settings;
    this.sequence = settings.sequence;
    this.#view = new View(settings.sha1);
    this.#wall = wall;
    this.#next = later(now, TICK_MS * settings.random());
    const others = (infoHash: InfoHash): readonly Descriptor[] =>
      this.#owners(infoHash).filter(({ nodeId }) => nodeId !== settings.self);
    this.ownership = {
      ownerOf: (infoHash) => {
        const owner = this.#owners(infoHash)[0];
        return owner?.nodeId === settings.self ? 'self' : owner;
      },
      roleOf: (infoHash) => {
        const place = this.#owners(infoHash).findIndex(({ nodeId }) => nodeId === settings.self);
        return place < 0 ? undefined : place === 0 ? 'owner' : 'replica';
      },
      copiesOf: (infoHash) => others(infoHash).map(({ nodeId }) => nodeId),
      recordsOf: (infoHash) => this.#owners(infoHash).map(({ record }) => record),
    };
  }

  get memory(): { readonly term: number; readonly sequence: number } {
    return { term: 0, sequence: this.sequence };
  }

  get isSupernode(): boolean {
    return this.#isServing;
  }

  get members(): number {
    return this.#view.size;
  }

  get deadline(): Deadline {
    return { at: flaws.spins ? later(this.#next, -TICK_MS) : this.#next, why: 'tick' };
  }

  ownersOf(infoHash: InfoHash): readonly Contact[] {
    return this.#owners(infoHash).map(contactOf);
  }

  effects(): OverlayEffect[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  input(input: OverlayInput, now: Instant): void {
    switch (input.type) {
      case 'tick':
        this.#wall = input.wall;
        if (now >= this.#next) this.#tick(now);
        return;
      case 'alone':
        return this.#serve(now);
      case 'found':
        for (const to of input.contacts) this.#ask(to, { type: 'sync', buckets: [] }, (answer) => this.#heard(answer));
        return this.#serve(now);
      case 'records':
        return this.#take(input.records);
      case 'asked':
        return this.#answer(input.exchange, this.#reply(input.message, now));
      case 'answered':
      case 'unanswered': {
        const then = this.#asks.get(input.exchange);
        this.#asks.delete(input.exchange);
        return then?.(input.type === 'answered' ? input.message : undefined);
      }
      case 'drain':
        this.#isServing = false;
        this.#copy(() => true);
        this.#effects.push({ type: 'drained' });
    }
  }

  #tick(now: Instant): void {
    this.#next = later(now, TICK_MS);
    this.#ticks++;
    if (!this.#isServing) return;
    if (this.#issuedAt === undefined || now - this.#issuedAt > REISSUE_MS) this.#issue(now);
    this.#view.expire(this.#wall);
    this.#probe();
    this.#tell();
    for (const { to, bytes } of this.settings.keeper.batches()) {
      const member = this.#view.get(to);
      if (member && !flaws.keepsAlone) this.#ask(contactOf(member), { type: 'announces', bytes, isPassedOn: false });
    }
    if (this.#ticks === this.#copyAt || this.#ticks % (3 * SYNC_EVERY) === 0) this.#copy(() => false);
    if (this.#ticks % SYNC_EVERY === 0) {
      const records = [...this.#view.descriptors()].map(({ record }) => record);
      for (const to of this.#some(1)) this.#ask(to, { type: 'records', records, wanted: [] }, (a) => this.#heard(a));
    }
  }

  #serve(now: Instant): void {
    if (this.#isServing || this.settings.role === 'client') return;
    this.#isServing = true;
    this.#issue(now);
    this.#effects.push({ type: 'event', event: { type: 'elected', term: 0, isGenesis: true } });
  }

  #issue(now: Instant): void {
    const { settings } = this;
    this.#issuedAt = now;
    const [issued, expires] = [this.#wall, wallSeconds(this.#wall + LIFETIME_SECONDS)];
    const { network, capacity, self, sign, sha1 } = settings;
    const statement = { network, capacity, addresses: settings.addresses(), issued, expires };
    const mine = { ...statement, sequence: ++this.sequence, load: 0, roles: 0, term: 0, ownTokens: 1 };
    const certificate = certificateOf([], issued, undefined);
    this.#offer(sealDescriptor({ ...mine, certificate }, self, sign, sha1));
  }

  #probe(): void {
    const [silent] = [...this.#silences.keys()];
    const member = silent === undefined ? undefined : this.#view.get(silent);
    const to = member && this.#ticks % 2 === 0 ? contactOf(member) : this.#some(1)[0];
    if (to) this.#hail(to);
    // Whose hashes would be ours is watched more closely.
    const members = this.#members();
    const self = members.findIndex(({ nodeId }) => nodeId === this.settings.self);
    const before = members.at(self - 1);
    if (before && this.#ticks % 2 === 1) this.#hail(contactOf(before));
  }

  #hail(to: Contact): void {
    if (to.nodeId === this.settings.self) return;
    this.#ask(to, { type: 'hello' }, (answer) => {
      if (answer) return void this.#silences.delete(to.nodeId);
      const silences = (this.#silences.get(to.nodeId) ?? 0) + 1;
      this.#silences.set(to.nodeId, silences);
      if (silences >= 2 && !flaws.neverDrops) this.#suspect(to.nodeId);
    });
  }

  #suspect(nodeId: NodeId): void {
    const sequence = this.#view.get(nodeId)?.sequence;
    this.#silences.delete(nodeId);
    if (sequence === undefined) return;
    this.#drop(nodeId);
    this.#effects.push({ type: 'event', event: { type: 'lost', nodeId } });
    const gossip = {
      type: 'gossip',
      digests: [],
      suspects: [{ nodeId, sequence }],
      view: NO_VIEW,
      againMs: undefined,
    } as const;
    for (const to of this.#some(TELLS)) this.#ask(to, gossip);
  }

  /** Passes on what changed lately. */
  #tell(): void {
    if (this.#news.size === 0) return;
    const records: Uint8Array[] = [];
    for (const [nodeId, left] of this.#news) {
      const held = this.#view.get(nodeId);
      if (held && records.length < 100) records.push(held.record);
      if (left <= 1 || !held) this.#news.delete(nodeId);
      else this.#news.set(nodeId, left - 1);
    }
    for (const to of this.#some(2)) this.#ask(to, { type: 'records', records, wanted: [] });
  }

  /** Gives what is kept to those that ought to keep it. */
  #copy(isLeaving: () => boolean): void {
    if (flaws.keepsAlone) return;
    const members = this.#members();
    for (const [i, member] of members.entries()) {
      const arc: Arc = { from: members.at(i - 1)!.tokens[0]!, to: member.tokens[0]! };
      const owners = this.#ownersAt(i).filter(({ nodeId }) => !isLeaving() || nodeId !== this.settings.self);
      for (const owner of owners) if (owner.nodeId !== this.settings.self) this.#send(arc, 0, contactOf(owner));
    }
  }

  #send(arc: Arc, cursor: number, to: Contact): void {
    const { bytes, cursor: next } = this.settings.keeper.frameOf(arc, cursor);
    if (bytes.length === 0) return;
    const isLast = next === undefined;
    this.#ask(to, { type: 'frame', copy: 0, index: 0, bytes, chain: NO_CHAIN, isLast }, (answer) => {
      if (answer && !isLast) this.#send(arc, next, to);
    });
  }

  #reply(message: OverlayMessage, now: Instant): OverlayMessage {
    switch (message.type) {
      case 'sync':
        return { type: 'records', records: [...this.#view.descriptors()].map(({ record }) => record), wanted: [] };
      case 'records':
        this.#take(message.records);
        return { type: 'accepted' };
      case 'gossip':
        for (const { nodeId, sequence } of message.suspects) {
          if (nodeId === this.settings.self && this.#isServing && sequence >= this.sequence) this.#issue(now);
          else if (this.#view.get(nodeId)?.sequence === sequence) this.#drop(nodeId);
        }
        return { type: 'accepted' };
      case 'frame':
      case 'announces':
        return this.settings.keeper.take(message.bytes, now, () => true)
          ? { type: 'accepted' }
          : { type: 'refused', why: 'bytes' };
      default:
        return { type: 'hello' };
    }
  }

  #heard(answer: OverlayMessage | undefined): void {
    if (answer?.type === 'records') this.#take(answer.records);
  }

  #take(records: readonly Uint8Array[]): void {
    for (const record of records) {
      const descriptor = openDescriptor(record, this.settings, this.#wall);
      if (!isFault(descriptor)) this.#offer(descriptor);
    }
  }

  #offer(descriptor: Descriptor): void {
    const offered = this.#view.offer(descriptor);
    if (offered !== 'added' && offered !== 'renewed') return;
    this.#news.set(descriptor.nodeId, TELLS);
    if (offered === 'added') this.#changed();
  }

  #drop(nodeId: NodeId): void {
    this.#view.drop(nodeId);
    this.#changed();
  }

  #changed(): void {
    this.#sorted = undefined;
    this.#copyAt = this.#ticks + COPY_AFTER;
    this.#effects.push({ type: 'changed' });
  }

  #owners(infoHash: InfoHash): readonly Descriptor[] {
    const members = this.#members();
    const at = members.findIndex(({ tokens }) => tokens[0]! >= (infoHash as string));
    return this.#ownersAt(Math.max(0, at));
  }

  #ownersAt(at: number): readonly Descriptor[] {
    const members = this.#members();
    return Array.from({ length: Math.min(3, members.length) }, (_, i) => members[(at + i) % members.length]!);
  }

  #members(): readonly Descriptor[] {
    this.#sorted ??= [...this.#view.descriptors()].sort((a, b) => (a.tokens[0]! < b.tokens[0]! ? -1 : 1));
    return this.#sorted;
  }

  #some(count: number): readonly Contact[] {
    const others = this.#members().filter(({ nodeId }) => nodeId !== this.settings.self);
    const first = randomBelow(this.settings.random, Math.max(1, others.length));
    const step = 1 + randomBelow(this.settings.random, 7);
    return others.length === 0
      ? []
      : Array.from({ length: count }, (_, i) => contactOf(others[(first + i * step) % others.length]!));
  }

  #ask(to: Contact, message: OverlayMessage, then: Then = () => {}): void {
    const exchange = this.#exchanges++;
    this.#asks.set(exchange, then);
    this.#effects.push({ type: 'ask', exchange, to, message, timeoutMs: ASK_MS });
  }

  #answer(exchange: number, message: OverlayMessage): void {
    this.#effects.push({ type: 'answer', exchange, message });
  }
}

function contactOf({ nodeId, addresses }: { nodeId: NodeId; addresses: readonly Address[] }): Contact {
  return { nodeId, address: addresses[0]! };
}
