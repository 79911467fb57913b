// Several seeds at once: what they give together, and what happens when one of them is killed or falls silent.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BLOCK_BYTES } from '../../src/wire/index.ts';
import { eachSeed, SEED } from '../seed.ts';
import { Swarm } from './swarm.ts';
import type { NodePlan } from './swarm-node.ts';

const BLOCKS = 100 * 16;
/** Blocks a second of each seed. */
const UPLINK = 40;

interface Outcome {
  readonly seconds: number;
  /** Longest time without a block after the first one, in seconds. */
  readonly longestGap: number;
}

/** The last node downloads everything; the first one is killed after so many seconds. */
function download(seed: number, nodes: readonly NodePlan[], killedAfter = Number.POSITIVE_INFINITY): Outcome {
  const swarm = new Swarm(
    { length: BLOCKS * BLOCK_BYTES, pieceLength: 16 * BLOCK_BYTES, openPiecesMax: 32, nodes },
    seed,
  );
  const leech = swarm.nodes.at(-1)!;
  let longestGap = 0;
  for (let second = 1, gap = 0, before = 0; second < 300; second++) {
    swarm.pass(1);
    if (leech.transfer.isComplete) return { seconds: second, longestGap };
    gap = leech.receivedBlocks === before && before > 0 ? gap + 1 : 0;
    longestGap = Math.max(longestGap, gap);
    before = leech.receivedBlocks;
    if (second === killedAfter) swarm.kill(swarm.nodes[0]!);
  }
  assert.fail('it never completes');
}

const seed: NodePlan = { stored: 'all', uplink: UPLINK };
const leech: NodePlan = { stored: 'none' };

test(`two seeds give twice what one gives (seed ${SEED})`, () => {
  eachSeed(4, (random) => {
    const { seconds } = download(random, [seed, seed, leech]);
    // Links open and unchoke in the first seconds of the simulated weather.
    assert.ok(seconds <= BLOCKS / (2 * UPLINK) + 5, `${seconds} s`);
  });
});

test(`a seed that is killed in the middle stops nothing: the other one brings the rest (seed ${SEED})`, () => {
  eachSeed(4, (random) => {
    const { seconds, longestGap } = download(random, [seed, seed, leech], 10);
    assert.ok(longestGap <= 2, `${longestGap} s without a block`);
    assert.ok(seconds <= 10 + (BLOCKS - 2 * UPLINK * 5) / UPLINK + 5, `${seconds} s`);
  });
});

test(`a seed that falls silent with its link open holds up nothing that the other one has (seed ${SEED})`, () => {
  eachSeed(4, (random) => {
    const { seconds, longestGap } = download(random, [{ ...seed, silentAfter: 300 }, seed, leech]);
    assert.ok(longestGap <= 2, `${longestGap} s without a block`);
    assert.ok(seconds <= (BLOCKS - 300) / UPLINK + 5, `${seconds} s`);
  });
});
