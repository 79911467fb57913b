// LINKS: what each policy makes of a link that begins, in either direction.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { acceptedMethods, dialOrder, type LinkKind, mayBegin } from '../../src/link/index.ts';

const KINDS: readonly LinkKind[] = ['tls', 'mse', 'plain'];

test('an unknown peer is tried with TLS, MSE with RC4, MSE of the header alone, and plain, as far as the policy goes', () => {
  assert.deepEqual(dialOrder(undefined, 'prefer'), ['tls', 'mse', 'header', 'plain']);
  assert.deepEqual(dialOrder(undefined, 'require'), ['tls', 'mse']);
  assert.deepEqual(dialOrder(undefined, 'off'), ['plain']);
});

test('a known peer is spoken to as it likes, and one that speaks TLS with nothing less', () => {
  assert.deepEqual(dialOrder('tls', 'prefer'), ['tls']);
  assert.deepEqual(dialOrder('mse', 'prefer'), ['mse', 'header', 'plain']);
  assert.deepEqual(dialOrder('plain', 'prefer'), ['plain']);
});

test('`require` never begins or takes a plain link; `off` begins no other, and answers no MSE', () => {
  for (const known of [undefined, ...KINDS]) {
    for (const step of ['header', 'plain'] as const) assert.ok(!dialOrder(known, 'require').includes(step));
    assert.deepEqual(dialOrder(known, 'off'), ['plain']);
  }
  assert.deepEqual(
    KINDS.filter((kind) => mayBegin('require', kind)),
    ['tls', 'mse'],
  );
  assert.deepEqual(
    KINDS.filter((kind) => mayBegin('off', kind)),
    ['tls', 'plain'],
  );
  assert.deepEqual(
    KINDS.filter((kind) => mayBegin('prefer', kind)),
    KINDS,
  );
});

test('`require` takes no MSE that hides the header alone', () => {
  assert.deepEqual(acceptedMethods('require'), ['rc4']);
  assert.deepEqual(acceptedMethods('prefer'), ['rc4', 'plain']);
});
