/** The field for a magnet link, a hash or a name, and the button for a .torrent file. */
import type { JSX, TargetedEvent } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { unless } from '../use-typed.ts';
import { fetchFile, fetchTorrent } from './fetch-torrent.ts';

export function AddBar(): JSX.Element {
  const [what, setWhat] = useState('');
  const [isBusy, setBusy] = useState(false);
  const picker = useRef<HTMLInputElement>(null);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (isBusy) return;
    setBusy(true);
    if (await fetchTorrent(what.trim())) setWhat(unless(what, ''));
    setBusy(false);
  };
  const pick = async (event: TargetedEvent<HTMLInputElement>): Promise<void> => {
    const input = event.currentTarget;
    const files = [...(input.files ?? [])];
    // At once: more may be picked while these are read, the same ones too.
    input.value = '';
    for (const file of files) await fetchFile(file);
  };
  return (
    <form class="add" autocomplete="off" onSubmit={submit}>
      <label class="hidden" for="what">
        Magnet link, info hash or name
      </label>
      <input
        id="what"
        value={what}
        required
        maxLength={8192}
        placeholder="Magnet link or info hash"
        spellcheck={false}
        onInput={(event) => setWhat(event.currentTarget.value)}
      />
      <button type="submit" disabled={isBusy}>
        Fetch
      </button>
      <button type="button" class="quiet" onClick={() => picker.current?.click()}>
        Open file
      </button>
      <input
        ref={picker}
        class="hidden"
        type="file"
        accept=".torrent,application/x-bittorrent"
        multiple
        tabIndex={-1}
        aria-label=".torrent file"
        onChange={pick}
      />
    </form>
  );
}
