/** Everything that can be done with a torrent of ours; deleting its files takes two clicks on the same button. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { TorrentRow } from '../../../app/running-node.ts';
import { ActionButton } from '../action-button.tsx';
import { RateField, rateOf, rateText } from '../rate-field.tsx';
import { closeTorrent } from '../route.ts';
import { SureButton } from '../sure-button.tsx';
import { unless } from '../use-typed.ts';
import { act, isResting } from './act.ts';

export function TransferControls({ row }: { readonly row: TorrentRow }): JSX.Element {
  const remove = async (withData: boolean): Promise<void> => {
    if (await act(row, { type: 'remove', withData })) closeTorrent(row.infoHash);
  };
  return (
    <section class="controls" aria-label="What to do">
      <div class="group">
        <ActionButton onAct={() => act(row, { type: isResting(row) ? 'resume' : 'pause' })}>
          {isResting(row) ? 'Resume' : 'Pause'}
        </ActionButton>
        <ActionButton onAct={() => act(row, { type: 'verify' })}>Check files</ActionButton>
        {row.queuePlace !== null && (
          <ActionButton onAct={() => act(row, { type: 'queue', to: 'first' })}>First in queue</ActionButton>
        )}
        <ActionButton onAct={() => remove(false)}>Remove</ActionButton>
        <SureButton label="Remove with files" question="Really delete them?" onAct={() => remove(true)} />
      </div>
      <LimitForm row={row} />
      <MoveForm row={row} />
    </section>
  );
}

function LimitForm({ row }: { readonly row: TorrentRow }): JSX.Element {
  const [down, setDown] = useState(rateText(row.downBytesPerSecondMax));
  const [up, setUp] = useState(rateText(row.upBytesPerSecondMax));
  const submit = (event: Event): void => {
    event.preventDefault();
    void act(row, { type: 'limit', down: rateOf(down), up: rateOf(up) });
  };
  return (
    <form class="group" onSubmit={submit}>
      <RateField label="Down" value={down} onType={setDown} />
      <RateField label="Up" value={up} onType={setUp} />
      <button type="submit" class="quiet">
        Limit
      </button>
    </form>
  );
}

function MoveForm({ row }: { readonly row: TorrentRow }): JSX.Element {
  const [directory, setDirectory] = useState('');
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (await act(row, { type: 'move', directory: directory.trim() })) setDirectory(unless(directory, ''));
  };
  return (
    <form class="group" onSubmit={submit}>
      <label>
        To folder{' '}
        <input
          class="wide"
          value={directory}
          required
          placeholder="/home/me/films"
          title="An absolute path"
          spellcheck={false}
          onInput={(event) => setDirectory(event.currentTarget.value)}
        />
      </label>
      <button type="submit" class="quiet">
        Move
      </button>
    </form>
  );
}
