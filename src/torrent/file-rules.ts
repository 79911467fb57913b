/**
 * What a person says about a torrent's files, which may be said before anybody knows the files: rules, the later one
 * stronger. A rule names files by index as magnets do (BEP 53) or by name; file order and paths are the torrent's.
 */
import { type Fault, fault } from '../base/index.ts';
import type { TorrentFile } from './info.ts';
import { PRIORITY, type Priority } from './selection.ts';

/** Most rules for one torrent. */
export const FILE_RULES_MAX = 1000;
/** Longest list of indices or pattern, in UTF-16 units; magnets may select 10,000 files. */
export const FILE_RULE_LENGTH_MAX = 65_536;

/** How much some files are wanted. */
export interface FileRule {
  /**
   * Indices and ranges (`0,2,4-6`), a pattern with `*` and `?` for a whole path or file name, or a part of a path.
   * Case does not count; the folder named after the torrent is not part of a path.
   */
  readonly files: string;
  readonly priority: Priority;
}

/** How a torrent is to be fetched. */
export interface Wishes {
  readonly rules: readonly FileRule[];
  /** In the order of the torrent, for somebody who uses it as it comes. */
  readonly isSequential: boolean;
}

/** Everything, the rarest first. */
export const NO_WISHES: Wishes = { rules: [], isSequential: false };

/** The rules for somebody who wants only these files. */
export function onlyFiles(selectors: readonly string[]): FileRule[] {
  if (selectors.length === 0) return [];
  return [{ files: '*', priority: PRIORITY.skip }, ...selectors.map((files) => ({ files, priority: PRIORITY.normal }))];
}

/** One priority per file; a fault when a rule names no file at all, for then it says something else than was meant. */
export function filePriorities(
  files: readonly TorrentFile[],
  rules: readonly FileRule[],
): Priority[] | Fault<'no-such-file'> {
  const priorities = new Array<Priority>(files.length).fill(PRIORITY.normal);
  const paths = new Map(files.map(({ path }, index) => [index, path]));
  for (const { files: selector, priority } of rules) {
    const chosen = filesNamed(paths, selector);
    if (chosen.length === 0) return fault('no-such-file', `no file is named by "${selector}"`);
    for (const file of chosen) priorities[file] = priority;
  }
  return priorities;
}

/** The fewest rules that say the same as one priority per file. */
export function rulesFor(priorities: readonly Priority[]): FileRule[] {
  const rules: FileRule[] = [];
  for (const priority of [PRIORITY.skip, PRIORITY.low, PRIORITY.high]) {
    const files = [...priorities.keys()].filter((file) => priorities[file] === priority);
    if (files.length > 0) rules.push({ files: formatFileIndices(files), priority });
  }
  return rules;
}

/** Writes ascending indices as a magnet does: `0,2,4-6`. */
export function formatFileIndices(files: readonly number[]): string {
  const ranges: string[] = [];
  for (let i = 0; i < files.length; ) {
    const from = files[i]!;
    let to = from;
    while (files[++i] === to + 1) to++;
    ranges.push(from === to ? `${from}` : `${from}-${to}`);
  }
  return ranges.join(',');
}

/** The files that a rule names, by their indices; of each the path with the torrent's folder. */
export function filesNamed(paths: ReadonlyMap<number, readonly string[]>, selector: string): number[] {
  if (INDICES.test(selector)) return indicesIn(selector, paths);
  const wanted = selector.toLowerCase();
  const isPattern = /[*?]/.test(wanted);
  const chosen: number[] = [];
  for (const [index, path] of paths) {
    const name = path.at(-1)!.toLowerCase();
    const whole = (path.length > 1 ? path.slice(1).join('/') : path[0]!).toLowerCase();
    if (isPattern ? matches(whole, wanted) || matches(name, wanted) : whole.includes(wanted)) chosen.push(index);
  }
  return chosen;
}
const INDICES = /^[0-9]+(?:-[0-9]+)?(?:,[0-9]+(?:-[0-9]+)?)*$/;

function indicesIn(list: string, paths: ReadonlyMap<number, unknown>): number[] {
  let last = -1;
  for (const file of paths.keys()) last = Math.max(last, file);
  const chosen = new Set<number>();
  for (const range of list.split(',')) {
    const [from, to] = range.split('-').map(Number);
    for (let file = from!; file <= Math.min(to ?? from!, last); file++) if (paths.has(file)) chosen.add(file);
  }
  return [...chosen];
}

/** `*` stands for any text, `?` for one character; never slower than the product of both lengths. */
function matches(text: string, pattern: string): boolean {
  let at = 0;
  let star = -1;
  let resume = 0;
  for (let i = 0; i < text.length; ) {
    if (pattern[at] === '*') {
      star = at++;
      resume = i;
    } else if (at < pattern.length && (pattern[at] === '?' || pattern[at] === text[i])) {
      at++;
      i++;
    } else if (star >= 0) {
      at = star + 1;
      i = ++resume;
    } else {
      return false;
    }
  }
  while (pattern[at] === '*') at++;
  return at === pattern.length;
}
