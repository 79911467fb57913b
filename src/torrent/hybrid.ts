/**
 * The v2 half of a hybrid torrent (BEP 52) must describe the very files that the v1 half does, or two clients with
 * one torrent would write different things. Hashes of the v2 half are not looked at: we transfer by the v1 half.
 */
import { type BencodeDict, type BencodeValue, latin1, type Steps } from '../base/index.ts';
import { FILES_A_STEP, type RawFile } from './raw-file.ts';

/** One file of the tree: path with one character per byte, joined with `/`, and its length. */
interface Leaf {
  readonly path: string;
  readonly length: number;
}

/** True when a `file tree` names the same files in the same order, and each starts its own piece. */
export function* agreesWithFileTree(
  tree: BencodeValue | undefined,
  name: Uint8Array,
  files: readonly RawFile[],
  pieceLength: number,
): Steps<boolean> {
  const leaves: Leaf[] = [];
  if (!(tree instanceof Map) || !(yield* collectLeaves(tree, '', leaves))) return false;
  let offset = 0;
  let next = 0;
  for (const [i, { path, length, isPadding }] of files.entries()) {
    if (i % FILES_A_STEP === 0) yield;
    if (!isPadding) {
      const leaf = leaves[next++];
      const wanted = path.length === 0 ? latin1(name) : path.map(latin1).join('/');
      if (leaf?.path !== wanted || leaf.length !== length) return false;
      if (length > 0 && offset % pieceLength !== 0) return false;
    }
    offset += length;
  }
  return next === leaves.length;
}

/** Depth is bounded by the bencode reader's. */
function* collectLeaves(directory: BencodeDict, prefix: string, leaves: Leaf[]): Steps<boolean> {
  for (const [key, node] of directory) {
    if (leaves.length % FILES_A_STEP === 0) yield;
    if (key === '' || !(node instanceof Map)) return false;
    const path = `${prefix}${key}`;
    const file = node.get('');
    if (file === undefined) {
      if (!(yield* collectLeaves(node, `${path}/`, leaves))) return false;
    } else {
      const length = file instanceof Map ? file.get('length') : undefined;
      if (node.size !== 1 || typeof length !== 'number') return false;
      leaves.push({ path, length });
    }
  }
  return true;
}
