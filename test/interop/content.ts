/**
 * Content to share: a generated folder that holds what breaks clients (nested folders, empty files, unicode names,
 * files that end inside a piece), the same on every run, and a fingerprint to compare folders by.
 */
import { createCipheriv, createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { pipeline } from 'node:stream/promises';

const MIB = 2 ** 20;
const BUFFER_BYTES = 4 * MIB;

/** Paths with their share of the whole in parts per thousand, or their exact size in bytes where that is `bytes`. */
// biome-ignore format: a table
const FILES: readonly { readonly path: string; readonly permille?: number; readonly bytes?: number }[] = [
  { path: 'empty at the top', bytes: 0 },
  { path: 'README.txt', bytes: 1 },
  { path: 'one block', bytes: 16_384 },
  { path: 'one block and a byte', bytes: 16_385 },
  { path: 'films/one large file.mkv', permille: 400 },
  { path: 'films/extras/deeper/deeper still/bottom.bin', permille: 60 },
  { path: 'films/extras/empty.nfo', bytes: 0 },
  { path: 'music/Caf\u00e9 (composed).flac', permille: 110 },
  { path: 'music/Re\u0301sume\u0301 (decomposed).flac', permille: 90 },
  { path: 'music/日本語/曲 01.ogg', permille: 70 },
  { path: 'music/日本語/曲 02.ogg', bytes: 0 },
  { path: 'עברית/שלום עולם.txt', permille: 30 },
  { path: 'العربية/ملف.bin', permille: 40 },
  { path: '🎉 party/🦑.gif', permille: 80 },
  { path: 'names/.hidden', bytes: 700 },
  { path: "names/it's 100% [odd] & (fine) #1 + more;, =~!@.txt", bytes: 90_001 },
  { path: `names/${'long '.repeat(40)}name`, bytes: 33_333 },
  { path: 'names/zz last, after an empty one', permille: 120 },
];

export interface Content {
  /** The folder that holds the content folder. */
  readonly parent: string;
  /** The content folder's name, which becomes the torrent's. */
  readonly name: string;
  /** Bytes of all files. */
  readonly size: number;
}

/** Writes the folder `name` below `parent`, about `size` bytes in all, with bytes that depend on the seed only. */
export async function makeContent(parent: string, name: string, size: number, seed: number): Promise<Content> {
  let total = 0;
  for (const [index, file] of FILES.entries()) {
    const length = file.bytes ?? Math.floor((size * file.permille!) / 1000) + index;
    await writeRandomFile(join(parent, name, file.path), length, seed * FILES.length + index);
    total += length;
  }
  return { parent, name, size: total };
}

/** Writes a file of that length, the AES-CTR keystream of its seed, at about memory speed. */
export async function writeRandomFile(path: string, length: number, seed: number): Promise<void> {
  const iv = Buffer.alloc(16);
  iv.writeUInt32BE(seed);
  const keystream = createCipheriv('aes-128-ctr', Buffer.alloc(16, 'monsoon'), iv);
  const zeros = Buffer.alloc(Math.min(BUFFER_BYTES, length));
  await mkdir(dirname(path), { recursive: true });
  const file = await open(path, 'w');
  for (let written = 0; written < length; ) {
    const bytes = keystream.update(zeros.subarray(0, length - written));
    await file.appendFile(bytes);
    written += bytes.length;
  }
  await file.close();
}

/** Relative path → SHA-256 in hex of every file below the directory, sorted by path. */
export async function treeHash(directory: string): Promise<Record<string, string>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
  const hashes: [string, string][] = [];
  for (const path of paths.toSorted()) {
    const hash = createHash('sha256');
    await pipeline(createReadStream(path, { highWaterMark: MIB }), hash);
    hashes.push([relative(directory, path), hash.digest('hex')]);
  }
  return Object.fromEntries(hashes);
}

/** The same without files of 0 bytes, which some clients do not create. */
export function withoutEmptyFiles(tree: Record<string, string>): Record<string, string> {
  const emptyHash = createHash('sha256').digest('hex');
  return Object.fromEntries(Object.entries(tree).filter(([, hash]) => hash !== emptyHash));
}
