import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Filter } from '../../app/listing/filter.ts';
import { openListingStore } from '../../src/io/index.ts';
import { temporaryFolder } from '../io/loopback-node.ts';
import { infoHashOf, nodeIdOf } from '../listing/signer.ts';
import { SILENT_LOG } from './place.ts';

test('a rule is removed by what no other rule begins with, and nothing is changed where that is unclear', async (t) => {
  const file = join(temporaryFolder('filter'), 'deny.txt');
  const store = await openListingStore(':memory:', { rowsMax: 10, warn: assert.fail });
  t.after(() => store.close());
  const filter = await Filter.open(file, { store, nodeId: nodeIdOf(1), log: SILENT_LOG });
  const [first, second] = [infoHashOf(1), infoHashOf(2)];
  await filter.change({ add: [first, second, 'name:Bad', 'name:badly', `by:${nodeIdOf(0x5d)}`] });
  const refused = async (remove: string[], code: string, text: RegExp): Promise<void> => {
    await assert.rejects(filter.change({ remove }), (error: Error & { code?: string }) => {
      assert.equal(error.code, code);
      return text.test(error.message);
    });
    assert.equal(filter.status.total, 5);
  };
  await refused(['name:'], 'usage', /^2 rules begin with "name:"/);
  await refused([first.slice(0, 4)], 'usage', /^2 rules begin with/);
  await refused(['by:', 'name:good'], 'not-found', /no rule name:good/);
  await refused([''], 'not-found', /no rule/);
  await filter.change({ remove: ['NAME:bad', 'by:', second.slice(0, 8)] });
  assert.deepEqual(filter.status.rules, [first, 'name:badly']);
  assert.equal(readFileSync(file, 'utf8'), `${first}\nname:badly\n`);
});
