// A swarm in memory: several transfer machines on a network that delays, drops links, rejects and poisons. It plays
// the host of each machine as io/torrent-host does, and recounts on its own what the machines claim to know.
import assert from 'node:assert/strict';
import { instant, type Random, randomBelow, seededRandom } from '../../src/base/index.ts';
import { Layout, PRIORITY, type Priority, type TransferEffect, type TransferInput } from '../../src/torrent/index.ts';
import { BLOCK_BYTES } from '../../src/wire/index.ts';
import { pick } from '../seed.ts';
import { type End, type NodePlan, SimNode } from './swarm-node.ts';

export interface SwarmPlan {
  readonly length: number;
  readonly pieceLength: number;
  readonly openPiecesMax?: number;
  readonly nodes: readonly NodePlan[];
  readonly hasFast?: boolean;
  /** Chance per second and link that it breaks. */
  readonly breaks?: number;
  /** Chance that a write fails. */
  readonly storeFailures?: number;
  /** Chance per second that a node's disk pauses it for a while. */
  readonly pauses?: number;
}

interface Message {
  readonly at: number;
  readonly order: number;
  readonly to: End;
  readonly deliver: () => void;
}

export class Swarm {
  readonly layout: Layout;
  readonly nodes: SimNode[];
  readonly plan: SwarmPlan;
  readonly #random: Random;
  readonly #killed = new Set<SimNode>();
  #queue: Message[] = [];
  #order = 0;
  now = 1000;
  duplicates = 0;

  constructor(plan: SwarmPlan, seed: number) {
    this.plan = plan;
    this.#random = seededRandom(seed);
    const { length, pieceLength } = plan;
    this.layout = new Layout({ length, pieceLength, pieceCount: Math.ceil(length / pieceLength), files: [] });
    this.nodes = plan.nodes.map(
      (node, name) =>
        new SimNode(
          name,
          node,
          this.layout,
          plan.openPiecesMax ?? 8,
          seededRandom(seed + 1000 * name),
          instant(this.now),
        ),
    );
  }

  /** Connects two nodes unless one has banned the other or a link is there. */
  connect(a: SimNode, b: SimNode): void {
    if (a === b || this.#killed.has(a) || this.#killed.has(b) || a.banned.has(b.name) || b.banned.has(a.name)) return;
    if ([...a.ends.values()].some((end) => end.other.node === b)) return;
    const hasFast = this.plan.hasFast ?? true;
    const make = (node: SimNode): End => ({
      node,
      id: node.nextLink++,
      other: undefined as unknown as End,
      isOpen: true,
      uploads: new Set(),
      owed: new Set(),
      weChoke: true,
      theyChoke: true,
      weAreInterested: false,
      hasFast,
      heardUntil: 0,
    });
    const [endA, endB] = [make(a), make(b)];
    endA.other = endB;
    endB.other = endA;
    for (const end of [endA, endB]) {
      end.node.ends.set(end.id, end);
      const address = { host: `10.0.0.${end.other.node.name + 1}`, port: 6881 };
      this.#input(end.node, { type: 'linkOpened', link: end.id, address, hasFast });
    }
    for (const end of [endA, endB]) {
      const { stored } = end.node.transfer;
      const bytes = stored.bytes.slice();
      const said: TransferInput = hasFast
        ? stored.isFull
          ? { type: 'haveAll', link: end.other.id }
          : { type: 'bitfield', link: end.other.id, bytes }
        : { type: 'bitfield', link: end.other.id, bytes };
      this.#post(end.other, () => this.#input(end.other.node, said));
      this.#describe(end);
    }
    this.#pump(a);
    this.#pump(b);
  }

  /** A node's process is gone: its links break, and none comes again. */
  kill(node: SimNode): void {
    this.#killed.add(node);
    for (const end of [...node.ends.values()]) this.breakLink(end);
  }

  breakLink(end: End): void {
    for (const one of [end, end.other]) {
      if (!one.isOpen) continue;
      one.isOpen = false;
      one.node.ends.delete(one.id);
      this.#input(one.node, { type: 'linkClosed', link: one.id });
      this.#pump(one.node);
    }
  }

  /** Lets time pass second by second until `isDone`; fails after `secondsMax`. */
  run(secondsMax: number, isDone: () => boolean): void {
    for (let second = 0; second < secondsMax; second++) {
      if (isDone()) return;
      this.#second();
    }
    const states = this.nodes.map((node) => `${node.name}: ${node.transfer.stored.count}/${this.layout.pieceCount}`);
    assert.ok(isDone(), `not done after ${secondsMax} s; ${states.join(', ')}`);
  }

  pass(seconds: number): void {
    for (let second = 0; second < seconds; second++) this.#second();
  }

  /** A node's user reads from a piece on, so many pieces a second, and needs the next ones in time. */
  read(node: SimNode, piece: number, ahead: number, piecesPerSecond: number): void {
    const { pieceLength, pieceCount } = this.layout;
    for (let next = piece; next < Math.min(pieceCount, piece + ahead); next++) {
      const at = instant(this.now + (1000 * (next - piece + 1)) / piecesPerSecond);
      this.#input(node, { type: 'due', start: next * pieceLength, length: this.layout.bytesOf(next), at });
      node.due.add(next);
    }
    this.#pump(node);
  }

  /** Its user does not wait for so many pieces any more. */
  leave(node: SimNode, piece: number, count: number): void {
    const { pieceLength, pieceCount } = this.layout;
    const end = Math.min(pieceCount, piece + count);
    for (let left = piece; left < end; left++) node.due.delete(left);
    this.#input(node, { type: 'notDue', start: piece * pieceLength, length: (end - piece) * pieceLength });
    this.#pump(node);
  }

  #second(): void {
    const end = this.now + 1000;
    for (;;) {
      this.#queue.sort((a, b) => a.at - b.at || a.order - b.order);
      const next = this.#queue[0];
      if (!next || next.at > end) break;
      this.#queue.shift();
      this.now = Math.max(this.now, next.at);
      if (next.to.isOpen) next.deliver();
      this.#pump(next.to.node);
    }
    this.now = end;
    this.#weather();
    for (const node of this.nodes) {
      const { deadline } = node.transfer;
      const busy = [...node.transfer.links.values()].some(
        (link) => link.asked > 0 || link.weAreInterested || link.theyAreInterested,
      );
      assert.ok(deadline !== undefined || !busy, 'a machine with links that want something asks to be woken');
      if (deadline && deadline.at <= this.now) this.#input(node, { type: 'tick' });
      this.#pump(node);
      this.#recount(node);
    }
  }

