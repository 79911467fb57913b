// The vectors against a running node: each torrent, magnet and body gets its verdict, nothing is written outside, and a
// probe is answered after each.
import assert from 'node:assert/strict';
import dns from 'node:dns';
import { readdirSync, readFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { before, mock, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { bytesOfHex, MonsoonError } from '../../src/base/index.ts';
import { temporaryFolder } from '../io/loopback-node.ts';
import { exchange, probe, running } from './running.ts';

const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
const read = <Shape>(name: string): Shape => JSON.parse(readFileSync(fixture(name), 'utf8')) as Shape;

async function verdictOf(ask: () => Promise<unknown>): Promise<string> {
  try {
    await ask();
    return 'accept';
  } catch (error) {
    assert.ok(error instanceof MonsoonError, `a refusal is a MonsoonError, not ${error}`);
    assert.match(error.message, /^.{10,}[.]$/s, 'it is a sentence');
    return 'reject';
  }
}

// The vectors name real trackers, which a test must not bother.
before(() => {
  const real = dns.lookup;
  mock.method(dns, 'lookup', (name: string, ...rest: unknown[]) => {
    if (isIP(name)) return Reflect.apply(real, dns, [name, ...rest]);
    return (rest.at(-1) as (error: Error) => void)(new Error('no names in tests'));
  });
  syncBuiltinESMExports();
});

test('every torrent of the vectors is accepted or refused with a sentence, and nothing lands outside', async (t) => {
  const { node, port } = await running(t);
  const { torrents } = read<{ torrents: Record<string, { verdict: string; ours?: string }> }>('torrent_verdicts.json');
  const outer = temporaryFolder('outer');
  const inner = join(outer, 'inner');
  let asked = 0;
  for (const name of readdirSync(fixture('torrents')).filter((name) => name.endsWith('.torrent'))) {
    const given = torrents[name];
    const verdict = await verdictOf(() => node.get(fixture(`torrents/${name}`), inner));
    // What libtorrent takes and we refuse, or the other way round, is judged in test/torrent/verdicts.test.ts.
    if (given?.verdict === 'reject' && verdict === 'accept') t.diagnostic(`${name} is accepted here`);
    asked++;
    await probe(port);
  }
  assert.ok(asked > 40);
  await node.stop();
  assert.ok(
    readdirSync(outer).every((name) => name === 'inner'),
    `${readdirSync(outer)}`,
  );
});

test('every magnet of the vectors is answered as it should be', async (t) => {
  const { node, port } = await running(t);
  const { rows } = read<{ rows: Record<string, { uri: string; expect: string }> }>('magnets.json');
  for (const [name, { uri, expect }] of Object.entries(rows)) {
    const verdict = await verdictOf(() => node.get(uri, undefined));
    if (expect === 'reject') assert.equal(verdict, 'reject', name);
    await probe(port);
  }
});

test('every bencoded body of the vectors is refused as a publication, whatever it holds', async (t) => {
  const { node, port } = await running(t);
  const { rows } = read<{ rows: { hex?: string }[] }>('bencode.json');
  for (const { hex } of rows) {
    if (hex === undefined) continue;
    const body = bytesOfHex(hex)!;
    const head = `POST /listing HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n`;
    const reply = await exchange(port, Buffer.concat([Buffer.from(head), body]));
    assert.match(reply, /^HTTP\/1\.1 400 /, hex.slice(0, 60));
  }
  await probe(port);
  assert.deepEqual((await node.list({})).rows, []);
});

test('360 raw beginnings of connections leave the node answering', async (t) => {
  const { port } = await running(t);
  const nasty = [
    'GET /announce?info_hash=%zz',
    'GET /scrape',
    'POST /announce',
    'GET /announce?port=abc&left=1e99',
    '\x16\x03\x01',
    '\x13BitTorrent',
    '\0',
    'GET /%00',
    'G',
  ];
  for (let round = 0; round < 40; round++) {
    await Promise.all(
      nasty.map((text) => exchange(port, `${text} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`, 50)),
    );
  }
  await probe(port);
});
