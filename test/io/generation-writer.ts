// A process that saves one value after another in a file of two generations until it is killed, and names each once
// it is saved.
import { GenerationFile } from '../../src/io/generation-file.ts';

const [path, count] = process.argv.slice(2) as [string, string];
const file = new GenerationFile(path);
for (let value = 1; value <= Number(count); value++) {
  await file.save(Buffer.from(`${value}`));
  process.stdout.write(`${value}\n`);
}
