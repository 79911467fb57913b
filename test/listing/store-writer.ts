/** Performs writes on the listing named on the command line until it is killed, printing how many are acknowledged. */
import { openListingStore } from '../../src/io/index.ts';
import { perform, writeOf } from './store-writes.ts';

const [file = '', seed, first, rowsMax] = process.argv.slice(2);
const store = await openListingStore(file, { rowsMax: Number(rowsMax), warn: console.error });
for (let number = Number(first); ; number++) {
  await perform(store, writeOf(Number(seed), number), number);
  process.stdout.write(`${number + 1}\n`);
}
