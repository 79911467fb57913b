/**
 * One node that may serve: it hosts an overlay machine as the app does. Inputs go in, every effect is carried out, and
 * the machine is woken at its deadline and not later. A crash takes everything but the disk; a sleep takes nothing, and
 * lets what came meanwhile wait.
 */
import type { NodeId, Random, Sign } from '../../src/base/index.ts';
import type {
  Capacity,
  Contact,
  OverlayEffect,
  OverlayEvent,
  OverlayInput,
  OverlayRole,
} from '../../src/overlay/index.ts';
import type { AnnounceAnswer } from './announce-answer.ts';
import type { Exchanges } from './exchanges.ts';
import { type KeyRing, sha1 } from './fake-keys.ts';
import type { HashSpace } from './hash-space.ts';
import type { HostileRole } from './hostile/hostile-role.ts';
import type { Endpoint } from './network.ts';
import type { MakeOverlay, OverlayUnderTest } from './overlay-under-test.ts';
import type { RecordShelf } from './record-shelf.ts';
import type { SimClock } from './sim-clock.ts';
import { CONTACTS_MAX, SimDisk } from './sim-disk.ts';
import { SimKeeper } from './sim-keeper.ts';
import { KIND, type World } from './world.ts';

/** What a node has of the world around it. */
export interface Surroundings {
  readonly world: World;
  readonly exchanges: Exchanges;
  readonly keys: KeyRing;
  readonly shelf: RecordShelf;
  readonly makeOverlay: MakeOverlay;
  readonly space: HashSpace;
  /** Learns of which hashes some node keeps more or less. */
  readonly touched: Set<number>;
  /** Nodes that a bootstrap source names to somebody who starts. */
  readonly bootstrap: (node: SimNode) => readonly Contact[];
  /** A node's part in the overlay changed, or it came up or went down. */
  readonly changed: (node: SimNode) => void;
  readonly happened: (node: SimNode, event: OverlayEvent) => void;
}

export interface NodePlan {
  readonly index: number;
  readonly nodeId: NodeId;
  readonly sign: Sign;
  readonly endpoint: Endpoint;
  readonly clock: SimClock;
  /** The machine's chance. */
  readonly random: Random;
  /** The host's and the liar's. */
  readonly chance: Random;
  readonly role: OverlayRole;
  readonly capacity: Capacity;
  readonly hostile: HostileRole | undefined;
}

/** Effects of one input; more means that a machine floods. */
const EFFECTS_MAX = 4096;
/** Ticks of one instant; more means that a machine asks for the past. */
const SPINS_MAX = 50;
const SPIN_PENALTY_MS = 1000;
const BACKLOG_MAX = 10_000;
const SYNC_MS_MAX = 400;
const SAVE_EVERY_MS = 60_000;
const SWEEP_EVERY_MS = 60_000;
/** A node that finds nobody waits a part of this before it is the first. */
const GENESIS_MS = 15_000;
const LEAVE_MS_MAX = 60_000;
const LOOK_AROUND_EVERY_MS = 10_000;
const LOOKS_WHEN_SETTLED = 30;
const UNASKED = 0;
const OWNED = 1;
const NOT_OWNED = 2;

export class SimNode {
  readonly plan: NodePlan;
  readonly disk: SimDisk = new SimDisk();
  /** Rises with every start and every end, so that what was meant for an earlier process finds nobody. */
  life = 0;
  isAsleep = false;
  /** Told to hand everything over and to end. */
  isLeaving = false;
  /** When it last crashed, stopped, fell asleep or was cut off. */
  goneAtMs: number = Number.NEGATIVE_INFINITY;
  overlay: OverlayUnderTest | undefined;
  keeper: SimKeeper | undefined;
  readonly #around: Surroundings;
  #wakeAtMs: number = Number.POSITIVE_INFINITY;
  #spins = 0;
  #spunAtMs = -1;
  #backlog: (() => void)[] = [];
  #isPumping = false;
  #looks = 0;
  #contacts: readonly Contact[] = [];
  /** The machine's deadline in the world's time, as it was after its last input. */
  #dueMs: number = Number.POSITIVE_INFINITY;
  /** By rank: whether this node owns the hash, as far as it was asked. Good for one machine and one version of its view. */
  #owned = { of: undefined as OverlayUnderTest | undefined, version: -1, ranks: new Uint8Array(0) };

