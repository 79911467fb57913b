/** The addresses that an overlay message names, so that a neighbour's word can open private ones. */
import { type Address, isFault } from '../../src/base/index.ts';
import { wallNow } from '../../src/io/alarm-clock.ts';
import { sha1 } from '../../src/io/hash.ts';
import { type OverlayMessage, openDescriptor, unletter } from '../../src/overlay/index.ts';

/** Every address in a message: of candidates, of nodes to be probed, and of descriptors. */
export function addressesIn(message: OverlayMessage, network: string): readonly Address[] {
  switch (message.type) {
    case 'stand':
    case 'vote':
      return message.addresses;
    case 'probe':
      return [message.address];
    case 'claim':
      return addressesOfRecords([message.descriptor], network);
    case 'records':
      return addressesOfRecords(
        message.records.flatMap((lettered) => unletter(lettered)?.record ?? []),
        network,
      );
    default:
      return [];
  }
}

/** The addresses in sealed descriptors. Signatures are not checked: the machine does that, and a neighbour may say anything. */
function addressesOfRecords(records: readonly Uint8Array[], network: string): readonly Address[] {
  const rules = { network, verify: () => true, sha1 };
  return records.flatMap((record) => {
    const descriptor = openDescriptor(record, rules, wallNow());
    return isFault(descriptor) ? [] : descriptor.addresses;
  });
}
