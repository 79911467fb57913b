// What an observer of the line learns: everything that a supernode and two clients say, captured frame by frame while
// one shares a file and the other fetches it, holds nothing that names the torrent, the nodes or the protocol, and a
// classifier of traffic does not find out either.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { infoHashBytes, nodeIdBytes, parseInfoHash, parseNodeId } from '../../src/base/index.ts';
import { percentEncode } from '../../src/torrent/index.ts';
import { isInstalled, requireOrSkip } from '../require.ts';
import { type MonsoonSettings, startMonsoon } from './clients/monsoon.ts';
import { writeRandomFile } from './content.ts';
import { Program, run } from './program.ts';
import { hasWhatItTakes, TestBed } from './test-bed.ts';
import { until } from './until.ts';

const SIZE = 300_000;
const FILE_NAME = 'conspicuous-title.bin';
const SECONDS_MAX = 40;
/** A node that looks for neighbours says 254 things at once. */
const BUFFER_KIB = '65536';

/** Frames between the hosts of a network, until stopped. */
async function captureOn(bed: TestBed): Promise<{ stop(): Promise<string> }> {
  const file = join(await bed.directory('capture'), 'all.pcap');
  const room = ['--buffer-size', BUFFER_KIB];
  const command = [
    'tcpdump',
    ['--interface', 'bridge', ...room, '--immediate-mode', '-U', '-Z', 'root', '-w', file],
  ] as const;
  const program = new Program(bed.network.atHub(command));
  await until(
    'tcpdump to listen',
    10,
    () => program.output.includes('listening on') || undefined,
    () => program.output,
  );
  return {
    stop: async () => {
      process.kill(program.pid, 'SIGINT');
      await program.exited;
      assert.match(program.output, /\n0 packets dropped by kernel/);
      return file;
    },
  };
}

/** Everything that must not be seen, by what it is. */
function secretsOf(hash: string, nodeIds: readonly string[]): Map<string, Buffer> {
  const infoHash = parseInfoHash(hash)!;
  const raw = infoHashBytes(infoHash);
  const secrets = new Map<string, Buffer>([
    ['info hash', Buffer.from(raw)],
    ['info hash in hex', Buffer.from(infoHash)],
    ['info hash in upper case', Buffer.from(infoHash.toUpperCase())],
    ['info hash percent-encoded', Buffer.from(percentEncode(raw))],
    ['file name', Buffer.from(FILE_NAME)],
    ['protocol', Buffer.from('BitTorrent')],
  ]);
  for (const [i, nodeId] of nodeIds.entries()) {
    secrets.set(`node id ${i}`, Buffer.from(nodeIdBytes(parseNodeId(nodeId)!)));
    secrets.set(`node id ${i} in hex`, Buffer.from(nodeId));
    secrets.set(`node id ${i} in short`, Buffer.from(nodeId.slice(0, 16)));
  }
  return secrets;
}

interface Captured {
  /** Every frame of an announce, discovery, handshake and transfer. */
  readonly file: string;
  readonly infoHash: string;
  readonly nodeIds: readonly string[];
}

/** Captures what a supernode and two clients say while one shares a file and the other fetches it. */
async function capturedBetween(t: TestContext, encryption: MonsoonSettings['encryption']): Promise<Captured> {
  const bed = await TestBed.create(t);
  const capture = await captureOn(bed);
  const settings = { isNeighbourly: true, ...(encryption && { encryption }) };
  const supernode = await startMonsoon(await bed.place('supernode'), { role: 'supernode', ...settings });
  const joined = { bootstrap: [supernode.contact], ...settings };
  const start = async (label: string) => startMonsoon(await bed.place(label), joined);
  const [sharer, getter] = [await start('sharer'), await start('getter')];
  const folder = await bed.directory('shared');
  await writeRandomFile(join(folder, FILE_NAME), SIZE, 7);
  const shared = await sharer.share(join(folder, FILE_NAME));
  const listed = await until('the listing', SECONDS_MAX, async () => {
    const rows = await getter.listing();
    return rows.length > 0 ? rows : undefined;
  });
  assert.equal(listed[0]!.infoHash, shared.infoHash);
  const into = await bed.directory('fetched');
  await getter.fetch(shared.infoHash, into);
  await getter.fetched(SECONDS_MAX);
  assert.deepEqual(await readFile(join(into, FILE_NAME)), await readFile(join(folder, FILE_NAME)));
  const nodes = [supernode, sharer, getter];
  const nodeIds = await Promise.all(nodes.map(async (node) => (await node.status()).nodeId));
  for (const { program } of nodes.toReversed()) {
    // Told to end they say goodbye to the tracker, which is an announce too.
    process.kill(program.pid, 'SIGTERM');
    await program.exited;
  }
  return { file: await capture.stop(), infoHash: shared.infoHash, nodeIds };
}

/** Which secrets a capture shows. */
async function seenIn({ file, infoHash, nodeIds }: Captured): Promise<string[]> {
  const bytes = await readFile(file);
  assert.ok(bytes.length > SIZE, `${bytes.length} bytes were captured`);
  return [...secretsOf(infoHash, nodeIds)].filter(([, secret]) => bytes.includes(secret)).map(([what]) => what);
}

/** The protocols that nDPI finds in a capture. */
async function classified({ file }: Captured): Promise<string> {
  const report = await run(['ndpiReader', ['-i', file]]);
  return /Detected protocols:\n([\s\S]*?)\n\n/.exec(report)?.[1] ?? report;
}

const hasNdpi = (t: TestContext): boolean => requireOrSkip(t, isInstalled('ndpiReader'), 'ndpiReader is not installed');

test('what default nodes say to each other', async (t) => {
  if (!(await hasWhatItTakes(t, ['tcpdump']))) return;
  const captured = await capturedBetween(t, undefined);
  await t.test('N-01 shows no info hash, file name, protocol or node id', async () => {
    assert.deepEqual(await seenIn(captured), []);
  });
  await t.test('N-02 is TLS to nDPI, and not BitTorrent', async (t) => {
    if (!hasNdpi(t)) return;
    const protocols = await classified(captured);
    t.diagnostic(protocols.replace(/\s+/g, ' '));
    assert.match(protocols, /\bTLS\b/);
    assert.doesNotMatch(protocols, /bittorrent/i);
  });
});

test('the same once encryption is off', async (t) => {
  if (!(await hasWhatItTakes(t, ['tcpdump']))) return;
  const captured = await capturedBetween(t, 'off');
  await t.test('shows all of it to the same search', async () => {
    const found = await seenIn(captured);
    for (const what of ['info hash', 'info hash percent-encoded', 'file name', 'protocol', 'node id 0', 'node id 1']) {
      assert.ok(found.includes(what), `${what} is not among ${found.join(', ')}`);
    }
  });
  await t.test('is BitTorrent to nDPI', async (t) => {
    if (!hasNdpi(t)) return;
    assert.match(await classified(captured), /bittorrent/i);
  });
});
