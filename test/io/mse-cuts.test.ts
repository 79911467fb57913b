// Message Stream Encryption that stops at any byte, or is played again: whichever end we are, we close, although the peer
// keeps its side open. The clock is the test's own.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { before, type TestContext, test } from 'node:test';
import { type Address, infoHashBytes, infoHashOfBytes, isFault } from '../../src/base/index.ts';
import { BoundNetwork } from '../../src/io/bound-network.ts';
import { Dialler } from '../../src/io/dialler.ts';
import { sha1 } from '../../src/io/hash.ts';
import { identityOfSeed } from '../../src/io/identity.ts';
import { LinkOpener, type OpenedLink, type OpenFault } from '../../src/io/link-opener.ts';
import { newMseTools } from '../../src/io/mse-tools.ts';
import { openPort } from '../../src/io/one-port.ts';
import { makeNodeTls } from '../../src/io/tls-context.ts';
import { newPeerId } from '../../src/io/torrent-identity.ts';
import {
  MseInitiator,
  MseResponder,
  type MseTools,
  PADDING_BYTES_MAX,
  PUBLIC_KEY_BYTES,
} from '../../src/link/index.ts';
import { encodeWireHandshake } from '../../src/wire/index.ts';
import { until } from './loopback-node.ts';

const HOST = '127.0.0.1';
const INFO_HASH = infoHashOfBytes(sha1(Buffer.from('a torrent')))!;
/** What an undecided connection is given, and what a link handshake that we began. */
const UNDECIDED_MS = 10_000;
const LINK_HANDSHAKE_MS = 5000;
/** Fewer than one network may have undecided. */
const TOGETHER = 60;
const KEY_MESSAGE_BYTES = PUBLIC_KEY_BYTES + PADDING_BYTES_MAX;
/** Ours: two hashes, the verification constant, the offer, two lengths and the wire handshake. */
const REQUEST_BYTES = 20 + 20 + 8 + 4 + 2 + 2 + 68;
const ANSWER_BYTES = 8 + 4 + 2;

const tls = makeNodeTls(identityOfSeed(randomBytes(32)));
let network: BoundNetwork;
before(async () => {
  network = await BoundNetwork.open(HOST);
});

/** Up to and including `last`, in portions that may be tried at a time. */
function* portions(last: number): Iterable<number[]> {
  for (let at = 0; at <= last; at += TOGETHER) {
    yield Array.from({ length: Math.min(TOGETHER, last + 1 - at) }, (_, i) => at + i);
  }
}

const withPadding = (bytes: number): MseTools => ({ ...newMseTools(), padding: () => randomBytes(bytes) });

/** A connection as the peer sees it. */
class Line {
  readonly socket: Socket;
  heard: Buffer = Buffer.alloc(0);

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => {});
    socket.on('data', (bytes: Buffer) => {
      this.heard = Buffer.concat([this.heard, bytes]);
    });
  }
}
const closedOf = (lines: readonly Line[]): number => lines.filter(({ socket }) => socket.closed).length;

// As the end that answers.

interface Answering {
  readonly address: Address;
  /** How many connections passed for the wire. */
  wires: number;
}

async function openAnswering(t: TestContext): Promise<Answering> {
  const users = {
    http: (socket: Socket) => void socket.destroy(),
    torrentNamed: () => INFO_HASH,
    wire: () => void answering.wires++,
  };
  const port = await openPort({ network, port: 0, encryption: 'prefer', tls }, users);
  const answering: Answering = { address: { host: HOST, port: port.port }, wires: 0 };
  t.after(() => port.close());
  return answering;
}

async function dial({ port }: Address, localAddress: string): Promise<Line> {
  const socket = connect({ host: HOST, port, localAddress });
  const line = new Line(socket);
  await once(socket, 'connect');
  return line;
}

/** A peer's end of a handshake, whose second message is what `secondOf` makes of the right one. */
async function shakeHands(
  { address }: Answering,
  from: string,
  secondOf: (whole: Uint8Array) => Uint8Array = (whole) => whole,
): Promise<{ readonly line: Line; readonly sent: readonly Uint8Array[] }> {
  const tools = withPadding(100);
  const handshake = encodeWireHandshake(INFO_HASH, newPeerId());
  const machine = new MseInitiator(tools, infoHashBytes(INFO_HASH), ['rc4'], handshake);
  const line = await dial(address, from);
  const first = machine.begin();
  line.socket.write(first);
  await until('a key', () => line.heard.length >= PUBLIC_KEY_BYTES);
  const second = secondOf(machine.receive(line.heard).send!);
  line.socket.write(second);
  return { line, sent: [first, second] };
}

