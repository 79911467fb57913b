/** One folder in the tree, which unfolds. */
import type { JSX } from 'preact';
import type { PriorityName } from '../../../app/running-node.ts';
import { formatCount, formatSize } from '../../format.ts';
import type { TreeLine } from './file-tree.ts';
import { PrioritySelect } from './priority-select.tsx';

interface Props {
  readonly line: Extract<TreeLine, { kind: 'folder' }>;
  readonly onToggle: () => void;
  readonly onChoose: ((priority: PriorityName) => void) | undefined;
}

export function FolderLine({ line: { folder, depth, isOpen }, onToggle, onChoose }: Props): JSX.Element {
  return (
    <li class="folder" style={{ paddingLeft: `${depth}rem` }}>
      <button type="button" class="fold title" aria-expanded={isOpen} dir="auto" onClick={onToggle}>
        {folder.name}/
      </button>
      <span class="number">
        {formatCount(folder.count)} · {formatSize(folder.size)}
      </span>
      {onChoose && <PrioritySelect label={`How much everything in ${folder.path} is wanted`} onChoose={onChoose} />}
    </li>
  );
}
