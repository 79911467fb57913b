// The worked examples of docs/PROTOCOL.md, made by the code from fixed seeds: `node test/protocol-examples.ts` prints
// them. A change of format changes them, and the docs test fails until the page says so.
import { hex, type InfoHash, parseInfoHash, wallSeconds } from '../src/base/index.ts';
import { sha1 } from '../src/io/hash.ts';
import { identityOfSeed } from '../src/io/identity.ts';
import { sealEntry } from '../src/listing/index.ts';
import { sealDescriptor } from '../src/overlay/index.ts';

/** One sealed record, as hex in lines. */
export interface Example {
  readonly title: string;
  readonly bytes: Uint8Array;
  readonly lines: readonly string[];
}

const SEED = Uint8Array.from({ length: 32 }, (_, i) => i);
const AT = wallSeconds(1_790_000_000);
const INFO_HASH: InfoHash = parseInfoHash('0123456789abcdef0123456789abcdef01234567')!;
const LINE_BYTES = 32;

/** The entry and the descriptor of the page. */
export function protocolExamples(): Example[] {
  const { nodeId, sign } = identityOfSeed(SEED);
  const entry = sealEntry(
    {
      infoHash: INFO_HASH,
      name: 'Two songs',
      size: 23,
      files: 2,
      category: 'music',
      tags: ['live'],
      description: 'Recorded at home.',
      publisher: nodeId,
      sequence: 1,
      published: AT,
      isWithdrawn: false,
    },
    sign,
  );
  const { record } = sealDescriptor(
    {
      network: 'monsoon',
      addresses: [
        { host: '192.0.2.1', port: 7373 },
        { host: '2001:db8::1', port: 7373 },
      ],
      sequence: 1,
      issued: AT,
      expires: wallSeconds(AT + 7200),
      capacity: { announcesPerSecond: 1000, peers: 1_000_000, hashes: 200_000, trackingBytesPerSecond: 60_000 },
      load: 0,
      roles: 0,
      term: 0,
    },
    nodeId,
    sign,
    sha1,
  );
  return [example('entry', entry), example('descriptor', record)];
}

function example(title: string, bytes: Uint8Array): Example {
  const starts = Array.from({ length: Math.ceil(bytes.length / LINE_BYTES) }, (_, i) => i * LINE_BYTES);
  return { title, bytes, lines: starts.map((at) => hex(bytes.subarray(at, at + LINE_BYTES))) };
}

if (import.meta.main) {
  for (const { title, bytes, lines } of protocolExamples())
    console.log(`${title}, ${bytes.length} bytes\n${lines.join('\n')}`);
}
