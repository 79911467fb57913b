// Whole swarms of transfer machines on a bad network: swarm.ts plays the hosts and checks each message on the way.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomBelow, seededRandom } from '../../src/base/index.ts';
import type { Priority } from '../../src/torrent/index.ts';
import { BLOCK_BYTES } from '../../src/wire/index.ts';
import { eachSeed, SEED } from '../seed.ts';
import { Swarm, type SwarmPlan } from './swarm.ts';
import type { NodePlan } from './swarm-node.ts';

const MINUTES = 60;

/** Runs until every honest node is complete and at rest, then checks that nothing is left over. */
function complete(plan: SwarmPlan, seed: number, secondsMax: number): Swarm {
  const swarm = new Swarm(plan, seed);
  const honest = swarm.nodes.filter((node) => !node.isPoisoner && node.plan.silentAfter === undefined);
  swarm.run(secondsMax, () => honest.every((node) => node.transfer.isComplete));
  for (const node of honest) {
    for (let piece = 0; piece < swarm.layout.pieceCount; piece++) assert.ok(!node.lacks(piece));
    assert.ok(node.isComplete, 'completion was reported');
    assert.equal(node.transfer.piecesUnderWay, 0, 'no piece is left open');
    assert.equal(node.buffers.size, 0, 'no buffer is left');
    for (const link of node.transfer.links.values()) {
      assert.equal(link.asked, 0);
      assert.equal(link.working.size, 0);
      assert.equal(link.weAreInterested, false, 'who has what it wants wants nothing');
    }
  }
  return swarm;
}

const geometry = (seed: number): { length: number; pieceLength: number; openPiecesMax: number } => {
  const random = seededRandom(seed);
  const pieceLength = BLOCK_BYTES * [1, 2, 4, 16][randomBelow(random, 4)]!;
  return { length: 1 + randomBelow(random, 40 * pieceLength), pieceLength, openPiecesMax: 1 + randomBelow(random, 8) };
};

test(`a swarm of honest nodes completes on a good network (seed ${SEED})`, () => {
  eachSeed(30, (seed) => {
    const swarm = complete(
      { ...geometry(seed), nodes: [{ stored: 'all' }, ...Array(4).fill({ stored: 'none' })] },
      seed,
      5 * MINUTES,
    );
    const blocks = Math.ceil(swarm.plan.length / BLOCK_BYTES);
    for (const node of swarm.nodes.slice(1)) assert.ok(node.receivedBlocks === blocks, 'no block is fetched twice');
  });
});

test(`nodes that hold different parts complete each other (seed ${SEED})`, () => {
  eachSeed(20, (seed) => {
    const parts = [0, 1, 2].map((part) =>
      Array.from({ length: 40 }, (_, piece) => piece).filter((piece) => piece % 3 === part),
    );
    complete({ ...geometry(seed), nodes: parts.map((stored) => ({ stored })) }, seed, 5 * MINUTES);
  });
});

for (const hasFast of [true, false]) {
  const name = hasFast ? 'with' : 'without';
  test(`a swarm ${name} the fast extension completes while links break, disks fail and few slots rotate (seed ${SEED})`, () => {
    eachSeed(25, (seed) => {
      complete(
        {
          ...geometry(seed),
          hasFast,
          breaks: 0.05,
          storeFailures: 0.1,
          pauses: 0.02,
          nodes: [{ stored: 'all', uploadSlots: 2 }, ...Array(5).fill({ stored: 'none', uploadSlots: 2 })],
        },
        seed,
        20 * MINUTES,
      );
    });
  });
}

test(`nodes that want different parts fetch those and nothing else, in any order (seed ${SEED})`, () => {
  eachSeed(20, (seed) => {
    const swarm = complete(
      {
        ...geometry(seed),
        nodes: [
          { stored: 'all' },
          { stored: 'none', wants: [0, 2, 0, 3] },
          { stored: 'none', wants: [1, 0], isSequential: true },
          { stored: [1], wants: [0, 0, 0] },
        ],
      },
      seed,
      5 * MINUTES,
    );
    for (const node of swarm.nodes.slice(1)) {
      for (const piece of node.stored)
        assert.ok(node.priorities[piece] !== 0 || piece === 1, 'nothing else is fetched');
    }
  });
});

