// What the tracker tells native clients, which announce over TLS with their node's key, beside what everybody is told.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  bytesOfLatin1,
  hex,
  isFault,
  latin1,
  type NodeId,
  nodeIdBytes,
  parseIp,
  parseNodeId,
} from '../../src/base/index.ts';
import { parseRedirectRecords, parseTrackerReply } from '../../src/torrent/index.ts';
import { ANSWER_BYTES_MAX, type Tracker } from '../../tracker/index.ts';
import { NODE_ENDPOINTS_MAX, NodeEndpoints } from '../../tracker/node-endpoints.ts';
import { announceQuery, escaped, HASH, newTracker, ownership, START } from './requests.ts';

const nodeOf = (n: number): NodeId => parseNodeId(n.toString(16).padStart(64, '0'))!;
const [ANNA, BERT] = [nodeOf(0xa), nodeOf(0xb)];

function announce(tracker: Tracker, source: string, node?: NodeId, fields: Record<string, string | number> = {}) {
  const query = bytesOfLatin1(announceQuery({ left: 1, ...fields }));
  return Buffer.from(tracker.serve('announce', query, parseIp(source)!, START, node).body);
}

/** What a monsoon client reads: `host:port` and the id that goes with it. */
function peersIn(body: Uint8Array): string[] {
  const reply = parseTrackerReply(body);
  assert.ok(!isFault(reply));
  return reply.peers.map(({ host, port, nodeId }) => `${host} ${port} ${nodeId ?? 'unproven'}`).toSorted();
}

test('a native client learns which peers are nodes, and which node each is, in both address families', () => {
  const tracker = newTracker();
  announce(tracker, '198.51.100.1', ANNA, { port: 7001 });
  announce(tracker, '198.51.100.2', undefined, { port: 7002 });
  announce(tracker, '2001:db8::3', BERT, { port: 7003 });
  announce(tracker, '2001:db8::4', undefined, { port: 7004 });
  assert.deepEqual(peersIn(announce(tracker, '198.51.100.9', nodeOf(9))), [
    `198.51.100.1 7001 ${ANNA}`,
    '198.51.100.2 7002 unproven',
    `2001:db8::3 7003 ${BERT}`,
    '2001:db8::4 7004 unproven',
  ]);
});

test("a stock client's answer is the same byte for byte, whether its peers are nodes or not", () => {
  const answers = [ANNA, undefined].map((node) => {
    const tracker = newTracker();
    announce(tracker, '198.51.100.1', node, { port: 7001 });
    announce(tracker, '2001:db8::3', node, { port: 7003 });
    return announce(tracker, '198.51.100.9').toString('latin1');
  });
  assert.equal(answers[0], answers[1]);
  assert.match(
    answers[0]!,
    /^d8:completei0e10:downloadedi0e11:external ip4:.{4}10:incompletei3e8:intervali\d+e12:min intervali300e5:peers6:.{6}6:peers618:.{18}e$/s,
  );
  assert.ok(!answers[0]!.includes(latin1(nodeIdBytes(ANNA))));
});

test('a native client that asks for dictionaries is answered as everybody is', () => {
  const tracker = newTracker();
  announce(tracker, '198.51.100.1', ANNA);
  const body = announce(tracker, '198.51.100.9', BERT, { compact: 0 });
  assert.deepEqual(peersIn(body), ['198.51.100.1 6881 unproven']);
});

test('an endpoint is the node that announced from it last, and nobody once it stopped or proves nothing', () => {
  const tracker = newTracker();
  const seen = (): string[] => peersIn(announce(tracker, '198.51.100.9', nodeOf(9)));
  announce(tracker, '198.51.100.1', ANNA);
  announce(tracker, '198.51.100.1', BERT);
  assert.deepEqual(seen(), [`198.51.100.1 6881 ${BERT}`]);
  announce(tracker, '198.51.100.1', undefined);
  assert.deepEqual(seen(), ['198.51.100.1 6881 unproven']);
  announce(tracker, '198.51.100.1', ANNA);
  announce(tracker, '198.51.100.1', ANNA, { event: 'stopped' });
  announce(tracker, '198.51.100.1', undefined, { info_hash: '' });
  assert.deepEqual(seen(), []);
});

test('a native client is sent to the owner as to a node, a stock client as to a web server', () => {
  const addresses = [{ host: '192.0.2.7', port: 7373 }];
  const tracker = newTracker({ ownership: ownership({ ownerOf: () => ({ nodeId: ANNA, addresses }) }) });
  for (const kind of ['announce', 'scrape'] as const) {
    const query = bytesOfLatin1(kind === 'announce' ? announceQuery() : `info_hash=${escaped(HASH)}`);
    const at = (node?: NodeId) => tracker.serve(kind, query, parseIp('198.51.100.1')!, START, node).location;
    assert.equal(at(), `http://192.0.2.7:7373/${kind}?${latin1(query)}`);
    assert.equal(at(BERT), `https://${ANNA}@192.0.2.7:7373/${kind}?${latin1(query)}`);
  }
});

