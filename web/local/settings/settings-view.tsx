/** The settings. */
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { read } from '../api.ts';
import { say } from '../notices.ts';
import { OptionForm, type Setting } from './option-form.tsx';
import { OPTION_GROUPS } from './option-groups.ts';

export function SettingsView(): JSX.Element {
  const [rows, setRows] = useState<readonly Setting[] | undefined>(undefined);
  useEffect(() => {
    const ends = new AbortController();
    read<readonly Setting[]>('/api/config', ends.signal).then(setRows, (error: Error) => {
      if (!ends.signal.aborted) say('problem', error.message);
    });
    return () => ends.abort();
  }, []);
  const settings = new Map((rows ?? []).map((row) => [row.name, row]));
  return (
    <section class="view page-view" aria-labelledby="settings-title">
      <h1 id="settings-title">Settings</h1>
      <p class="lead">
        The same options as in “monsoon config”. What cannot change while the node runs holds from its next start, and
        says so.
      </p>
      {rows && (
        <div class="masonry">
          {OPTION_GROUPS.map((group) => (
            <OptionForm key={group.title} group={group} settings={settings} onSaved={setRows} />
          ))}
        </div>
      )}
    </section>
  );
}
