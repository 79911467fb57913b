// Which private addresses may be asked, whatever neighbours tell.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AddressBook } from '../../app/overlay/address-book.ts';
import type { Address, NodeId } from '../../src/base/index.ts';
import { BoundNetwork } from '../../src/io/bound-network.ts';
import { Dialler } from '../../src/io/dialler.ts';

const network = await BoundNetwork.open('::');
const book = () => new AddressBook(new Dialler(network, { allowLocal: false }));
const at = (host: string): Address => ({ host, port: 7373 });

/** One neighbour tells of so many addresses, 800 a message. */
function flood(addressBook: AddressBook, teller: string, messages: number): void {
  for (let m = 0; m < messages; m++) {
    const told = Array.from({ length: 800 }, (_, i) => ({ host: `10.${1 + m}.${i >> 8}.${i & 255}`, port: 2000 + m }));
    addressBook.hear(() => told, teller);
  }
}

test('what one neighbour tells pushes out neither the user’s addresses, nor another’s, nor where a node answered', () => {
  const addresses = book();
  const [named, told, answered] = [at('10.0.0.5'), at('10.0.0.6'), at('10.0.0.7')];
  addresses.vouch(named);
  addresses.hear(() => [told], '10.0.0.65');
  addresses.hear(() => [answered], '10.0.0.66');
  addresses.noteReached({ nodeId: 'aa'.repeat(32) as NodeId, addresses: [answered] }, answered);
  flood(addresses, '10.0.0.66', 30);
  for (const { host, port } of [named, told, answered]) assert.ok(addresses.mayAsk(host, port), host);
  assert.ok(addresses.mayAsk('10.30.0.1', 2029), 'what it told last');
  assert.ok(!addresses.mayAsk('10.1.0.1', 2000), 'what it told first');
});

test('only neighbours vouch, and who was never vouched for is not kept because it answered', () => {
  const addresses = book();
  const stranger = at('10.0.0.8');
  addresses.hear(() => [stranger], '8.8.8.8');
  addresses.noteReached({ nodeId: 'bb'.repeat(32) as NodeId, addresses: [stranger] }, stranger);
  assert.ok(!addresses.mayAsk(stranger.host, stranger.port));
  assert.ok(addresses.mayAsk('8.8.8.8', 7373));
});