  #weather(): void {
    const chance = (share: number | undefined): boolean => this.#random() < (share ?? 0);
    for (const node of this.nodes) {
      for (const end of [...node.ends.values()]) if (chance(this.plan.breaks)) this.breakLink(end);
      if (node.pausedUntil === 0 && chance(this.plan.pauses)) {
        node.pausedUntil = this.now + 3000;
        this.#input(node, { type: 'paused', isPaused: true });
      } else if (node.pausedUntil > 0 && node.pausedUntil <= this.now) {
        node.pausedUntil = 0;
        this.#input(node, { type: 'paused', isPaused: false });
      }
      this.connect(node, pick(this.#random, this.nodes));
    }
  }

  /** A node's user wants other pieces. */
  select(node: SimNode, priorities: readonly Priority[]): void {
    node.priorities = priorities;
    node.isComplete = ![...priorities.keys()].some((piece) => node.lacks(piece));
    this.#input(node, { type: 'selected', priorities });
    this.#pump(node);
  }

  #recount(node: SimNode): void {
    for (const end of node.ends.values()) {
      const link = node.transfer.links.get(end.id);
      assert.ok(link, 'the machine knows every open link');
      assert.equal(link.asked, end.owed.size, `node ${node.name} miscounts what link ${end.id} owes`);
      assert.equal(link.weChoke, end.weChoke);
      assert.equal(link.theyChoke, end.theyChoke);
      assert.equal(link.weAreInterested, end.weAreInterested);
    }
    assert.equal(node.transfer.links.size, node.ends.size);
    const isSelected = (piece: number): boolean => node.priorities[piece] !== PRIORITY.skip;
    assert.equal(
      node.transfer.isComplete,
      [...node.priorities.keys()].every((piece) => !isSelected(piece) || node.stored.has(piece)),
    );
    const unchoked = [...node.ends.values()].filter((end) => !end.weChoke).length;
    assert.ok(unchoked <= (node.plan.uploadSlots ?? 4), 'no more links are unchoked than there are slots');
    this.#refuseIdleness(node);
  }

