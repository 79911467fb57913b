/** The files of a torrent as a tree; of one that is here also how far each is, and how much it is wanted. */
import type { JSX } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import type { FileRow, PriorityName } from '../../../app/running-node.ts';
import type { StreamAddress } from '../../../app/streamed-file.ts';
import { formatCount } from '../../format.ts';
import { change, read } from '../api.ts';
import { attempt } from '../notices.ts';
import { FileLine } from './file-line.tsx';
import { type Folder, filesIn, isOpenAtFirst, linesOf, treeOf } from './file-tree.ts';
import { FolderLine } from './folder-line.tsx';
import { PrioritySelect } from './priority-select.tsx';
import { selectorsOf } from './selectors.ts';

const READ_MS = 3000;
/** A torrent can have 100,000 files; the filter finds what lies beyond. */
const LINES_MAX = 300;

interface Props {
  readonly infoHash: string;
  readonly isHeld: boolean;
}

export function FileList({ infoHash, isHeld }: Props): JSX.Element {
  const { files, streams, problem, reread } = useFiles(infoHash, isHeld);
  const [words, setWords] = useState('');
  const [folded, setFolded] = useState<ReadonlyMap<string, boolean>>(new Map());
  const shown = useMemo(() => fitting(files ?? [], words), [files, words]);
  const root = useMemo(() => treeOf(shown), [shown]);
  const isOpen = ({ path }: Folder, depth: number): boolean =>
    words.trim() !== '' || (folded.get(path) ?? isOpenAtFirst(root, depth));
  const lines = [...linesOf(root, isOpen).take(LINES_MAX + 1)];
  const choose = async (priority: PriorityName, chosen: Iterable<FileRow>): Promise<void> => {
    const selectors = selectorsOf([...chosen].map(({ index }) => index));
    await attempt(
      () => change(`/api/torrents/${infoHash}/files`, { [priority]: selectors }),
      () => 'What is wanted has changed',
    );
    reread();
  };
  const onChoose = isHeld ? choose : undefined;
  return (
    <section aria-labelledby="files-title">
      <h3 id="files-title">
        Files {files && files.length > 0 && <span class="hint">{formatCount(files.length)}</span>}
      </h3>
      {files && files.length > 1 && (
        <div class="group">
          <input
            type="search"
            value={words}
            placeholder="Filter files"
            aria-label="Show files that contain"
            spellcheck={false}
            onInput={(event) => setWords(event.currentTarget.value)}
          />
          {onChoose && (
            <PrioritySelect label="Set all shown files to" onChoose={(priority) => onChoose(priority, shown)} />
          )}
        </div>
      )}
      <ul class="tree">
        {lines
          .slice(0, LINES_MAX)
          .map((line) =>
            line.kind === 'folder' ? (
              <FolderLine
                key={`${line.folder.path}/`}
                line={line}
                onToggle={() => setFolded(new Map(folded).set(line.folder.path, !line.isOpen))}
                onChoose={onChoose && ((priority) => onChoose(priority, filesIn(line.folder)))}
              />
            ) : (
              <FileLine
                key={line.file.index}
                line={line}
                onChoose={onChoose && ((priority) => onChoose(priority, [line.file]))}
                streams={streams}
              />
            ),
          )}
      </ul>
      <p class="hint" role="status">
        {problem ?? noteOf(files, shown.length, lines.length)}
      </p>
    </section>
  );
}

interface Files {
  readonly files: readonly FileRow[] | undefined;
  /** Where they are read; another one after a restart of the node. */
  readonly streams: string | undefined;
  readonly problem: string | undefined;
  readonly reread: () => void;
}

/** Read once, and again every few seconds where they may change. */
function useFiles(infoHash: string, isHeld: boolean): Files {
  const [files, setFiles] = useState<readonly FileRow[] | undefined>(undefined);
  const [streams, setStreams] = useState<string | undefined>(undefined);
  const [problem, setProblem] = useState<string | undefined>(undefined);
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const ends = new AbortController();
    const take = async (): Promise<void> => {
      try {
        setFiles(await read(`/api/files/${infoHash}`, ends.signal));
        setProblem(undefined);
        if (isHeld) setStreams((await read<StreamAddress>(`/api/streams/${infoHash}`, ends.signal)).path);
      } catch (error) {
        if (!ends.signal.aborted) setProblem((error as Error).message);
      }
    };
    void take();
    const timer = isHeld ? setInterval(() => void take(), READ_MS) : undefined;
    return () => {
      clearInterval(timer);
      ends.abort();
    };
  }, [infoHash, isHeld, turn]);
  return { files, streams: isHeld ? streams : undefined, problem, reread: () => setTurn((before) => before + 1) };
}

function fitting(files: readonly FileRow[], text: string): readonly FileRow[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return files;
  return files.filter(({ path }) => words.every((word) => path.toLowerCase().includes(word)));
}

function noteOf(files: readonly FileRow[] | undefined, fittingCount: number, lines: number): string {
  if (files === undefined) return 'Looking for the list of files…';
  if (files.length === 0) return 'The files are not known yet.';
  if (fittingCount === 0) return 'No file fits this filter.';
  return lines > LINES_MAX ? `The first ${LINES_MAX} lines are shown; the filter finds the others.` : '';
}
