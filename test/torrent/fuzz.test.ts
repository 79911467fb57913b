import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  decodeBencode,
  encodeBencode,
  isFault,
  type Random,
  randomBelow,
  seededRandom,
  utf8,
} from '../../src/base/index.ts';
import { parseMagnet } from '../../src/io/index.ts';
import { encodeMetainfo, formatMagnet, parseMetainfo } from '../../src/torrent/index.ts';

const SEED = Number(process.env.MONSOON_FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 32));
const sha1 = (bytes: Uint8Array): Uint8Array => hash('sha1', bytes, 'buffer');
const fixtures = new URL('../fixtures/', import.meta.url);
const torrents = readdirSync(new URL('torrents/', fixtures))
  .filter((name) => name.endsWith('.torrent'))
  .map((name) => readFileSync(new URL(`torrents/${name}`, fixtures)))
  .filter((bytes) => bytes.length < 8192);
const bencodes = (JSON.parse(readFileSync(new URL('bencode.json', fixtures), 'utf8')).rows as { hex?: string }[])
  .filter((row) => row.hex !== undefined)
  .map((row) => Buffer.from(row.hex!, 'hex'));
const magnets = Object.values(
  JSON.parse(readFileSync(new URL('magnets.json', fixtures), 'utf8')).rows as { uri: string }[],
).map((row) => Buffer.from(row.uri));
const TOKENS = [
  'i-0e',
  'i9223372036854775807e',
  'd',
  'l',
  'e',
  '0:',
  '99999999999:',
  'l2:..e',
  '4:path',
  '6:lengthi-1e',
];
const LINK_TOKENS = [
  '%',
  '%00',
  '%ff',
  '&',
  '=',
  '&so=0-9',
  '&xt=',
  'urn:btih:',
  '&tr=udp://',
  '\ud800',
  '+',
  '&__proto__=1',
];

/** One to four changes: a bit, a byte, a cut, a repetition, a token or a piece of another seed. */
function mutated(random: Random, seeds: readonly Uint8Array[], tokens: readonly string[]): Buffer {
  let bytes = Buffer.from(seeds[randomBelow(random, seeds.length)]!);
  for (let changes = 1 + randomBelow(random, 4); changes > 0; changes--) {
    const at = randomBelow(random, bytes.length + 1);
    const to = Math.min(bytes.length, at + randomBelow(random, 40));
    const other = seeds[randomBelow(random, seeds.length)]!;
    const inserted = [
      () => Uint8Array.of((bytes[at] ?? 0) ^ (1 << randomBelow(random, 8))),
      () => Uint8Array.of(randomBelow(random, 256)),
      () => new Uint8Array(0),
      () => bytes.subarray(Math.max(0, at - randomBelow(random, 60)), at),
      () => utf8(tokens[randomBelow(random, tokens.length)]!),
      () => other.subarray(0, randomBelow(random, other.length)),
    ][randomBelow(random, 6)]!();
    bytes = Buffer.concat([bytes.subarray(0, at), inserted, bytes.subarray(random() < 0.5 ? to : at)]);
  }
  return bytes;
}

/** Runs one check many times; says which seed and run broke, and that both outcomes were reached. */
async function fuzz(runs: number, check: (random: Random) => boolean | Promise<boolean>): Promise<void> {
  let accepted = 0;
  for (let run = 0; run < runs; run++) {
    try {
      if (await check(seededRandom(SEED + run))) accepted++;
    } catch (cause) {
      throw new Error(`MONSOON_FUZZ_SEED=${SEED}, run ${run}`, { cause });
    }
  }
  assert.ok(accepted > runs / 100 && accepted < runs, `${accepted} of ${runs} were accepted with seed ${SEED}`);
}

test(`40,000 mutations of bencode are read strictly or refused (seed ${SEED})`, () =>
  fuzz(40_000, (random) => {
    const bytes = mutated(random, bencodes, TOKENS);
    const value = decodeBencode(bytes);
    if (isFault(value)) return false;
    // What a strict reader accepts has only one spelling.
    assert.deepEqual(Buffer.from(encodeBencode(value)), bytes);
    return true;
  }));

test(`30,000 mutations of torrents are faults or torrents in which every promise holds (seed ${SEED})`, () =>
  fuzz(30_000, (random) => {
    const metainfo = parseMetainfo(new Uint8Array(mutated(random, torrents, TOKENS)), sha1);
    if (isFault(metainfo)) return false;
    const { info, trackers, webSeeds } = metainfo;
    assert.equal(info.infoHash, hash('sha1', info.raw));
    assert.equal(info.pieceCount, Math.ceil(info.length / info.pieceLength));
    assert.equal(info.pieceHashes.length, info.pieceCount * 20);
    let offset = 0;
    for (const file of info.files) {
      assert.equal(file.offset, offset);
      offset += file.length;
      assert.equal(file.path[0], info.name);
      for (const element of file.path) assert.doesNotMatch(element, /^\.{0,2}$|[/\\\u0000-\u001f\u202e]|[. ]$/);
    }
    assert.equal(offset, info.length);
    const again = parseMetainfo(encodeMetainfo({ info: info.raw, trackers, webSeeds }), sha1);
    assert.ok(!isFault(again));
    assert.deepEqual([again.info, again.trackers, again.webSeeds], [info, trackers, webSeeds]);
    return true;
  }));

test(`30,000 mutations of magnets are faults or links that read back the same (seed ${SEED})`, () =>
  fuzz(30_000, async (random) => {
    const magnet = await parseMagnet(mutated(random, magnets, LINK_TOKENS).toString('utf8'));
    if (isFault(magnet)) return false;
    assert.match(magnet.infoHash, /^[0-9a-f]{40}$/);
    assert.deepEqual(await parseMagnet(formatMagnet(magnet)), magnet);
    return true;
  }));