  /** No link that unchokes us and has a piece that nobody fetches is left without a request. */
  #refuseIdleness(node: SimNode): void {
    if (node.pausedUntil > 0 || node.transfer.piecesUnderWay >= (this.plan.openPiecesMax ?? 8)) return;
    const busy = this.#underWay(node);
    for (const end of node.ends.values()) {
      const link = node.transfer.links.get(end.id)!;
      if (end.theyChoke || end.owed.size > 0 || link.isSnubbing) continue;
      for (let piece = 0; piece < this.layout.pieceCount; piece++) {
        const isLeft = link.offers(piece) && node.lacks(piece) && !busy.has(piece);
        assert.ok(!isLeft, `node ${node.name} asks link ${end.id} for nothing although it has piece ${piece}`);
      }
    }
  }

  /** Says whether the node wants anything (BEP 21). */
  #describe({ node, other }: End): void {
    const { isUploadOnly } = node.transfer;
    this.#post(other, () => this.#input(other.node, { type: 'uploadOnly', link: other.id, isUploadOnly }));
  }

  /** Delivers to the other end after the path's delay, in order. */
  #post(to: End, deliver: () => void): void {
    to.heardUntil = Math.max(to.heardUntil, this.now + 5 + randomBelow(this.#random, 40));
    this.#postAt(to.heardUntil, to, deliver);
  }

  #postAt(at: number, to: End, deliver: () => void): void {
    this.#queue.push({ at, order: this.#order++, to, deliver });
  }

  #input(node: SimNode, input: TransferInput): void {
    node.transfer.input(input, instant(this.now));
  }

  #pump(node: SimNode): void {
    for (let effects = node.transfer.effects(); effects.length > 0; effects = node.transfer.effects()) {
      for (const effect of effects) this.#perform(node, effect);
    }
  }

  #perform(node: SimNode, effect: TransferEffect): void {
    switch (effect.type) {
      case 'announceHave':
        assert.ok(node.stored.has(effect.piece), 'a piece is announced only after it was stored');
        for (const end of node.ends.values()) {
          this.#post(end.other, () =>
            this.#input(end.other.node, { type: 'have', link: end.other.id, piece: effect.piece }),
          );
        }
        return;
      case 'complete':
        node.isComplete = true;
        return;
      case 'standing':
        for (const end of node.ends.values()) this.#describe(end);
        return;
      case 'check':
        return this.#check(node, effect.piece);
      case 'store':
        return this.#store(node, effect.piece);
      case 'drop':
        node.buffers.delete(effect.piece);
        return;
      default: {
        const end = node.ends.get(effect.link);
        if (end) this.#onLink(end, effect);
      }
    }
  }

  #onLink(end: End, effect: Extract<TransferEffect, { link: number }>): void {
    const { other } = end;
    switch (effect.type) {
      case 'request':
        return this.#request(end, effect);
      case 'cancel': {
        const key = `${effect.piece}:${effect.offset / BLOCK_BYTES}`;
        assert.ok(end.owed.delete(key), 'only what is owed is cancelled');
        this.#post(other, () => {
          if (other.uploads.delete(key) && end.hasFast) this.#reject(other, key);
        });
        return;
      }
      case 'interest':
        assert.notEqual(end.weAreInterested, effect.isInterested, 'interest is said when it changes');
        end.weAreInterested = effect.isInterested;
        this.#post(other, () =>
          this.#input(other.node, { type: effect.isInterested ? 'interested' : 'uninterested', link: other.id }),
        );
        return;
      case 'choke':
        return this.#choke(end, effect.isChoked);
      case 'close':
        if (effect.isBanned) end.node.banned.add(end.other.node.name);
        return this.breakLink(end);
    }
  }

  #request(end: End, run: Extract<TransferEffect, { type: 'request' }>): void {
    const { node, other } = end;
    assert.ok(!end.theyChoke, 'a link that chokes us is asked for nothing');
    assert.ok(end.weAreInterested, 'only a link that knows of our interest is asked');
    assert.equal(node.pausedUntil, 0, 'a paused node asks for nothing');
    const isEndgame = this.#allUnderWay(node);
    for (let block = run.block; block < run.block + run.count; block++) {
      const key = `${run.piece}:${block}`;
      const length = block === run.block + run.count - 1 ? run.lastLength : BLOCK_BYTES;
      assert.equal(length, this.layout.blockBytes(run.piece, block), 'a request names a whole block');
      assert.ok(!node.stored.has(run.piece), 'what is stored is not asked for');
      assert.ok(node.lacks(run.piece), 'what is not wanted is not asked for');
      assert.ok(!node.buffers.get(run.piece)?.has(block), 'what has arrived is not asked for');
      assert.ok(!end.owed.has(key), 'a link is asked once for a block');
      const isDouble = [...node.ends.values()].some((one) => one !== end && one.owed.has(key));
      assert.ok(!isDouble || isEndgame || node.due.has(run.piece), 'two links owe one block only in the endgame');
      if (isDouble) this.duplicates++;
      end.owed.add(key);
      this.#post(other, () => this.#requested(other, key));
    }
  }

  /** Every piece that the node lacks is asked for or here. */
  #allUnderWay(node: SimNode): boolean {
    const busy = this.#underWay(node);
    for (let piece = 0; piece < this.layout.pieceCount; piece++) {
      if (node.lacks(piece) && !busy.has(piece)) return false;
    }
    return true;
  }

  #underWay(node: SimNode): Set<number> {
    const owed = [...node.ends.values()].flatMap((end) => [...end.owed]);
    return new Set([...owed.map((key) => Number.parseInt(key, 10)), ...node.buffers.keys()]);
  }

  #requested(end: End, key: string): void {
    const { node, other } = end;
    const [piece, block] = key.split(':').map(Number) as [number, number];
    const mayServe = node.transfer.mayServe(end.id, piece, block * BLOCK_BYTES, this.layout.blockBytes(piece, block));
    if (!mayServe || this.#random() < (node.plan.rejects ?? 0)) {
      if (end.hasFast) this.#reject(end, key);
      // Without BEP 6 a request that crossed our choke is dropped without a word.
      return;
    }
    end.uploads.add(key);
    if (node.servedBlocks >= (node.plan.silentAfter ?? Number.POSITIVE_INFINITY)) return;
    const isGood = this.#random() >= (node.plan.poisons ?? 0);
    node.sendingUntil = Math.max(node.sendingUntil, this.now) + 1000 / (node.plan.uplink ?? 50);
    this.#postAt(node.sendingUntil, end, () => {
      if (!end.uploads.delete(key)) return;
      node.servedBlocks++;
      this.#input(node, { type: 'served', link: end.id, bytes: BLOCK_BYTES });
      this.#post(other, () => this.#arrived(other, piece, block, isGood));
    });
  }

  #reject(end: End, key: string): void {
    const { other } = end;
    const [piece, block] = key.split(':').map(Number) as [number, number];
    this.#post(other, () => {
      other.owed.delete(key);
      this.#input(other.node, { type: 'rejected', link: other.id, piece, offset: block * BLOCK_BYTES });
    });
  }

  #arrived(end: End, piece: number, block: number, isGood: boolean): void {
    const { node } = end;
    const offset = block * BLOCK_BYTES;
    const isExpected = node.transfer.expects(end.id, piece, offset, this.layout.blockBytes(piece, block)) !== undefined;
    assert.equal(isExpected, end.owed.delete(`${piece}:${block}`), 'a block is expected while it is owed');
    if (!isExpected) return;
    const buffer = node.buffers.get(piece) ?? new Map<number, boolean>();
    node.buffers.set(piece, buffer);
    assert.ok(!buffer.has(block), 'a block counts once');
    buffer.set(block, isGood);
    node.receivedBlocks++;
    this.#input(node, { type: 'blockArrived', link: end.id, piece, offset });
  }

  #choke(end: End, isChoked: boolean): void {
    const { other } = end;
    assert.notEqual(end.weChoke, isChoked, 'a choke is said when it changes');
    end.weChoke = isChoked;
    const refused = isChoked ? [...end.uploads] : [];
    if (isChoked) end.uploads.clear();
    this.#post(other, () => {
      other.theyChoke = isChoked;
      if (isChoked && !other.hasFast) other.owed.clear();
      this.#input(other.node, { type: isChoked ? 'choked' : 'unchoked', link: other.id });
    });
    if (end.hasFast) for (const key of refused) this.#reject(end, key);
  }

  #check(node: SimNode, piece: number): void {
    const buffer = node.buffers.get(piece);
    assert.equal(buffer?.size, this.layout.blocksOf(piece), 'a piece is checked when all of it is here');
    const isGood = [...buffer!.values()].every(Boolean);
    this.#input(node, { type: 'pieceChecked', piece, isGood });
  }

  #store(node: SimNode, piece: number): void {
    assert.ok([...node.buffers.get(piece)!.values()].every(Boolean), 'only a good piece is written');
    const hasFailed = this.#random() < (this.plan.storeFailures ?? 0);
    const at = this.now + randomBelow(this.#random, 300);
    const disk = { node, isOpen: true } as unknown as End;
    this.#queue.push({
      at,
      order: this.#order++,
      to: disk,
      deliver: () => {
        if (!hasFailed) {
          node.stored.add(piece);
          node.buffers.delete(piece);
        }
        this.#input(node, { type: hasFailed ? 'storeFailed' : 'pieceStored', piece });
      },
    });
  }
}
