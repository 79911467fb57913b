import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { finish, infoHashBytes, type Steps } from '../../src/base/index.ts';
import { openListingStore } from '../../src/io/index.ts';
import { DENY_PATTERNS_MAX, DenyList, linesBesides } from '../../src/listing/index.ts';
import { infoHashOf, NOW, nodeIdOf, storedItem } from './signer.ts';

const hashOf = (infoHash: ReturnType<typeof infoHashOf>): string =>
  createHash('sha256').update(infoHashBytes(infoHash)).digest('hex');

test('hashes, hashed hashes, publishers and patterns deny what they name and nothing else', () => {
  const list = new DenyList(hashOf);
  const refused = list.add(`
    # a remark
    ${infoHashOf(1).toUpperCase()}   # with a reason
    sha256:${hashOf(infoHashOf(2))}
    by:${nodeIdOf(3)}
    name:Bad*Thing
    name:***
    nonsense
    by:123`);
  assert.deepEqual(
    refused.map((line) => line.trim()),
    ['name:***', 'nonsense', 'by:123'],
  );
  assert.equal(list.size, 4);
  assert.equal(list.reason({ infoHash: infoHashOf(1) }), infoHashOf(1));
  assert.equal(list.reason({ infoHash: infoHashOf(2) }), `sha256:${hashOf(infoHashOf(2))}`);
  assert.equal(list.reason({ infoHash: infoHashOf(9), publisher: nodeIdOf(3) }), `by:${nodeIdOf(3)}`);
  assert.equal(list.reason({ infoHash: infoHashOf(9), name: 'A BÄD old THING!' }), 'name:bad*thing');
  assert.equal(list.reason({ infoHash: infoHashOf(9), name: 'thing bad', publisher: nodeIdOf(4) }), undefined);
});

test('patterns take linear time, whatever they are', () => {
  const list = new DenyList(hashOf);
  list.add(Array.from({ length: DENY_PATTERNS_MAX + 5 }, () => `name:${'a*'.repeat(90)}b`).join('\n'));
  assert.equal(list.size, DENY_PATTERNS_MAX);
  assert.equal(new DenyList(hashOf).add(`name:${'x'.repeat(201)}`).length, 1, 'too long');
  const startedAt = performance.now();
  assert.equal(list.reason({ infoHash: infoHashOf(1), name: 'a'.repeat(200) }), undefined);
  // A pattern matcher that goes back would take longer than the sun burns.
  assert.ok(performance.now() - startedAt < 5000);
});

test('what is denied leaves the store, is not found, and does not come back; our own stays', async (t) => {
  const store = await openListingStore(':memory:', { rowsMax: 100, warn: assert.fail });
  t.after(() => store.close());
  const spam = storedItem({ infoHash: infoHashOf(1), name: 'Spam spam' });
  await store.put([
    spam,
    storedItem({ infoHash: infoHashOf(2), name: 'Good' }),
    storedItem({ infoHash: infoHashOf(3), name: 'Our spam' }, { isPinned: true }),
  ]);
  await store.deny('name:spam');
  assert.deepEqual(
    (await store.list({ sort: 'name' }, NOW)).rows.map(({ name }) => name),
    ['Good', 'Our spam'],
  );
  assert.equal(await store.put([spam]), 0);
  assert.equal((await store.list({ text: 'spam' }, NOW)).total, 1);
  await store.deny('');
  assert.equal(await store.put([spam]), 1);
});

test('rules that are added one after the other take what each names, of whoever published it', async (t) => {
  const store = await openListingStore(':memory:', { rowsMax: 100, warn: assert.fail });
  t.after(() => store.close());
  const by = (publisher: number, hash: number, name: string) =>
    storedItem({ infoHash: infoHashOf(hash), name, publisher: nodeIdOf(publisher) });
  await store.put([by(1, 1, 'one'), by(2, 1, 'one too'), by(1, 2, 'two'), by(2, 3, 'three'), by(3, 4, 'four')]);
  const names = async () => (await store.list({ sort: 'name' }, NOW)).rows.map(({ name }) => name);
  const rules = [infoHashOf(1), `by:${nodeIdOf(2)}`, 'name:four'];
  assert.equal(await store.rowCount(), 4);
  await store.deny(rules.slice(0, 1).join('\n'));
  assert.deepEqual(await names(), ['four', 'three', 'two']);
  await store.deny(rules.slice(0, 2).join('\n'));
  assert.deepEqual(await names(), ['four', 'two']);
  await store.deny(rules.join('\n'));
  assert.deepEqual(await names(), ['two']);
  assert.equal(await store.put([by(1, 1, 'one'), by(2, 5, 'five'), by(3, 6, 'four more')]), 0);
  await store.deny(rules.slice(2).join('\n'));
  assert.equal(await store.put([by(1, 1, 'one'), by(2, 5, 'five')]), 2);
});

test('entries of some arcs are told by cursor, and once more when their arc is touched', async (t) => {
  const store = await openListingStore(':memory:', { rowsMax: 10_000, warn: assert.fail });
  t.after(() => store.close());
  await store.put(Array.from({ length: 200 }, (_, i) => storedItem({ infoHash: infoHashOf(i * 0x01_00_00_00) })));
  const position = (byte: number): string => byte.toString(16).padStart(2, '0').padEnd(40, '8');
  const arc = { from: position(0x10), to: position(0x2f) };
  const page = await store.changesSince('', 1000, [arc]);
  assert.deepEqual([page.items.length, page.more], [31, false]);
  assert.equal((await store.changesSince(page.cursor, 1000, [arc])).items.length, 0);
  await store.touch({ from: position(0x2e), to: position(0x3f) });
  assert.equal((await store.changesSince(page.cursor, 1000, [arc])).items.length, 1);
  const around = { from: position(0xf0), to: position(0x01) };
  assert.equal((await store.changesSince('', 1000, [around])).items.length, 2, 'over the end of the ring');
  const small = await store.changesSince('', 10, [arc]);
  assert.deepEqual([small.items.length, small.more], [10, true]);
});

test('a long list is read in steps, and so is what tells one version from another', () => {
  const lines = Array.from({ length: 6000 }, (_, i) => infoHashOf(i));
  const text = lines.join('\n');
  const rests = (steps: Steps<unknown>): number => [...steps].length;
  assert.ok(rests(new DenyList(hashOf).addSteps(text)) > 10);
  assert.ok(rests(linesBesides([text], [text])) > 20);
  assert.deepEqual(finish(linesBesides([text, ''], [`${text}\nname:more`])), []);
  assert.deepEqual(finish(linesBesides([`${text}\nname:more`], [text])), ['name:more']);
});
