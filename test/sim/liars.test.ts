// Supernodes that lie, each in its own way: honest members keep their promises, and clients that ask two are answered.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hostileRole, ROLE_COUNT } from './hostile/roles.ts';
import { pass, settled, successOf, unbroken } from './scenario.ts';

/**
 * Hashes that liars alone keep are left out: with few nodes of one token each, which of them those are, and how popular,
 * is the luck of the ring. Where liars answer alike and both that are asked lie, nobody can tell: 4 % of pairs, and much more of the lookups where
 * one of few popular hashes has such a pair.
 */
const barOf = (name: string): number => (name === 'claims-everything' ? 0.85 : 0.95);

for (let n = 0; n < ROLE_COUNT; n++) {
  const { name } = hostileRole(n);
  test(`one supernode in five ${name.replaceAll('-', ' ')}`, () => {
    const simulation = settled({ seed: 61 + n, supernodes: 20, clients: 600, hostile: 0.2, hostileRole: n });
    assert.equal(simulation.roster.nodes.filter(({ isHonest }) => !isHonest).length, 4);
    pass(simulation, 300);
    assert.ok(successOf(simulation) >= barOf(name), `${successOf(simulation)} of ${simulation.tally.native.lookups}`);
    unbroken(simulation);
  });
}
