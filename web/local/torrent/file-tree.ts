/** Files with paths as a tree of folders, and the lines of it that are unfolded. Pure. */
import type { FileRow } from '../../../app/running-node.ts';

export interface Folder {
  readonly path: string;
  readonly name: string;
  readonly folders: Folder[];
  readonly files: FileRow[];
  size: number;
  /** Files in it and below. */
  count: number;
}

/** One line of the tree as it is drawn. */
export type TreeLine =
  | { readonly kind: 'folder'; readonly depth: number; readonly folder: Folder; readonly isOpen: boolean }
  | { readonly kind: 'file'; readonly depth: number; readonly name: string; readonly file: FileRow };

/** Folders below the top are folded in at first when there are more files than this. */
const OPEN_FILES_MAX = 40;

/** Builds the tree; folders and files keep the order in which they come. */
export function treeOf(files: readonly FileRow[]): Folder {
  const root = newFolder('', '');
  const known = new Map<string, Folder>([['', root]]);
  for (const file of files) {
    const names = file.path.split('/');
    let folder = root;
    grow(folder, file);
    for (const [depth, name] of names.slice(0, -1).entries()) {
      const path = names.slice(0, depth + 1).join('/');
      let next = known.get(path);
      if (!next) {
        next = newFolder(path, name);
        known.set(path, next);
        folder.folders.push(next);
      }
      folder = next;
      grow(folder, file);
    }
    folder.files.push(file);
  }
  return root;
}

/** True when a folder nobody has touched is open. */
export function isOpenAtFirst(root: Folder, depth: number): boolean {
  return root.count <= OPEN_FILES_MAX || (depth === 0 && root.folders.length === 1);
}

/** The lines that are seen; `isOpen` answers for each folder. */
export function* linesOf(
  folder: Folder,
  isOpen: (folder: Folder, depth: number) => boolean,
  depth = 0,
): Generator<TreeLine> {
  for (const inner of folder.folders) {
    const isUnfolded = isOpen(inner, depth);
    yield { kind: 'folder', depth, folder: inner, isOpen: isUnfolded };
    if (isUnfolded) yield* linesOf(inner, isOpen, depth + 1);
  }
  for (const file of folder.files) yield { kind: 'file', depth, name: file.path.split('/').at(-1) ?? '', file };
}

/** The files of a folder and below. */
export function* filesIn(folder: Folder): Generator<FileRow> {
  yield* folder.files;
  for (const inner of folder.folders) yield* filesIn(inner);
}

function newFolder(path: string, name: string): Folder {
  return { path, name, folders: [], files: [], size: 0, count: 0 };
}

function grow(folder: Folder, file: FileRow): void {
  folder.size += file.size;
  folder.count++;
}
