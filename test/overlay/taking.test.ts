// The taker's side of a hand-off: what a giver that gives nothing can hold of it, and what it can send.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesOfHex, nodeIdBytes, sealRecord } from '../../src/base/index.ts';
import type { OverlayMessage, Token } from '../../src/overlay/index.ts';
import { identity, sha1 } from './fixtures.ts';
import { Mesh, type MeshNode } from './mesh.ts';

/** The arc of the lower tenths of a member's first range, and its next epoch. */
function lower(node: MeshNode, tenths: number): { arc: { from: Token; to: Token }; epoch: number } {
  const [range] = node.overlay.view.ring.rangesOf(node.nodeId);
  const [from, to] = [BigInt(`0x${range!.from}`), BigInt(`0x${range!.to}`)];
  const length = (to - from + 2n ** 160n) % 2n ** 160n;
  const cut = (from + (length * BigInt(tenths)) / 10n) % 2n ** 160n;
  return { arc: { from: range!.from, to: cut.toString(16).padStart(40, '0') as Token }, epoch: range!.epoch + 1 };
}

const offer = (mesh: Mesh, taker: MeshNode, giver: MeshNode, tenths: number, announcesPerSecond: number): string => {
  const message = { type: 'offer', ...lower(giver, tenths), peers: 0, announcesPerSecond } as const;
  return mesh.ask(taker, giver, message).type;
};

const loadOf = (mesh: Mesh, taker: MeshNode, asker: MeshNode): number => {
  const answer = mesh.ask(taker, asker, { type: 'hello' });
  return answer.type === 'here' ? answer.load : Number.NaN;
};

test('a giver that gives nothing holds two of four places, and those not for long, whatever frames it sends', () => {
  const mesh = new Mesh(11);
  const [, liar, giver, taker] = mesh.grow(6) as [MeshNode, MeshNode, MeshNode, MeshNode];
  mesh.run(30);
  assert.deepEqual(
    [1, 2, 3].map((tenths) => offer(mesh, taker, liar, tenths, 100)),
    ['accepted', 'accepted', 'refused'],
  );
  assert.equal(offer(mesh, taker, giver, 5, 10), 'accepted');
  const frame = (index: number, chain: string): OverlayMessage =>
    mesh.ask(taker, liar, { type: 'frame', copy: 1, index, bytes: new Uint8Array(0), chain, isLast: false });
  let chain = '0'.repeat(40);
  for (let index = 0; index < 30; index++) {
    mesh.run(25);
    chain = sha1(bytesOfHex(chain)!).toHex();
    assert.equal(frame(index, chain).type, 'accepted');
    frame(7777, chain);
  }
  assert.equal(loadOf(mesh, taker, giver), 0, 'what it promised is no load any more');
  assert.equal(offer(mesh, taker, liar, 1, 100), 'refused', 'nor is it heard again at once');
  mesh.run(700);
  assert.equal(offer(mesh, taker, liar, 1, 100), 'accepted');
});

test('an offer of which nothing came costs its giver half a minute, and the next in a row twice as long', () => {
  const mesh = new Mesh(14);
  const [, giver, , taker] = mesh.grow(6) as [MeshNode, MeshNode, MeshNode, MeshNode];
  mesh.run(30);
  const rests = [1, 2, 3, 4, 5, 6].map((tenths) => {
    if (tenths === 1) assert.equal(offer(mesh, taker, giver, tenths, 1), 'accepted');
    // Nothing comes of it.
    mesh.run(30);
    for (let seconds = 0; ; seconds += 10) {
      if (offer(mesh, taker, giver, tenths + 1, 1) === 'accepted') return seconds;
      mesh.run(10);
    }
  });
  assert.deepEqual(rests, [30, 60, 120, 240, 480, 600]);
});

test('an offer does not last by frames that are refused', () => {
  const mesh = new Mesh(12);
  const [, liar, giver, taker] = mesh.grow(6) as [MeshNode, MeshNode, MeshNode, MeshNode];
  mesh.run(30);
  assert.equal(offer(mesh, taker, liar, 1, 100), 'accepted');
  assert.ok(loadOf(mesh, taker, giver) > 0);
  const frame = {
    type: 'frame',
    copy: 1,
    index: 7,
    bytes: new Uint8Array(0),
    chain: '0'.repeat(40),
    isLast: false,
  } as const;
  for (let i = 0; i < 3; i++) {
    mesh.run(15);
    assert.equal(mesh.ask(taker, liar, frame).type, 'refused');
  }
  assert.equal(loadOf(mesh, taker, giver), 0);
});

test('a sealed grant that is too large to be passed on is refused', () => {
  const mesh = new Mesh(13);
  const [, giver, , taker] = mesh.grow(5) as [MeshNode, MeshNode, MeshNode, MeshNode];
  mesh.run(30);
  const { arc, epoch } = lower(giver, 5);
  assert.equal(offer(mesh, taker, giver, 5, 1), 'accepted');
  const sealed = (padding: number): Uint8Array => {
    const [f, t] = [bytesOfHex(arc.from)!, bytesOfHex(arc.to)!];
    const wall = Math.floor(mesh.wall);
    const terms = { e: epoch, f, n: 'monsoon', q: wall, t, w: nodeIdBytes(taker.nodeId), x: wall + 7200 };
    return sealRecord('grant-1', { ...terms, z: new Uint8Array(padding) }, giver.nodeId, identity(giver.n).sign);
  };
  const receipt = undefined;
  for (const padding of [735, 560]) {
    const answer = mesh.ask(taker, giver, { type: 'grant', grant: sealed(padding), receipt });
    assert.equal(answer.type, 'refused', `${padding} bytes more`);
  }
  assert.equal(mesh.ask(taker, giver, { type: 'grant', grant: sealed(300), receipt }).type, 'signed');
});
