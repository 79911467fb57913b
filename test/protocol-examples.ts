// The worked examples of docs/PROTOCOL.md, made by the code from fixed seeds: `node test/protocol-examples.ts` prints
// them. A change of format changes them, and the docs test fails until the page says so.
import { hex, type InfoHash, type NodeId, parseInfoHash, type Sign, wallSeconds } from '../src/base/index.ts';
import { sha1 } from '../src/io/hash.ts';
import { identityOfSeed } from '../src/io/identity.ts';
import { sealEntry, sealFilterList } from '../src/listing/index.ts';
import {
  certificateOf,
  encodeMessage,
  sealDescriptor,
  sealGrant,
  signedGrant,
  type Token,
  takenBytes,
  type Vote,
  votedBytes,
} from '../src/overlay/index.ts';
import { sealWidening } from '../src/overlay/widening.ts';

/** One sealed record, as hex in lines. */
export interface Example {
  readonly title: string;
  readonly bytes: Uint8Array;
  readonly lines: readonly string[];
}

const SEED = Uint8Array.from({ length: 32 }, (_, i) => i);
const WITNESS_SEED = Uint8Array.from({ length: 32 }, (_, i) => 255 - i);
const AT = wallSeconds(1_790_000_000);
const INFO_HASH: InfoHash = parseInfoHash('0123456789abcdef0123456789abcdef01234567')!;
const LINE_BYTES = 32;

/** The records and messages of the page. */
export function protocolExamples(): Example[] {
  const { nodeId, sign } = identityOfSeed(SEED);
  return [entryOf(nodeId, sign), filterListOf(nodeId, sign), ...overlayExamples(nodeId, sign)];
}

function entryOf(publisher: NodeId, sign: Sign): Example {
  const entry = sealEntry(
    {
      infoHash: INFO_HASH,
      name: 'Two songs',
      size: 23,
      files: 2,
      category: 'music',
      tags: ['live'],
      description: 'Recorded at home.',
      publisher,
      sequence: 1,
      published: AT,
      isWithdrawn: false,
    },
    sign,
  );
  return example('entry', entry);
}

function filterListOf(author: NodeId, sign: Sign): Example {
  const rules = `${INFO_HASH} # fake\nname:*keygen*`;
  return example('filter list', sealFilterList({ author, title: 'Fakes', sequence: 1, published: AT, rules }, sign)!);
}

function overlayExamples(nodeId: NodeId, sign: Sign): Example[] {
  const other = identityOfSeed(WITNESS_SEED);
  const voted = votedBytes({ network: 'monsoon', nodeId, host: '192.0.2.1', term: 1, issued: AT, seat: undefined });
  const vote: Vote = { witness: other.nodeId, signature: other.sign(voted) };
  const { record } = sealDescriptor(
    {
      network: 'monsoon',
      addresses: [
        { host: '192.0.2.1', port: 7373 },
        { host: '2001:db8::1', port: 7373 },
      ],
      sequence: AT,
      issued: AT,
      expires: wallSeconds(AT + 7200),
      capacity: { announcesPerSecond: 1000, peers: 1_000_000, hashes: 200_000, trackingBytesPerSecond: 60_000 },
      load: 0,
      roles: 0,
      term: 1,
      certificate: certificateOf([vote], AT, undefined),
      ownTokens: 8,
    },
    nodeId,
    sign,
    sha1,
  );
  const until = wallSeconds(AT + 7200);
  const arc = { from: '00'.repeat(20) as Token, to: '80'.repeat(20) as Token };
  const given = {
    network: 'monsoon',
    giver: nodeId,
    taker: other.nodeId,
    ...arc,
    epoch: 1,
    sequence: AT,
    expires: until,
  };
  const grant = sealGrant(given, sign);
  const shortly = wallSeconds(AT + 600);
  const wide = { network: 'monsoon', infoHash: INFO_HASH, owner: nodeId, level: 3, sequence: AT, expires: shortly };
  const news = {
    digests: [{ key: '6403a107bff3ce10', sequence: AT }],
    suspects: [],
    view: '0123456789abcdef',
    againMs: 16_000,
  };
  return [
    example('vote', voted),
    example('descriptor', record),
    example('grant', signedGrant(grant, other.sign(takenBytes(grant.sealed)), undefined).record),
    example('widening', sealWidening(wide, sign).record),
    example('gossip', encodeMessage({ type: 'gossip', ...news })),
  ];
}

function example(title: string, bytes: Uint8Array): Example {
  const starts = Array.from({ length: Math.ceil(bytes.length / LINE_BYTES) }, (_, i) => i * LINE_BYTES);
  return { title, bytes, lines: starts.map((at) => hex(bytes.subarray(at, at + LINE_BYTES))) };
}

if (import.meta.main) {
  for (const { title, bytes, lines } of protocolExamples())
    console.log(`${title}, ${bytes.length} bytes\n${lines.join('\n')}`);
}
