// What one listed oneself, what one does not want to see, and the nodes known: on the local page, behind the surface of a
// real node.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NODE_ID } from '../app/fake-node.ts';
import { until } from '../io/loopback-node.ts';
import { infoHashOf, nodeIdOf, storedItem } from '../listing/signer.ts';
import { openPageNode, type PageNode, ringOf } from './page-node.ts';
import { canVisit, visit } from './visit.ts';

const deedsOf = (node: PageNode): unknown[][] =>
  node.asked.filter(([verb]) => /^(?:say|filter|addHosts)$/.test(`${verb}`));
const SPAMMER = nodeIdOf(5);

const rows = () => [
  storedItem({ infoHash: infoHashOf(1), name: 'Ours', publisher: NODE_ID, tags: ['tv'] }, { isPinned: true }),
  storedItem({ infoHash: infoHashOf(2), name: 'Spam one', publisher: SPAMMER }),
  storedItem({ infoHash: infoHashOf(3), name: 'Spam two', publisher: SPAMMER }),
  storedItem({ infoHash: infoHashOf(4), name: 'Fake', publisher: nodeIdOf(6) }),
];

test('what one listed oneself is edited and withdrawn beside the listing, and nobody else’s is', async (t) => {
  if (!(await canVisit(t))) return;
  const { node, url } = await openPageNode(t, rows());
  node.ring = ringOf(3, 2);
  const { page, incidents } = await visit(t, `${url}#/?torrent=${infoHashOf(4)}`);
  await page.getByRole('button', { name: 'Hide this' }).waitFor();
  assert.equal(await page.getByRole('region', { name: 'Your entry' }).count(), 0);
  await page.goto(`${url}#/?torrent=${infoHashOf(1)}`);
  const own = page.getByRole('region', { name: 'Your entry' });
  await own.getByRole('button', { name: 'Edit' }).press('Enter');
  assert.equal(await page.getByRole('button', { name: 'Hide this' }).count(), 0);
  assert.equal(await own.getByLabel('Tags').inputValue(), 'tv');
  await own.getByLabel('Category').selectOption('misc');
  await own.getByLabel('Description').fill(' new words ');
  await own.getByLabel('Tags').fill('ebook, home');
  await own.getByLabel('Tags').press('Enter');
  await page.getByRole('status').getByText('Ours is listed so now').waitFor();
  await own.getByRole('button', { name: 'Withdraw' }).press('Enter');
  await own.getByRole('button', { name: 'Take it out of every list?' }).press('Enter');
  await page.getByRole('status').getByText('Ours is taken out of the listing').waitFor();
  assert.deepEqual(deedsOf(node), [
    [
      'say',
      infoHashOf(1),
      { type: 'edit', claims: { category: 'misc', description: 'new words', tags: ['ebook', 'home'] } },
    ],
    ['say', infoHashOf(1), { type: 'withdraw' }],
  ]);
  assert.deepEqual(incidents, []);
});

test('a row or its publisher is hidden, the filter shows why, and what is taken away there is undone', async (t) => {
  if (!(await canVisit(t))) return;
  const { node, url } = await openPageNode(t, rows());
  node.ring = ringOf(3, 2);
  const { page, incidents } = await visit(t, `${url}#/?torrent=${infoHashOf(4)}`);
  await page.getByRole('button', { name: 'Hide this' }).click();
  await page.getByRole('status').getByText('Fake is hidden').waitFor();
  await page.locator('.panel').waitFor({ state: 'detached' });
  await page.goto(`${url}#/?torrent=${infoHashOf(2)}`);
  await page.getByRole('button', { name: 'Hide its publisher' }).press('Enter');
  await page.getByRole('status').getByText('All of this publisher is hidden').waitFor();
  await page.getByText('1 torrent', { exact: true }).waitFor();
  await page.getByRole('link', { name: 'Filter', exact: true }).click();
  const rules = page.getByRole('list', { name: 'Rules' });
  await rules.getByText(`by:${SPAMMER}`).waitFor();
  await rules.getByRole('button', { name: `Remove ${infoHashOf(4)}` }).press('Enter');
  await page.getByRole('status').getByText('The rule is gone').waitFor();
  await page.getByLabel('Rule', { exact: true }).fill('name:*keygen*');
  await page.getByLabel('Rule', { exact: true }).press('Enter');
  await rules.getByText('name:*keygen*').waitFor();
  assert.equal(await rules.getByRole('listitem').count(), 2);
  node.failure = 'the disk is <b>full</b>';
  await page.getByLabel('Rule', { exact: true }).fill('name:more');
  await page.getByLabel('Rule', { exact: true }).press('Enter');
  await page.getByRole('alert').getByText('the disk is <b>full</b>').waitFor();
  assert.equal(await page.getByLabel('Rule', { exact: true }).inputValue(), 'name:more', 'what was not taken stays');
  assert.deepEqual(deedsOf(node), [
    ['filter', { add: [infoHashOf(4)] }],
    ['filter', { add: [`by:${SPAMMER}`] }],
    ['filter', { remove: [infoHashOf(4)] }],
    ['filter', { add: ['name:*keygen*'] }],
  ]);
  assert.deepEqual(
    incidents.filter((text) => !/507/.test(text)),
    [],
  );
});

