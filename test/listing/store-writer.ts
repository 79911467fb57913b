/** Writes batches of 50 entries to the listing named on the command line until it is killed, printing the rows stored. */
import { openListingStore } from '../../src/io/index.ts';
import { infoHashOf, storedItem } from './signer.ts';

const store = await openListingStore(process.argv[2]!, { rowsMax: 1_000_000, warn: console.error });
for (let stored = await store.rowCount(); ; stored += 50) {
  await store.put(Array.from({ length: 50 }, (_, i) => storedItem({ infoHash: infoHashOf(stored + i) })));
  process.stdout.write(`${stored + 50}\n`);
}
