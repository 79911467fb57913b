/** What can be done with a torrent that is here. */
import type { TorrentAction, TorrentRow } from '../../../app/running-node.ts';
import { change } from '../api.ts';
import { attempt } from '../notices.ts';

const DONE: Readonly<Record<TorrentAction['type'], (name: string, row: TorrentRow) => string>> = {
  pause: (name) => `${name} is paused`,
  resume: (name) => `${name} goes on`,
  verify: (name, { progress }) => `${name} is checked: ${Math.floor(progress * 100)} % is good`,
  queue: (name) => `${name} goes first`,
  limit: (name) => `The limits of ${name} are set`,
  move: (name, { path }) => `${name} is now ${path}`,
  remove: (name) => `${name} is removed`,
};

/** Resolves to true when it was done; says either way what came of it. */
export async function act({ infoHash, name }: TorrentRow, action: TorrentAction): Promise<boolean> {
  const row = await attempt(
    () => change<TorrentRow>(`/api/torrents/${infoHash}`, action),
    (done) => DONE[action.type](name, done),
  );
  return row !== undefined;
}

/** True for what goes on by Resume. */
export function isResting({ state }: TorrentRow): boolean {
  return state === 'paused' || state === 'failed';
}
