/** One file in the tree. */
import type { JSX } from 'preact';
import type { PriorityName } from '../../../app/running-node.ts';
import { formatSize } from '../../format.ts';
import type { TreeLine } from './file-tree.ts';
import { PrioritySelect } from './priority-select.tsx';

interface Props {
  readonly line: Extract<TreeLine, { kind: 'file' }>;
  /** Undefined for a torrent that is not here. */
  readonly onChoose: ((priority: PriorityName) => void) | undefined;
}

export function FileLine({ line: { name, file, depth }, onChoose }: Props): JSX.Element {
  return (
    <li class={onChoose && file.priority === 'skip' ? 'skipped' : ''} style={{ paddingLeft: `${depth}rem` }}>
      <span class="title" dir="auto" title={file.path}>
        {name}
      </span>
      <span class="number">{formatSize(file.size)}</span>
      {onChoose && <span class="number percent">{Math.floor(file.progress * 100)} %</span>}
      {onChoose && (
        <PrioritySelect label={`How much ${file.path} is wanted`} value={file.priority} onChoose={onChoose} />
      )}
    </li>
  );
}
