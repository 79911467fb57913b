// What the overlay remembers over restarts, and which private addresses may be dialled on whose word.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { AddressBook } from '../../app/overlay/address-book.ts';
import { OverlayMemory } from '../../app/overlay/overlay-memory.ts';
import { type NodeId, parseNodeId } from '../../src/base/index.ts';
import { BoundNetwork } from '../../src/io/bound-network.ts';
import { Dialler } from '../../src/io/dialler.ts';
import type { KnownHost } from '../../src/overlay/index.ts';
import { temporaryFolder } from '../io/loopback-node.ts';
import { SILENT_LOG } from './place.ts';

const nodeOf = (n: number): NodeId => parseNodeId(n.toString(16).padStart(64, '0'))!;

function hostOf(n: number): KnownHost {
  const addresses = [
    { host: `10.0.2.${n}`, port: 7373 },
    { host: `2a01:${n}::1`, port: 443 },
  ];
  const nodeId = n % 2 === 0 ? nodeOf(n) : undefined;
  return { nodeId, addresses, heard: 1_700_000_000 + n, since: n, answered: 1_700_000_000, misses: n % 3 };
}

test('term and sequence outlive the process, and never fall', async () => {
  const folder = temporaryFolder('memory');
  const first = new OverlayMemory(folder, 'monsoon', SILENT_LOG);
  assert.deepEqual(await first.highest(), { term: 0, sequence: 0 });
  first.note({ term: 1, sequence: 1_700_000_000 });
  first.note({ term: 2, sequence: 1_700_000_009 });
  first.note({ term: 2, sequence: 1_700_000_001 });
  await first.close();
  assert.deepEqual(await new OverlayMemory(folder, 'monsoon', SILENT_LOG).highest(), {
    term: 2,
    sequence: 1_700_000_009,
  });
});

test('a damaged file gives way to the generation before it', async () => {
  const folder = temporaryFolder('memory');
  const memory = new OverlayMemory(folder, 'monsoon', SILENT_LOG);
  memory.note({ term: 1, sequence: 10 });
  memory.note({ term: 1, sequence: 20 });
  await memory.close();
  const path = join(folder, 'overlay.state');
  const bytes = readFileSync(path);
  for (const damaged of [bytes.subarray(0, -1), Buffer.alloc(0), bytes.with(3, 0x7f)]) {
    writeFileSync(path, damaged);
    const found = await new OverlayMemory(folder, 'monsoon', SILENT_LOG).highest();
    assert.deepEqual(found, { term: 1, sequence: 10 });
    const aside = readdirSync(folder).find((name) => name.startsWith('overlay.state.damaged-'))!;
    assert.deepEqual(readFileSync(join(folder, aside)), Buffer.from(damaged), 'what is damaged is set aside');
    rmSync(join(folder, aside));
  }
});

test('P-14 hosts known last are remembered by network as they were, at most 200', async () => {
  const folder = temporaryFolder('memory');
  const memory = new OverlayMemory(folder, 'monsoon', SILENT_LOG);
  const hosts = Array.from({ length: 240 }, (_, i) => hostOf(i + 1));
  memory.noteHosts(hosts);
  await memory.close();
  const found = await new OverlayMemory(folder, 'monsoon', SILENT_LOG).hosts();
  assert.deepEqual(found, hosts.slice(0, 200));
  assert.deepEqual(await new OverlayMemory(folder, 'elsewhere', SILENT_LOG).hosts(), []);
});

test('a private address is dialled on the word of the user or of a neighbour, and of nobody else', async (t) => {
  const network = await BoundNetwork.open('::');
  t.after(() => network.close());
  const book = new AddressBook(new Dialler(network, { allowLocal: false }));
  const lan = { host: '192.168.7.9', port: 7373 };
  assert.equal(book.mayAsk(lan.host, lan.port), false);
  book.hear(() => [lan], '203.0.113.5');
  assert.equal(book.mayAsk(lan.host, lan.port), false);
  book.hear(() => [lan, { host: '127.0.0.1', port: 7373 }, { host: '192.168.7.9', port: 22 }], '192.168.7.1');
  assert.equal(book.mayAsk(lan.host, lan.port), true);
  assert.equal(book.mayAsk('127.0.0.1', 7373), false);
  assert.equal(book.mayAsk('192.168.7.9', 22), false);
  book.vouch({ host: '127.0.0.1', port: 22 });
  assert.equal(book.mayAsk('127.0.0.1', 22), true);
});

test('a node is asked where it answered, until it does not or names other addresses', async (t) => {
  const network = await BoundNetwork.open('::');
  t.after(() => network.close());
  const book = new AddressBook(new Dialler(network, { allowLocal: true }));
  const [six, four] = [
    { host: '::1', port: 7373 },
    { host: '127.0.0.1', port: 7373 },
  ];
  const node = { nodeId: nodeOf(1), addresses: [six, four] };
  assert.deepEqual(book.addressOf(node), four);
  book.noteMissed(node.nodeId);
  assert.deepEqual(book.addressOf(node), six);
  const other = { nodeId: nodeOf(2), addresses: [four, six] };
  book.askFrom(() => [{ host: '2001:db8::7', port: 7373 }, four]);
  assert.deepEqual(book.addressOf(other), six, 'from the kind of address that we name first');
  book.askFrom(() => [four, six]);
  assert.deepEqual(book.addressOf(other), four);
  const elsewhere = { host: '127.0.0.9', port: 7373 };
  book.noteReached(node, elsewhere);
  assert.deepEqual(book.addressOf(node), elsewhere);
  assert.equal(book.nodeAt(elsewhere), node.nodeId);
  assert.deepEqual(book.addressOf({ ...node, addresses: [four] }), four);
});
