/** What a share is not as it lies on the disk, in sentences. */
import type { SharedTorrent } from '../../../app/running-node.ts';

export function notesOf({ leftOut, renamed }: Pick<SharedTorrent, 'leftOut' | 'renamed'>): string[] {
  const { links, emptyFolders, others } = leftOut;
  const kinds = [counted(links, 'link'), counted(emptyFolders, 'empty folder'), counted(others, 'special file')];
  const left = kinds.filter((text) => text !== '').join(', ');
  const [here, elsewhere] = renamed.example ?? [];
  const names = counted(renamed.names, 'name');
  return [
    ...(left === '' ? [] : [`Left out: ${left}.`]),
    ...(here === undefined ? [] : [`${names} that not every system can hold: “${here}” is “${elsewhere}” to others.`]),
  ];
}

function counted(count: number, noun: string): string {
  return count === 0 ? '' : `${count} ${noun}${count === 1 ? '' : 's'}`;
}