/** A link that gets in, behind everybody else: what came before was taken. */
async function assertTaking(answering: Answering): Promise<void> {
  const { wires } = answering;
  const { line } = await shakeHands(answering, '127.0.9.9');
  await until('a link', () => answering.wires === wires + 1);
  line.socket.destroy();
}

/** They are left alone until the time is over, and closed then, having heard nothing but a key. */
async function assertHungUp(t: TestContext, answering: Answering, lines: readonly Line[]): Promise<void> {
  await assertTaking(answering);
  t.mock.timers.tick(UNDECIDED_MS - 1);
  await assertTaking(answering);
  assert.equal(closedOf(lines), 0, 'before their time');
  t.mock.timers.tick(1);
  await until('all to be closed', () => closedOf(lines) === lines.length);
  assert.ok(lines.every(({ heard }) => heard.length <= KEY_MESSAGE_BYTES));
}

test('as the end that answers, we hang up on a first message that stops at any byte', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const answering = await openAnswering(t);
  for (const cuts of portions(KEY_MESSAGE_BYTES)) {
    const from = `127.0.3.${cuts[0]! / TOGETHER + 1}`;
    const lines = await Promise.all(
      cuts.map(async (cut) => {
        const line = await dial(answering.address, from);
        const { keys, padding } = withPadding(PADDING_BYTES_MAX);
        line.socket.write(Buffer.concat([keys.publicKey, padding()]).subarray(0, cut));
        if (cut >= PUBLIC_KEY_BYTES) await until('a key', () => line.heard.length >= PUBLIC_KEY_BYTES);
        return line;
      }),
    );
    await assertHungUp(t, answering, lines);
    for (const [i, { heard }] of lines.entries()) assert.equal(heard.length > 0, cuts[i]! >= PUBLIC_KEY_BYTES);
  }
});

test('as the end that answers, we hang up on a second message that stops at any byte', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const answering = await openAnswering(t);
  const { sent } = await shakeHands(answering, '127.0.9.9');
  assert.equal(sent[1]!.length, REQUEST_BYTES);
  await until('a link', () => answering.wires === 1);
  for (const cuts of portions(REQUEST_BYTES - 1)) {
    const from = `127.0.4.${cuts[0]! / TOGETHER + 1}`;
    const { wires } = answering;
    const cut = cuts.map((at) => shakeHands(answering, from, (whole) => whole.subarray(0, at)));
    await assertHungUp(
      t,
      answering,
      (await Promise.all(cut)).map(({ line }) => line),
    );
    assert.equal(answering.wires, wires + 2, 'the two that were whole');
  }
});

test('as the end that answers, we hang up on what was recorded, all of it or its second message', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const answering = await openAnswering(t);
  const recorded = await shakeHands(answering, '127.0.9.9');
  await until('a link', () => answering.wires === 1);
  const all = await dial(answering.address, HOST);
  all.socket.write(Buffer.concat(recorded.sent));
  const second = await shakeHands(answering, HOST, () => recorded.sent[1]!);
  await assertHungUp(t, answering, [all, second.line]);
  assert.equal(answering.wires, 3, 'the recorded one, and the two that were whole');
});

// As the end that dials.

/** What a peer says in its two turns, given what would be right and the turn's number. */
type Script = (whole: Uint8Array, turn: number) => Uint8Array;

/** A peer that takes links, by the next script of those left and by the rules when none is. */
class Peer {
  readonly lines: Line[] = [];
  readonly said: Uint8Array[] = [];
  readonly scripts: Script[] = [];
  readonly #server = createServer((socket) => this.#take(socket));

  readonly #paddingBytes: number;

