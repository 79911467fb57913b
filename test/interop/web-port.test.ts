// Everything over the web's port: a firewall that lets nothing out but connections to it changes nothing for a client,
// and whoever looks with a browser sees a page.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { chromium } from 'playwright-core';
import { isInstalled, requireOrSkip } from '../require.ts';
import { type Monsoon, startMonsoon } from './clients/monsoon.ts';
import { makeContent, treeHash } from './content.ts';
import { type Host, inNamespace } from './network.ts';
import { run } from './program.ts';
import { hasWhatItTakes, TestBed } from './test-bed.ts';
import { until } from './until.ts';

const SIZE = 2 ** 20;
const SECONDS_MAX = 60;
const CHROMIUM = '/usr/bin/chromium';

/** Lets a host begin no connection but to one TCP port, answer none but on it, and send no datagram. */
async function closeBut(host: Host, port: number, rulesFile: string): Promise<void> {
  const rules = `table inet office {
  chain out {
    type filter hook output priority 0; policy drop;
    oif lo accept
    meta l4proto ipv6-icmp accept
    tcp dport ${port} accept
    tcp sport ${port} accept
    counter name refused
  }
  counter refused { }
}`;
  await writeFile(rulesFile, rules);
  await run(inNamespace(host, ['nft', ['-f', rulesFile]]));
}

/** Proves that the firewall is there: what it does not pass, it counts. */
async function assertClosed(host: Host, elsewhere: string): Promise<void> {
  await assert.rejects(run(inNamespace(host, ['curl', ['--max-time', '1', elsewhere]])));
  const counter = await run(inNamespace(host, ['nft', ['list', 'counter', 'inet', 'office', 'refused']]));
  assert.match(counter, /packets [1-9]/);
}

/** What a visitor of the page sees: its title, and the names in its table. */
async function visit(node: Monsoon, scheme: string): Promise<{ title: string; names: string[] }> {
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] });
  try {
    // The certificate is the node's own: a browser warns of it, and an operator can give a better one.
    const page = await browser.newPage({ ignoreHTTPSErrors: true });
    const answer = await page.goto(`${scheme}://${node.contact}/`);
    assert.equal(answer?.status(), 200);
    return { title: await page.title(), names: await page.locator('tbody .name a').allTextContents() };
  } finally {
    await browser.close();
  }
}

for (const [port, scheme] of [
  [443, 'https'],
  [80, 'http'],
] as const) {
  test(`N-02 N-21 M-04 behind a firewall that passes TCP to port ${port} alone a client joins, shares, lists and fetches; a browser sees a page`, async (t) => {
    if (!(await hasWhatItTakes(t, ['nft', 'curl']))) return;
    if (!requireOrSkip(t, isInstalled('chromium') && existsSync(CHROMIUM), `${CHROMIUM} is not installed`)) return;
    const bed = await TestBed.create(t);
    const supernode = await startMonsoon(await bed.place('supernode'), { role: 'supernode', listenPort: port });
    const settings = { bootstrap: [supernode.contact], listenPort: port };
    const sharer = await startMonsoon(await bed.place('sharer'), settings);
    const place = await bed.place('inside');
    await closeBut(place.host, port, join(place.scratch, 'rules.nft'));
    await assertClosed(place.host, `http://${supernode.contact.replace(/\d+$/, '7373')}/`);
    const client = await startMonsoon(place, settings);

    const theirs = await makeContent(await bed.directory('content'), 'from outside', SIZE, 7);
    const shared = await sharer.share(join(theirs.parent, theirs.name));
    await until('the listing', SECONDS_MAX, async () => {
      const rows = await client.listing();
      return rows.some(({ infoHash }) => infoHash === shared.infoHash) || undefined;
    });
    const into = await bed.directory('fetched');
    await client.fetch(shared.infoHash, into);
    assert.equal((await client.fetched(SECONDS_MAX)).size, theirs.size);
    assert.deepEqual(await treeHash(join(into, theirs.name)), await treeHash(join(theirs.parent, theirs.name)));

    const own = await makeContent(await bed.directory('content'), 'from inside', SIZE, 8);
    const given = await client.share(join(own.parent, own.name));
    const out = await bed.directory('given');
    await sharer.fetch(given.infoHash, out);
    assert.equal((await sharer.fetched(SECONDS_MAX)).size, own.size);

    const seen = await until('both to be on the page', SECONDS_MAX, async () => {
      const found = await visit(supernode, scheme);
      return found.names.length === 2 ? found : undefined;
    });
    assert.deepEqual(seen.names.toSorted(), ['from inside', 'from outside']);
    assert.match(seen.title, /\S/);
    assert.doesNotMatch(seen.title, /torrent/i);
  });
}
