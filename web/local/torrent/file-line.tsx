/** One file in the tree. */
import type { JSX } from 'preact';
import type { PriorityName } from '../../../app/running-node.ts';
import { formatSize } from '../../format.ts';
import { isPlayable, isShowable } from '../../media-type.ts';
import type { TreeLine } from './file-tree.ts';
import { PrioritySelect } from './priority-select.tsx';

interface Props {
  readonly line: Extract<TreeLine, { kind: 'file' }>;
  /** Undefined for a torrent that is not here. */
  readonly onChoose: ((priority: PriorityName) => void) | undefined;
  /** Below which the torrent's files are read, such as `/stream/HASH/KEY/`; undefined where they are not. */
  readonly streams: string | undefined;
}

export function FileLine({ line: { name, file, depth }, onChoose, streams }: Props): JSX.Element {
  const verb = isPlayable(name) ? 'Play' : 'Show';
  return (
    <li class={onChoose && file.priority === 'skip' ? 'skipped' : ''} style={{ paddingLeft: `${depth}rem` }}>
      <span class="title" dir="auto" title={file.path}>
        {name}
      </span>
      {streams !== undefined && isShowable(name) && (
        <a
          href={`${streams}${file.index}/${encodeURIComponent(name)}`}
          target="_blank"
          rel="noopener"
          aria-label={`${verb} ${name}`}
        >
          {verb}
        </a>
      )}
      <span class="number">{formatSize(file.size)}</span>
      {onChoose && <span class="number percent">{Math.floor(file.progress * 100)} %</span>}
      {onChoose && (
        <PrioritySelect label={`How much ${file.path} is wanted`} value={file.priority} onChoose={onChoose} />
      )}
    </li>
  );
}
