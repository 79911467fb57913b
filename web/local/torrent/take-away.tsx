/** Ways to take a torrent to another client: its magnet link, and its .torrent file. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { TorrentDetail } from '../../../app/running-node.ts';
import { fileAt } from '../api.ts';
import { attempt, say } from '../notices.ts';

export function TakeAway({ detail }: { readonly detail: TorrentDetail }): JSX.Element {
  const [isBusy, setBusy] = useState(false);
  const copy = (): void =>
    void attempt(
      () => navigator.clipboard.writeText(detail.magnet),
      () => 'The magnet link is copied',
    );
  const save = async (): Promise<void> => {
    setBusy(true);
    try {
      saveAs(await fileAt(`/api/torrent-files/${detail.infoHash}`), `${detail.name}.torrent`);
    } catch (error) {
      say('problem', (error as Error).message);
    }
    setBusy(false);
  };
  return (
    <p class="group">
      <a href={detail.magnet}>Magnet link</a>
      <button type="button" class="quiet" onClick={copy}>
        Copy
      </button>
      <button type="button" class="quiet" disabled={isBusy} onClick={save}>
        Save .torrent
      </button>
    </p>
  );
}

function saveAs(content: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
