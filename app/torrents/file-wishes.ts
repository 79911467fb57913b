/** What people ask for of a torrent's files, as the rules that the torrent remembers and follows. */
import { type Fault, isFault, MonsoonError } from '../../src/base/index.ts';
import {
  FILE_RULES_MAX,
  filePriorities,
  formatFileIndices,
  onlyFiles,
  PRIORITY,
  rulesFor,
  type TorrentFile,
  type Wishes,
} from '../../src/torrent/index.ts';
import { type Choice, PRIORITY_NAMES, type Wanted } from '../running-node.ts';

/** What is wanted of a torrent that is added; a magnet's own selection counts when the person names no files. */
export function wishesOf(wanted: Wanted | undefined, selectedFiles: readonly number[] | undefined): Wishes {
  const named = wanted?.files ?? [];
  const files = named.length === 0 && selectedFiles ? [formatFileIndices(selectedFiles)] : named;
  return { rules: onlyFiles(files), isSequential: wanted?.isSequential ?? false };
}

/** The same for a torrent that is there already: what nothing was said about stays. */
export function choiceOf({ files, isSequential }: Wanted): Choice {
  return { ...(files.length > 0 && { only: files }), ...(isSequential && { isSequential }) };
}

/** The wishes after a change. Once the files are known the rules are written as short as they can be. */
export function changedWishes(before: Wishes, choice: Choice, files: readonly TorrentFile[]): Wishes {
  const added = PRIORITY_NAMES.flatMap((name) =>
    (choice[name] ?? []).map((selector) => ({ files: selector, priority: PRIORITY[name] })),
  );
  const rules = [...(choice.only ? onlyFiles(choice.only) : before.rules), ...added];
  if (rules.length > FILE_RULES_MAX)
    throw new MonsoonError('usage', `More than ${FILE_RULES_MAX} rules for one torrent.`);
  const isSequential = choice.isSequential ?? before.isSequential;
  if (files.length === 0) return { rules, isSequential };
  return { rules: rulesFor(requireFiles(filePriorities(files, rules))), isSequential };
}

/** Passes on what is no fault; a selector that names no file is its writer's mistake. */
export function requireFiles<T>(found: T | Fault<'no-such-file'>): T {
  if (isFault(found))
    throw new MonsoonError('not-found', `In this torrent ${found.text}. "monsoon files HASH" shows them.`);
  return found;
}
