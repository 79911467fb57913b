// Supernodes that lie, each in its own way: honest members keep their promises, and clients that ask two are answered.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hostileRole, ROLE_COUNT } from './hostile/roles.ts';
import { pass, settled, successOf, unbroken } from './scenario.ts';

// Where all liars answer alike and two of them are asked, nobody can tell: 4 % of pairs, and some ranges are larger.
const BAR = 0.93;

for (let n = 0; n < ROLE_COUNT; n++) {
  const { name } = hostileRole(n);
  test(`one supernode in five ${name.replaceAll('-', ' ')}`, () => {
    const simulation = settled({ seed: 61 + n, supernodes: 20, clients: 600, hostile: 0.2, hostileRole: n });
    assert.equal(simulation.roster.nodes.filter(({ isHonest }) => !isHonest).length, 4);
    pass(simulation, 300);
    assert.ok(successOf(simulation) > BAR, `${successOf(simulation)} of ${simulation.tally.native.lookups}`);
    unbroken(simulation);
  });
}
