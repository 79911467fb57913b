/** What was just done or why it was not, over the lower edge of the page. */
import type { JSX } from 'preact';
import { closeNotice, notice } from './notices.ts';
import { useStore } from './store.ts';

export function NoticeBar(): JSX.Element {
  const shown = useStore(notice);
  return (
    <div class="notices">
      <p class="notice" role="status" hidden={shown?.kind !== 'done'}>
        {shown?.kind === 'done' && shown.text}
      </p>
      {shown?.kind === 'problem' && (
        <div class="notice wrong">
          <p role="alert">{shown.text}</p>
          <button type="button" class="quiet" onClick={closeNotice}>
            Close
          </button>
        </div>
      )}
    </div>
  );
}
