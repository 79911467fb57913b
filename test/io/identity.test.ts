import assert from 'node:assert/strict';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { bytesOfHex, hex, MonsoonError, parseNodeId, utf8 } from '../../src/base/index.ts';
import { writeFileAtomically } from '../../src/io/atomic-file.ts';
import { identityOfSeed, openIdentity, verify } from '../../src/io/identity.ts';

const folder = await mkdtemp(join(tmpdir(), 'monsoon-identity-'));
after(() => rm(folder, { recursive: true }));

test('RFC 8032 test 1: the seed gives the public key and signature of the specification', () => {
  const identity = identityOfSeed(bytesOfHex('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60')!);
  assert.equal(identity.nodeId, 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a');
  assert.equal(
    hex(identity.sign(new Uint8Array(0))),
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  );
});

test('a signature holds for its message and signer alone, and a malformed one is refused without a throw', () => {
  const [one, two] = [identityOfSeed(new Uint8Array(32)), identityOfSeed(new Uint8Array(32).fill(1))];
  const signature = one.sign(utf8('rain'));
  assert.equal(verify(signature, utf8('rain'), one.nodeId), true);
  assert.equal(verify(signature, utf8('rein'), one.nodeId), false);
  assert.equal(verify(signature, utf8('rain'), two.nodeId), false);
  for (const length of [0, 1, 63, 65, 1000]) {
    assert.equal(verify(new Uint8Array(length), utf8('rain'), one.nodeId), false);
  }
  for (const point of ['00', '01', 'ff']) {
    assert.equal(verify(signature, utf8('rain'), parseNodeId(point.repeat(32))!), false);
  }
});

test('the first start makes a key that only its owner can read, and the next start finds it', async () => {
  const file = join(folder, 'first');
  const made = await openIdentity(file);
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  assert.equal((await openIdentity(file)).nodeId, made.nodeId);
  assert.deepEqual(
    (await readdir(folder)).filter((name) => name.endsWith('.tmp')),
    [],
  );
});

test('a key file that others can read is tightened', async () => {
  const file = join(folder, 'wide');
  await openIdentity(file);
  await chmod(file, 0o644);
  await openIdentity(file);
  assert.equal((await stat(file)).mode & 0o777, 0o600);
});

test('a damaged key file is named and left as it is', async () => {
  const file = join(folder, 'damaged');
  await openIdentity(file);
  const whole = await readFile(file, 'latin1');
  const flipped = whole.replace(/[0-9a-f](?= )/, (digit) => (digit === '0' ? '1' : '0'));
  for (const text of ['', whole.slice(0, 80), flipped, `${whole}x`, '\0'.repeat(whole.length)]) {
    await writeFile(file, text);
    await assert.rejects(openIdentity(file), (error) => error instanceof MonsoonError && error.message.includes(file));
    assert.equal(await readFile(file, 'latin1'), text);
  }
});

test('a failed write is a MonsoonError naming the file, and leaves nothing behind', async () => {
  const target = join(folder, 'occupied');
  await writeFile(target, 'old');
  const below = join(target, 'below');
  await assert.rejects(
    writeFileAtomically(below, utf8('new')),
    (error) => error instanceof MonsoonError && error.code === 'disk' && error.message.includes(below),
  );
  assert.equal(await readFile(target, 'utf8'), 'old');
});

test('of many writers of one file at once, one whole content remains', async () => {
  const file = join(folder, 'contested');
  const contents = Array.from({ length: 20 }, (_, i) => String(i).repeat(5000));
  await Promise.all(contents.map((content) => writeFileAtomically(file, utf8(content))));
  assert.ok(contents.includes(await readFile(file, 'utf8')));
});