test(`a selection may change at any time (seed ${SEED})`, () => {
  eachSeed(25, (seed) => {
    const random = seededRandom(seed);
    const shape = { ...geometry(seed), storeFailures: 0.05, breaks: 0.02, hasFast: seed % 2 === 0 };
    const swarm = new Swarm({ ...shape, nodes: [{ stored: 'all' }, { stored: 'none' }, { stored: 'none' }] }, seed);
    const node = swarm.nodes[1]!;
    for (let round = 0; round < 20; round++) {
      const skipped = random();
      const draw = (): Priority => (random() < skipped ? 0 : ((1 + randomBelow(random, 3)) as Priority));
      swarm.select(node, Array.from({ length: swarm.layout.pieceCount }, draw));
      swarm.pass(randomBelow(random, 4));
    }
    swarm.run(10 * MINUTES, () => node.transfer.isComplete && node.transfer.piecesUnderWay === 0);
    assert.ok(node.isComplete, 'completion was reported');
    assert.equal(node.buffers.size, 0);
  });
});

test(`a seed that rejects half of all requests slows a download down and stops nothing (seed ${SEED})`, () => {
  eachSeed(10, (seed) => {
    complete({ ...geometry(seed), nodes: [{ stored: 'all', rejects: 0.5 }, { stored: 'none' }] }, seed, 600 * MINUTES);
  });
});

test(`a peer that falls silent in the middle holds up nobody for long (seed ${SEED})`, () => {
  eachSeed(20, (seed) => {
    complete(
      { ...geometry(seed), nodes: [{ stored: 'all', silentAfter: seed % 20 }, { stored: 'all' }, { stored: 'none' }] },
      seed,
      10 * MINUTES,
    );
  });
});

test(`who alone sent a bad piece is banned, no honest node ever is, and everybody completes (seed ${SEED})`, () => {
  let banned = 0;
  eachSeed(40, (seed) => {
    const swarm = complete(
      {
        ...geometry(seed),
        breaks: seed % 2 ? 0.01 : 0,
        nodes: [
          { stored: 'all' },
          { stored: 'all', poisons: [1, 0.3, 0.03][seed % 3]! },
          { stored: 'none' },
          { stored: 'none' },
          { stored: 'none' },
        ],
      },
      seed,
      60 * MINUTES,
    );
    for (const node of swarm.nodes) {
      for (const name of node.banned) assert.ok(swarm.nodes[name]!.isPoisoner, 'an honest node was banned');
      banned += node.banned.size;
    }
  });
  assert.ok(banned > 20, `only ${banned} bans`);
});

for (const openPiecesMax of [1, 2, 32]) {
  const how = openPiecesMax < 32 ? `that share ${openPiecesMax} open pieces` : 'that rarely share a piece';
  test(`a poisoner among peers ${how} is banned, and costs at most 5 % (seed ${SEED})`, () => {
    eachSeed(3, (seed) => {
      const poisons = [1, 0.3, 0.01][seed % 3]!;
      const uplink = 400;
      const nodes: NodePlan[] = [{ stored: 'all', uplink }, { stored: 'all', poisons, uplink }, { stored: 'none' }];
      const shape = { length: 100 * 64 * BLOCK_BYTES, pieceLength: 64 * BLOCK_BYTES, openPiecesMax };
      const swarm = complete({ ...shape, nodes }, seed, 5 * MINUTES);
      const leech = swarm.nodes[2]!;
      assert.deepEqual([...leech.banned], [1]);
      const waste = leech.receivedBlocks / (100 * 64) - 1;
      assert.ok(waste <= 0.05, `${(100 * waste).toFixed(1)} % wasted`);
    });
  });
}

test(`G-16 two poisoners in a swarm cannot keep a piece from completing (seed ${SEED})`, () => {
  eachSeed(15, (seed) => {
    const swarm = complete(
      {
        ...geometry(seed),
        nodes: [
          { stored: 'all', poisons: 0.5 },
          { stored: 'all', poisons: 0.1 },
          { stored: 'all' },
          { stored: 'none' },
          { stored: 'none' },
        ],
      },
      seed,
      60 * MINUTES,
    );
    for (const node of swarm.nodes) {
      for (const name of node.banned) assert.ok(swarm.nodes[name]!.isPoisoner, 'an honest node was banned');
    }
  });
});
