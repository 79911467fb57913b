// Metadata of strangers is read in steps, each of which looks at a few files only: nothing they send holds up a node.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concatBytes, type InfoHash, infoHashOfBytes, isFault, type Steps, utf8 } from '../../src/base/index.ts';
import { sha1 } from '../../src/io/hash.ts';
import type { HttpClient } from '../../src/io/http-client.ts';
import { inTurns } from '../../src/io/in-turns.ts';
import { type SeededTorrent, WebSeedLinks } from '../../src/io/web-seed-links.ts';
import { infoSteps, metainfoSteps, parseInfo, WebSeedUrls } from '../../src/torrent/index.ts';

const FILES = 50_000;
/** Files that one step may look at: a few milliseconds on a slow machine. */
const FILES_A_STEP_MAX = 64;
const PIECE_LENGTH = 2 ** 20;

function manyFiles(): { raw: Uint8Array; infoHash: InfoHash } {
  const files = Array.from({ length: FILES }, (_, i) => `d6:lengthi1000e4:pathl3:dir6:${`${i}`.padStart(6, '0')}ee`);
  const hashes = Math.ceil((FILES * 1000) / PIECE_LENGTH) * 20;
  const before = utf8(`d5:filesl${files.join('')}e4:name4:many12:piece lengthi${PIECE_LENGTH}e6:pieces${hashes}:`);
  const raw = concatBytes([before, new Uint8Array(hashes), utf8('e')]);
  return { raw, infoHash: infoHashOfBytes(sha1(raw))! };
}

function counted<Result>(steps: Steps<Result>): { rests: number; result: Result } {
  for (let rests = 0; ; rests++) {
    const step = steps.next();
    if (step.done) return { rests, result: step.value };
  }
}

test('an info of many files rests before any step has looked at more than a few of them', () => {
  const { raw, infoHash } = manyFiles();
  const { rests, result } = counted(infoSteps(raw, sha1));
  assert.ok(!isFault(result));
  assert.deepEqual([result.infoHash, result.files.length], [infoHash, FILES]);
  // Read, named, compared with each other twice, and put together.
  assert.ok(rests > (5 * FILES) / FILES_A_STEP_MAX, `${rests} rests`);
});

test('so does a torrent file, and what its web seeds are asked for', () => {
  const { raw } = manyFiles();
  const file = concatBytes([utf8('d4:info'), raw, utf8('8:url-list17:http://seed.test/e')]);
  const { rests, result } = counted(metainfoSteps(file, sha1));
  assert.ok(!isFault(result));
  assert.ok(rests > (5 * FILES) / FILES_A_STEP_MAX, `${rests} rests`);
  const urls = counted(WebSeedUrls.of(result.info));
  assert.ok(urls.rests > (2 * FILES) / FILES_A_STEP_MAX, `${urls.rests} rests`);
  assert.equal(urls.result.urlOf('http://seed.test', 7), 'http://seed.test/many/dir/000007');
});

test('others have their turn while it is read, and the result is the same', async () => {
  const { raw } = manyFiles();
  let turns = 0;
  const other = setInterval(() => turns++, 1);
  const info = await inTurns(infoSteps(raw, sha1));
  clearInterval(other);
  assert.ok(turns > 2, `${turns} turns`);
  assert.deepEqual(info, parseInfo(raw, sha1));
});

test('after a torrent file come a few line ends at most', () => {
  const { raw } = manyFiles();
  const file = (ends: number) => concatBytes([utf8('d4:info'), raw, utf8('e'), utf8('\n'.repeat(ends))]);
  assert.ok(!isFault(counted(metainfoSteps(file(3), sha1)).result));
  assert.ok(isFault(counted(metainfoSteps(file(5_000_000), sha1)).result));
});

test('web seeds that end while their names are read are not asked for anything', async () => {
  const { raw } = manyFiles();
  const info = parseInfo(raw, sha1);
  assert.ok(!isFault(info));
  const inputs: string[] = [];
  const transfer = { isUploadOnly: false, input: ({ type }: { type: string }) => inputs.push(type) };
  const torrent = { info, transfer, layout: {}, blocks: {} } as unknown as SeededTorrent;
  const owner = { settled: () => inputs.push('settled'), log: () => {} };
  const links = WebSeedLinks.open(['http://seed.test/'], torrent, {} as HttpClient, owner);
  links!.end();
  await inTurns(WebSeedUrls.of(info));
  await inTurns(WebSeedUrls.of(info));
  assert.deepEqual(inputs, []);
});
