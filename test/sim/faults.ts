/**
 * What goes wrong by itself: nodes end their sessions, crash, sleep, move, and have their calendar set; once a day a /16
 * vanishes, and a crowd wants one hash.
 */
import { type Random, randomBelow } from '../../src/base/index.ts';
import type { Clients } from './clients.ts';
import type { HashSpace } from './hash-space.ts';
import { type Cut, GROUPS, type Network } from './network.ts';
import type { Profile } from './profile.ts';
import type { Roster } from './roster.ts';
import type { SimNode } from './sim-node.ts';
import { streamOf } from './streams.ts';
import { KIND, type World } from './world.ts';

const OUTAGE_MS = 20 * 60_000;
const DAY_MS = 86_400_000;
const CLOCK_JUMP_MS = 60_000;
/** The hash that a crowd wants, by popularity, and how often its usual clients. */
const FLASH_PLACE = 20;
export const FLASH_TIMES = 50;
const FLASH_OVER_MS = 5 * 60_000;

export class Faults {
  readonly #world: World;
  readonly #network: Network;
  readonly #roster: Roster;
  readonly #changed: (node: SimNode) => void;

  constructor(world: World, network: Network, roster: Roster, changed: (node: SimNode) => void) {
    this.#world = world;
    this.#network = network;
    this.#roster = roster;
    this.#changed = changed;
  }

  /** A node's sessions from now on; the first one is already under way. */
  churn(node: SimNode, profile: Profile): void {
    const random = streamOf(this.#world.seed, 'session', node.index);
    const next = (elapsed: number): void => {
      const { lengthMs, awayMs, doesMove, isGraceful } = profile.session(random);
      this.#world.plan(lengthMs * (1 - elapsed), KIND.churn, node.index, () => {
        if (isGraceful) node.leave();
        else node.crash();
        this.#world.plan(awayMs, KIND.churn, node.index, () => {
          if (node.isUp) return next(0);
          if (doesMove) this.#network.move(node.endpoint);
          node.start();
          next(0);
        });
      });
    };
    next(profile.isAgeless ? 0 : random());
    if (profile.sleep) this.#sleeps(node, profile.sleep, random);
    this.#strokes(node, random);
  }

  /** A /16 is gone: nothing leaves it, enters it or moves in it. */
  vanish(group: number, forMs: number = OUTAGE_MS): void {
    const cut: Cut = (from, to) => from.group === group || to.group === group;
    const nodes = this.#roster.nodes.filter(({ endpoint }) => endpoint.group === group);
    this.#network.cut(cut, false);
    this.#roster.vanished.add(group);
    for (const node of nodes) {
      node.goneAtMs = this.#world.now;
      this.#changed(node);
    }
    this.#world.plan(forMs, KIND.fault, group, () => {
      this.#network.heal(cut);
      this.#roster.vanished.delete(group);
      for (const node of nodes) this.#changed(node);
    });
  }

  /** The ways from one set of nodes to the other are cut, and unless `isOneWay` those back too. */
  partition(isOnOneSide: (index: number) => boolean, isOneWay: boolean, forMs: number): void {
    const cut: Cut = (from, to) => {
      const [a, b] = [isOnOneSide(from.index), isOnOneSide(to.index)];
      return a !== b && (a || !isOneWay);
    };
    this.#network.cut(cut, true);
    this.#world.plan(forMs, KIND.fault, 0, () => this.#network.heal(cut));
  }

  /** Once a day, and at least once in a run. */
  daily(untilMs: number, clients: Clients, space: HashSpace, clientsOfFlash: number): void {
    const random = streamOf(this.#world.seed, 'daily');
    for (let day = 0; day * DAY_MS < untilMs; day++) {
      const span = Math.min(DAY_MS, untilMs - day * DAY_MS);
      const at = (share: number): number => day * DAY_MS + span * share - this.#world.now;
      const group = randomBelow(random, GROUPS);
      this.#world.plan(at(0.2 + 0.3 * random()), KIND.fault, group, () => this.vanish(group));
      this.#world.plan(at(0.2 + 0.5 * random()), KIND.fault, 0, () => {
        clients.flash(space.popular(FLASH_PLACE), clientsOfFlash, FLASH_OVER_MS);
      });
    }
  }

  #sleeps(node: SimNode, sleep: NonNullable<Profile['sleep']>, random: Random): void {
    const { inMs, forMs } = sleep(random);
    this.#world.plan(inMs, KIND.fault, node.index, () => {
      node.sleep(forMs, true);
      this.#world.plan(forMs, KIND.fault, node.index, () => this.#sleeps(node, sleep, random));
    });
  }

  /** About once a day each: another address, and a calendar that is set. */
  #strokes(node: SimNode, random: Random): void {
    this.#world.plan(2 * DAY_MS * random(), KIND.fault, node.index, () => {
      if (node.isUp) {
        this.#network.move(node.endpoint);
        node.input({ type: 'moved' });
      }
    });
    this.#world.plan(2 * DAY_MS * random(), KIND.fault, node.index, () => {
      node.plan.clock.jump((2 * random() - 1) * CLOCK_JUMP_MS);
    });
  }
}
