/** Sharing: a file or folder of this machine, and what its publisher says about it. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { SharedTorrent } from '../../../app/running-node.ts';
import { formatSize } from '../../format.ts';
import { change } from '../api.ts';
import { CATEGORIES } from '../listing/question.ts';
import { attempt, say } from '../notices.ts';
import { hrefOf } from '../route.ts';
import { unless } from '../use-typed.ts';
import { notesOf } from './share-notes.ts';

const NOTHING = { path: '', category: 'misc', description: '', tags: '' };

export function ShareView(): JSX.Element {
  const [fields, setFields] = useState(NOTHING);
  const [isBusy, setBusy] = useState(false);
  const [shared, setShared] = useState<readonly SharedTorrent[]>([]);
  const set = (changes: Partial<typeof NOTHING>): void => setFields((now) => ({ ...now, ...changes }));
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (isBusy) return;
    setBusy(true);
    const { path, category, description, tags } = fields;
    say('done', `Reading ${path}; large folders take a while`);
    const body = {
      path: path.trim(),
      category,
      description: description.trim(),
      tags: tags.split(/[\s,]+/).filter(Boolean),
    };
    const made = await attempt(
      () => change<SharedTorrent>('/api/share', body),
      ({ name }) => `Sharing ${name}`,
    );
    setBusy(false);
    if (!made) return;
    setFields(unless(fields, NOTHING));
    setShared((now) => [made, ...now.filter(({ infoHash }) => infoHash !== made.infoHash)]);
  };
  return (
    <section class="view page-view" aria-labelledby="share-title">
      <h1 id="share-title">Share</h1>
      <p class="lead">
        What you share stays where it is. Everybody in the network sees it listed; name, size and files are checked
        against its hash, category and description are your word.
      </p>
      <form class="card form" autocomplete="off" onSubmit={submit}>
        <label for="path">File or folder on this machine</label>
        <input
          id="path"
          value={fields.path}
          required
          maxLength={4096}
          placeholder="/home/me/films/holidays"
          spellcheck={false}
          onInput={(event) => set({ path: event.currentTarget.value })}
        />
        <label for="category">Category</label>
        <select
          id="category"
          value={fields.category}
          onChange={(event) => set({ category: event.currentTarget.value })}
        >
          {CATEGORIES.map((category) => (
            <option key={category}>{category}</option>
          ))}
        </select>
        <label for="description">Description</label>
        <textarea
          id="description"
          value={fields.description}
          rows={4}
          maxLength={900}
          onInput={(event) => set({ description: event.currentTarget.value })}
        />
        <label for="tags">Tags, with spaces between</label>
        <input
          id="tags"
          value={fields.tags}
          maxLength={120}
          placeholder="tv ebook"
          spellcheck={false}
          onInput={(event) => set({ tags: event.currentTarget.value })}
        />
        <div>
          <button type="submit" disabled={isBusy}>
            Share
          </button>
        </div>
      </form>
      {shared.length > 0 && (
        <ul class="card shared" aria-label="Shared just now">
          {shared.map((torrent) => (
            <li key={torrent.infoHash}>
              <a class="title" dir="auto" href={hrefOf('share', [['torrent', torrent.infoHash]])}>
                {torrent.name}
              </a>{' '}
              <span class="hint">{formatSize(torrent.size)}</span> <a href={torrent.magnet}>Magnet link</a>
              {notesOf(torrent).map((note) => (
                <div key={note} class="hint" dir="auto">
                  {note}
                </div>
              ))}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