  constructor(plan: NodePlan, around: Surroundings) {
    this.plan = plan;
    this.#around = around;
  }

  get index(): number {
    return this.plan.index;
  }

  get nodeId(): NodeId {
    return this.plan.nodeId;
  }

  get endpoint(): Endpoint {
    return this.plan.endpoint;
  }

  get isUp(): boolean {
    return this.overlay !== undefined;
  }

  /** Awake and a supernode by its own account. */
  get serves(): boolean {
    return this.overlay !== undefined && !this.isAsleep && this.overlay.isSupernode;
  }

  get isHonest(): boolean {
    return this.plan.hostile === undefined;
  }

  /** @param prepare what is done to the machine before anything else is */
  start(prepare: (overlay: OverlayUnderTest) => void = () => {}): void {
    if (this.overlay) return;
    this.life++;
    const { world, keys, shelf, space, touched } = this.#around;
    const { plan } = this;
    const { term, sequence, contacts } = this.disk.read();
    this.#contacts = contacts;
    this.keeper = new SimKeeper(space, () => world.now, touched);
    this.overlay = this.#around.makeOverlay(
      {
        network: 'monsoon',
        self: plan.nodeId,
        sign: plan.sign,
        verify: keys.verify,
        sha1,
        readDescriptor: shelf.read,
        random: plan.random,
        role: plan.role,
        addresses: () => [this.endpoint.address],
        capacity: plan.capacity,
        roles: () => 0,
        keeper: this.keeper,
        term,
        sequence,
      },
      plan.clock.instant(world.now),
      plan.clock.wall(world.now),
    );
    prepare(this.overlay);
    if (contacts.length > 0) this.input({ type: 'found', contacts });
    this.#lookAround();
    this.#pump();
    this.#every(SAVE_EVERY_MS, () => {
      this.#contacts = this.#known();
      this.#save();
    });
    this.#every(SWEEP_EVERY_MS, () => this.keeper?.sweep());
    this.#every(LOOK_AROUND_EVERY_MS, () => this.#lookAround());
    this.#around.changed(this);
  }

  /** Everything in memory is gone; the disk keeps what was synced. */
  crash(): void {
    if (!this.overlay) return;
    this.disk.crash(this.#around.world.now);
    this.#end();
  }

  /** The user stops it: it hands over what it owns, and ends when it is done, or after a while. */
  leave(): void {
    if (!this.overlay || this.isLeaving) return;
    this.isLeaving = true;
    const { life } = this;
    this.input({ type: 'drain' });
    this.#around.world.plan(LEAVE_MS_MAX, KIND.churn, this.index, () => {
      if (this.life === life) this.stop();
    });
  }

  /** A clean end, after the disk was written. */
  stop(): void {
    if (!this.overlay) return;
    this.#save();
    this.#end();
  }

  /** Nothing happens in the process until it wakes. */
  sleep(forMs: number, doesMonotonicStop = false): void {
    if (!this.overlay || this.isAsleep) return;
    const { world } = this.#around;
    this.isAsleep = true;
    this.goneAtMs = world.now;
    const { life } = this;
    this.#around.changed(this);
    world.plan(forMs, KIND.wake, this.index, () => {
      if (this.life !== life) return;
      this.isAsleep = false;
      if (doesMonotonicStop) this.plan.clock.stoodStill(forMs);
      const backlog = this.#backlog;
      this.#backlog = [];
      this.#wakeAtMs = Number.POSITIVE_INFINITY;
      this.#input({ type: 'tick', wall: this.plan.clock.wall(world.now) });
      for (const happen of backlog) happen();
      this.#around.changed(this);
    });
  }

  /** Feeds a fact that was meant for the process of that life. */
  deliver(life: number, input: OverlayInput): void {
    if (life !== this.life || !this.overlay) return;
    if (this.isAsleep) {
      if (this.#backlog.length < BACKLOG_MAX) this.#backlog.push(() => this.deliver(life, input));
      return;
    }
    const { hostile, chance } = this.plan;
    const heard = hostile?.hear ? hostile.hear(this, input, chance) : input;
    if (heard) this.#input(heard);
  }

  /** Feeds a fact of the host's own. */
  input(input: OverlayInput): void {
    this.deliver(this.life, input);
  }

  /** Serves a client; undefined while nobody is there to answer. */
  serve(rank: number, peer: number, isSeeder: boolean, isGone: boolean, isNative: boolean): AnnounceAnswer | undefined {
    if (!this.overlay || this.isAsleep) return undefined;
    const { hostile, chance } = this.plan;
    const honest = (): AnnounceAnswer => this.#serve(rank, peer, isSeeder, isGone, isNative);
    return hostile?.serve ? hostile.serve(this, rank, honest, chance) : honest();
  }

  /** Whether it answers for a hash as its owner. */
  claims(rank: number): boolean {
    if (!this.serves) return false;
    const overlay = this.overlay!;
    // A machine that shows no view is asked each time.
    const version = overlay.view?.version ?? this.#owned.version + 1;
    if (this.#owned.of !== overlay || this.#owned.version !== version) {
      this.#owned = { of: overlay, version, ranks: new Uint8Array(this.#around.space.count) };
    }
    const { ranks } = this.#owned;
    if (ranks[rank] === UNASKED) {
      const isOwner = overlay.ownership.roleOf(this.#around.space.hashes[rank]!) === 'owner';
      ranks[rank] = isOwner ? OWNED : NOT_OWNED;
    }
    return ranks[rank] === OWNED;
  }

  #serve(rank: number, peer: number, isSeeder: boolean, isGone: boolean, isNative: boolean): AnnounceAnswer {
    const { ownership } = this.overlay!;
    const infoHash = this.#around.space.hashes[rank]!;
    const owner = ownership.ownerOf(infoHash);
    const isOwner = owner === 'self';
    // Native clients announce to one replica too, and its answer is their second opinion.
    const isCopy =
      !isOwner && isNative && this.overlay!.ownersOf(infoHash).some(({ nodeId }) => nodeId === this.nodeId);
    if (isOwner || isCopy) {
      this.keeper!.note(rank, peer, isSeeder, isGone, ownership);
      return { type: 'noted', peers: this.keeper!.peersOf(rank), isOwner, isHonest: true };
    }
    return owner ? { type: 'redirect', to: owner } : { type: 'refused' };
  }

  #input(input: OverlayInput): void {
    this.overlay!.input(input, this.plan.clock.instant(this.#around.world.now));
    this.#pump();
  }

  #pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    const { life } = this;
    for (;;) {
      const effects = this.overlay?.effects() ?? [];
      if (effects.length === 0) break;
      if (effects.length > EFFECTS_MAX)
        this.#around.world.broken(`node ${this.index} orders ${effects.length} effects`);
      for (const effect of effects) {
        if (this.life === life) this.#perform(effect);
      }
      if (this.life !== life) break;
    }
    this.#isPumping = false;
    if (this.overlay) this.#planWake();
  }

  #perform(effect: OverlayEffect): void {
    const { exchanges } = this.#around;
    switch (effect.type) {
      case 'ask': {
        const message = this.#bent(effect.message);
        if (message) exchanges.ask(this, { ...effect, message });
        else this.#around.world.plan(effect.timeoutMs, KIND.timeout, this.index, this.#unanswered(effect.exchange));
        return;
      }
      case 'answer': {
        const message = this.#bent(effect.message);
        if (message) exchanges.answer(this, effect.exchange, message);
        return;
      }
      case 'changed':
        this.#save();
        return this.#around.changed(this);
      case 'drained':
        return this.isLeaving ? this.stop() : undefined;
      case 'event':
        return this.#around.happened(this, effect.event);
    }
  }

  #bent(message: Extract<OverlayEffect, { type: 'ask' }>['message']): typeof message | undefined {
    const { hostile, chance } = this.plan;
    return hostile?.say ? hostile.say(this, message, chance) : message;
  }

  #unanswered(exchange: number): () => void {
    const { life } = this;
    return () => this.deliver(life, { type: 'unanswered', exchange });
  }

  #planWake(): void {
    const { world } = this.#around;
    const deadline = this.overlay!.deadline;
    this.#dueMs = Number.POSITIVE_INFINITY;
    if (!deadline || this.isAsleep) return;
    this.#dueMs = this.plan.clock.worldMs(deadline.at);
    let atMs = Math.max(world.now, Math.ceil(this.#dueMs));
    if (atMs >= this.#wakeAtMs) return;
    if (atMs === world.now && this.#spinsAt(world.now) >= SPINS_MAX) {
      world.broken(`node ${this.index} is due again and again at one instant: ${deadline.why}`);
      atMs += SPIN_PENALTY_MS;
    }
    this.#wakeAtMs = atMs;
    const { life } = this;
    world.plan(atMs - world.now, KIND.tick, this.index, () => this.#wake(life, atMs));
  }

  #wake(life: number, atMs: number): void {
    if (this.life !== life || this.isAsleep || atMs !== this.#wakeAtMs) return;
    const { world } = this.#around;
    this.#wakeAtMs = Number.POSITIVE_INFINITY;
    if (this.#dueMs <= world.now) {
      this.#input({ type: 'tick', wall: this.plan.clock.wall(world.now) });
    } else {
      this.#planWake();
    }
  }

  /** How often the machine was due at once in this instant. */
  #spinsAt(now: number): number {
    this.#spins = now === this.#spunAtMs ? this.#spins + 1 : 0;
    this.#spunAtMs = now;
    return this.#spins;
  }

  #lookAround(): void {
    if (!this.overlay || this.isAsleep) return;
    // Two networks that do not know of each other meet because their nodes look around once in a while.
    if (this.overlay.members > 1 && this.#looks++ % LOOKS_WHEN_SETTLED !== 0) return;
    const contacts = this.#around.bootstrap(this);
    if (contacts.length > 0) this.input({ type: 'found', contacts });
    else if (this.overlay.members === 0) this.input({ type: 'alone', withinMs: GENESIS_MS });
  }

  #save(): void {
    const { world } = this.#around;
    const safeAt = world.now + this.plan.chance() * SYNC_MS_MAX;
    this.disk.write({ ...this.overlay!.memory, contacts: this.#contacts }, world.now, safeAt);
  }

  /** Some members, for the next start. */
  #known(): readonly Contact[] {
    const known = new Map<NodeId, Contact>();
    const { space } = this.#around;
    for (let i = 0; i < CONTACTS_MAX; i++) {
      const rank = Math.floor((i * space.count) / CONTACTS_MAX);
      for (const contact of this.overlay!.ownersOf(space.hashes[rank]!)) {
        if (contact.nodeId !== this.nodeId && known.size < CONTACTS_MAX) known.set(contact.nodeId, contact);
      }
    }
    return [...known.values()];
  }

  #every(ms: number, happen: () => void): void {
    const { life } = this;
    this.#around.world.plan(ms, KIND.tick, this.index, () => {
      if (this.life !== life) return;
      if (!this.isAsleep) happen();
      this.#every(ms, happen);
    });
  }

  #end(): void {
    this.life++;
    this.overlay = undefined;
    this.keeper = undefined;
    this.isAsleep = false;
    this.#backlog = [];
    this.#isPumping = false;
    this.#wakeAtMs = Number.POSITIVE_INFINITY;
    this.goneAtMs = this.#around.world.now;
    this.#around.exchanges.forget(this);
    this.#around.changed(this);
    this.isLeaving = false;
  }
}