  private constructor(paddingBytes: number) {
    this.#paddingBytes = paddingBytes;
  }
  static async open(t: TestContext, paddingBytes: number = PADDING_BYTES_MAX): Promise<Peer> {
    const peer = new Peer(paddingBytes);
    peer.#server.listen(0, HOST);
    await once(peer.#server, 'listening');
    t.after(() => {
      peer.#server.close();
      for (const { socket } of peer.lines) socket.destroy();
    });
    return peer;
  }
  get address(): Address {
    return { host: HOST, port: (this.#server.address() as AddressInfo).port };
  }
  #take(socket: Socket): void {
    const script = this.scripts.shift() ?? ((whole: Uint8Array) => whole);
    const torrentOf = (): Uint8Array => infoHashBytes(INFO_HASH);
    const machine = new MseResponder(withPadding(this.#paddingBytes), { torrentOf, methods: ['rc4'] });
    let turn = 0;
    this.lines.push(new Line(socket));
    socket.on('data', (bytes: Buffer) => {
      const { send } = machine.receive(bytes);
      if (!send) return;
      const says = script(send, turn++);
      this.said.push(says);
      socket.write(says);
    });
  }
}

function newOpener(): LinkOpener {
  return new LinkOpener({ dialler: new Dialler(network, { allowLocal: true }), policy: 'require', tls });
}

function open(opener: LinkOpener, { address }: Peer): Promise<OpenedLink | OpenFault> {
  const greeting = { infoHash: INFO_HASH, peerId: newPeerId() };
  return opener.open({ address, trust: 'user', nodeId: undefined, kind: 'mse', greeting }, () => {});
}

async function assertOpens(opener: LinkOpener, peer: Peer): Promise<void> {
  const opened = await open(opener, peer);
  assert.ok(!isFault(opened) && opened.stream.encryption === 'rc4');
  opened.stream.socket.destroy();
}

/** Peers that go by these scripts are given their time, and left then. */
async function assertLeft(t: TestContext, peer: Peer, scripts: readonly Script[], turns: number): Promise<void> {
  const opener = newOpener();
  const [before, said] = [peer.lines.length, peer.said.length];
  peer.scripts.push(...scripts);
  const outcomes: (OpenedLink | OpenFault)[] = [];
  for (const _ of scripts) void open(opener, peer).then((outcome) => outcomes.push(outcome));
  await until('all to be dialled and answered', () => peer.said.length === said + turns * scripts.length);
  const lines = peer.lines.slice(before);
  t.mock.timers.tick(LINK_HANDSHAKE_MS - 1);
  await assertOpens(opener, peer);
  assert.equal(outcomes.length + closedOf(lines), 0, 'before their time');
  t.mock.timers.tick(1);
  await until('all to be closed', () => closedOf(lines) === lines.length && outcomes.length === lines.length);
  assert.ok(outcomes.every((outcome) => isFault(outcome) && outcome.code === 'no-agreement'));
}

test('as the end that dials, we leave a peer whose first message stops at any byte', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const peer = await Peer.open(t);
  const cutAt =
    (at: number): Script =>
    (whole, turn) =>
      turn === 0 ? whole.subarray(0, at) : new Uint8Array(0);
  for (const cuts of portions(KEY_MESSAGE_BYTES)) {
    const hasKey = cuts.filter((cut) => cut >= PUBLIC_KEY_BYTES);
    const hasNone = cuts.filter((cut) => cut < PUBLIC_KEY_BYTES);
    if (hasNone.length > 0) await assertLeft(t, peer, hasNone.map(cutAt), 1);
    if (hasKey.length > 0) await assertLeft(t, peer, hasKey.map(cutAt), 2);
  }
});

test('as the end that dials, we leave a peer whose second message stops at any byte', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const peer = await Peer.open(t);
  await assertOpens(newOpener(), peer);
  assert.equal(peer.said[1]!.length, ANSWER_BYTES);
  const cuts = Array.from({ length: ANSWER_BYTES }, (_, at) => at);
  const cutAt =
    (at: number): Script =>
    (whole, turn) =>
      turn === 0 ? whole : whole.subarray(0, at);
  await assertLeft(t, peer, cuts.map(cutAt), 2);
});

test('as the end that dials, we leave a peer that says what was recorded, all of it or its second message', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const peer = await Peer.open(t, 100);
  await assertOpens(newOpener(), peer);
  const [first, second] = peer.said as [Uint8Array, Uint8Array];
  await assertLeft(t, peer, [() => Buffer.concat([first, second])], 1);
  await assertLeft(t, peer, [(whole, turn) => (turn === 0 ? whole : second)], 2);
});
