/** What this node says of a torrent that it published: it can be changed, or taken back. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { ListingRow, Said } from '../../../app/running-node.ts';
import { change } from '../api.ts';
import { CATEGORIES } from '../listing/question.ts';
import { attempt } from '../notices.ts';
import { SureButton } from '../sure-button.tsx';
import { unless } from '../use-typed.ts';

interface Props {
  readonly listing: ListingRow;
  /** What is shown is old by now. */
  readonly onChanged: () => void;
}

interface Fields {
  readonly category: string;
  readonly description: string;
  readonly tags: string;
}

export function OwnEntry({ listing, onChanged }: Props): JSX.Element {
  const [fields, setFields] = useState<Fields | undefined>(undefined);
  const say = async (body: object, done: string): Promise<void> => {
    const said = await attempt(
      () => change<Said>(`/api/listing/${listing.infoHash}`, body),
      () => done,
    );
    if (!said) return;
    setFields(unless<Fields | undefined>(fields, undefined));
    onChanged();
  };
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (!fields) return;
    const { category, description, tags } = fields;
    const claims = { category, description: description.trim(), tags: tags.split(/[\s,]+/).filter(Boolean) };
    await say({ type: 'edit', ...claims }, `${listing.name} is listed so now`);
  };
  const edit = (): void => {
    const { category, description, tags } = listing;
    setFields({ category, description, tags: tags.join(' ') });
  };
  return (
    <section class="controls" aria-label="Your entry">
      {fields === undefined ? (
        <p class="group">
          <span class="hint">You listed this.</span>
          <button type="button" class="quiet" onClick={edit}>
            Edit
          </button>
          <SureButton
            label="Withdraw"
            question="Take it out of every list?"
            onAct={() => say({ type: 'withdraw' }, `${listing.name} is taken out of the listing`)}
          />
        </p>
      ) : (
        <EntryForm fields={fields} onChange={setFields} onSubmit={submit} onCancel={() => setFields(undefined)} />
      )}
    </section>
  );
}

interface FormProps {
  readonly fields: Fields;
  readonly onChange: (fields: Fields) => void;
  readonly onSubmit: (event: Event) => void;
  readonly onCancel: () => void;
}

function EntryForm({ fields, onChange, onSubmit, onCancel }: FormProps): JSX.Element {
  const set = (changes: Partial<Fields>): void => onChange({ ...fields, ...changes });
  return (
    <form class="form" autocomplete="off" onSubmit={onSubmit}>
      <label for="entry-category">Category</label>
      <select
        id="entry-category"
        value={fields.category}
        onChange={(event) => set({ category: event.currentTarget.value })}
      >
        {CATEGORIES.map((category) => (
          <option key={category}>{category}</option>
        ))}
      </select>
      <label for="entry-description">Description</label>
      <textarea
        id="entry-description"
        value={fields.description}
        rows={4}
        maxLength={900}
        onInput={(event) => set({ description: event.currentTarget.value })}
      />
      <label for="entry-tags">Tags, with spaces between</label>
      <input
        id="entry-tags"
        class="wide"
        value={fields.tags}
        maxLength={120}
        spellcheck={false}
        onInput={(event) => set({ tags: event.currentTarget.value })}
      />
      <div class="group">
        <button type="submit">Save</button>
        <button type="button" class="quiet" onClick={onCancel}>
          Cancel
        </button>
      </div>
    </form>
  );
}