test('N-44 a redirect tells a native client of the owner set, and a stock client nothing that it cannot read', () => {
  const addresses = [{ host: '192.0.2.7', port: 7373 }];
  const records = [900, 1000, 1001, 10, 20].map((length, i) => new Uint8Array(length).fill(i));
  const tracker = newTracker({
    ownership: ownership({ ownerOf: () => ({ nodeId: ANNA, addresses }), recordsOf: () => records }),
  });
  const redirected = (node?: NodeId) =>
    tracker.serve('announce', bytesOfLatin1(announceQuery()), parseIp('198.51.100.1')!, START, node).body;
  assert.ok(redirected(BERT).length <= ANSWER_BYTES_MAX);
  assert.deepEqual(parseRedirectRecords(redirected(BERT)), [records[0], records[1], records[3]]);
  assert.deepEqual(parseRedirectRecords(redirected()), []);
});

test('a replica answers native clients that mean it, and sends everybody else to the owner', () => {
  const copied: string[] = [];
  const asReplica = ownership({
    ownerOf: () => ({ nodeId: ANNA, addresses: [{ host: '192.0.2.7', port: 7373 }] }),
    roleOf: (infoHash) => (infoHash === hex(HASH) ? 'replica' : undefined),
    copiesOf: (infoHash) => {
      copied.push(infoHash);
      return [];
    },
  });
  const tracker = newTracker({ ownership: asReplica });
  const statusOf = (fields: Record<string, number>, node?: NodeId, hash = HASH) =>
    tracker.serve('announce', bytesOfLatin1(announceQuery(fields, hash)), parseIp('198.51.100.1')!, START, node).status;
  assert.equal(statusOf({ replica: 1 }), 307);
  assert.equal(statusOf({}, BERT), 307);
  assert.equal(statusOf({ replica: 2 }, BERT), 307);
  assert.equal(statusOf({ replica: 1 }, BERT, new Uint8Array(20)), 307);
  assert.equal(tracker.peerCount, 0);
  assert.equal(statusOf({ replica: 1 }, BERT), 200);
  assert.equal(tracker.peerCount, 1);
  assert.deepEqual(copied, [hex(HASH)], 'what it accepts is forwarded');
});

test('the largest native answer fits its buffer', () => {
  const tracker = newTracker();
  for (let i = 0; i < 400; i++) announce(tracker, `2001:db8::${(i + 1).toString(16)}`, nodeOf(i + 1));
  const body = announce(tracker, '2001:db8::ffff', ANNA, { numwant: 200 });
  assert.equal(peersIn(body).filter((peer) => !peer.endsWith('unproven')).length, 200);
  assert.ok(body.length > 200 * (18 + 33) && body.length <= ANSWER_BYTES_MAX);
});

test('endpoints are remembered up to their bound, the newest always', () => {
  const nodes = new NodeEndpoints({ k0: 3, k1: 4 });
  const endpoint = (n: number): Uint8Array => Uint8Array.of(10, n >>> 16, n >>> 8, n, 1, 1);
  const remembered = (from: number, to: number): number => {
    let found = 0;
    for (let n = from; n < to; n++) if (nodes.at(endpoint(n))) found++;
    return found;
  };
  const few = NODE_ENDPOINTS_MAX / 4;
  for (let n = 0; n < few; n++) nodes.note(endpoint(n), ANNA);
  assert.ok(remembered(0, few) > few * 0.99, 'while there is room hardly one makes way');
  for (let n = few; n < 2 * NODE_ENDPOINTS_MAX; n++) {
    nodes.note(endpoint(n), BERT);
    assert.ok(nodes.at(endpoint(n)));
  }
  const kept = remembered(0, 2 * NODE_ENDPOINTS_MAX);
  assert.ok(kept <= NODE_ENDPOINTS_MAX && kept > NODE_ENDPOINTS_MAX * 0.95, `${kept}`);
  assert.ok(remembered(0, few) < few / 10, 'the oldest make way first');
  assert.deepEqual(nodes.at(endpoint(2 * NODE_ENDPOINTS_MAX - 1)), nodeIdBytes(BERT));
});

test('an endpoint of one family is never taken for one of the other', () => {
  const nodes = new NodeEndpoints({ k0: 3, k1: 4 });
  const long = new Uint8Array(18);
  nodes.note(long, ANNA);
  assert.equal(nodes.at(long.subarray(0, 6)), undefined);
  nodes.note(long.subarray(0, 6), BERT);
  assert.deepEqual(nodes.at(long), nodeIdBytes(ANNA));
  nodes.note(long, undefined);
  assert.equal(nodes.at(long), undefined);
  assert.deepEqual(nodes.at(long.subarray(0, 6)), nodeIdBytes(BERT));
});