test('lists are followed and left by key, and one of one’s own is signed', async (t) => {
  if (!(await canVisit(t))) return;
  const { node, url } = await openPageNode(t);
  const { page, incidents } = await visit(t, `${url}#/filter`);
  const key = page.getByLabel('Key of a list’s author');
  await key.fill('abc');
  await key.press('Enter');
  assert.deepEqual(deedsOf(node), [], 'no key');
  await key.fill(` ${nodeIdOf(7)} `);
  await page.getByLabel('show only the publishers that it names').check();
  await key.press('Enter');
  const lists = page.getByRole('list', { name: 'Lists' });
  await lists.getByText('12 rules, only its publishers are shown, asked for 1 min ago').waitFor();
  await lists.getByText(nodeIdOf(7)).waitFor();
  await lists.getByRole('button', { name: /^Leave / }).press('Enter');
  await page.getByText('You follow none.').waitFor();
  await page.getByRole('button', { name: 'Write one' }).press('Enter');
  await page.getByLabel('Title').fill('Fakes');
  await page.getByLabel('Rules, one a line').fill('name:one\nname:two');
  await page.getByRole('button', { name: 'Sign and publish' }).press('Enter');
  await page.getByRole('status').getByText('Your list is signed').waitFor();
  await page.getByRole('button', { name: 'Change it' }).press('Enter');
  assert.equal(await page.getByLabel('Rules, one a line').inputValue(), 'name:one\nname:two');
  assert.deepEqual(deedsOf(node), [
    ['filter', { subscribe: { author: nodeIdOf(7), takesOnly: true } }],
    ['filter', { unsubscribe: nodeIdOf(7) }],
    ['filter', { publish: { title: 'Fakes', rules: 'name:one\nname:two' } }],
  ]);
  assert.deepEqual(incidents, []);
});

test('N-26 known nodes are shown, their list is copied as text, and a pasted one is asked', async (t) => {
  if (!(await canVisit(t))) return;
  const { node, url } = await openPageNode(t);
  node.ring = ringOf(3, 2);
  const { page, incidents } = await visit(t, `${url}#/network`, { permissions: ['clipboard-read', 'clipboard-write'] });
  const hosts = page.getByRole('region', { name: 'Known nodes' });
  const lines = hosts.getByRole('row');
  await lines.nth(2).waitFor();
  assert.match((await lines.nth(1).textContent())!, /anchor.*192\.0\.2\.1:7373.* ago0$/);
  assert.match((await lines.nth(2).textContent())!, /^not met .*192\.0\.2\.1:443never2$/);
  await hosts.getByRole('button', { name: 'Copy the list' }).press('Enter');
  await page.getByRole('status').getByText('1 node is copied').waitFor();
  assert.equal(await page.evaluate('navigator.clipboard.readText()'), `192.0.2.1:7373 ${NODE_ID}\n`);
  const list = '198.51.100.4:7373\n# a remark\nseeds.example.org';
  await hosts.getByLabel('Hosts, one a line, or the address of a list').fill(list);
  await hosts.getByRole('button', { name: 'Ask them' }).press('Enter');
  await page.getByRole('status').getByText('They know 3 supernodes').waitFor();
  await until('the list', () => deedsOf(node).length === 1);
  assert.deepEqual(deedsOf(node), [['addHosts', list]]);
  assert.deepEqual(incidents, []);
});
