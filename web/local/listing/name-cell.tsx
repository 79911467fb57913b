/** The name of a listed torrent on one line, with what is to be known beside it. */
import type { JSX } from 'preact';
import type { ListingRow } from '../../../app/running-node.ts';
import { isNew } from '../../format.ts';
import { Badge } from '../badge.tsx';
import { CheckedMark } from '../checked-mark.tsx';

export function NameCell({ row }: { readonly row: ListingRow }): JSX.Element {
  return (
    <span class="line">
      <span class="title" dir="auto">
        {row.name}
      </span>
      {isNew(row.added, Date.now() / 1000) && <Badge kind="new">new</Badge>}
      <CheckedMark isVerified={row.verified} />
      {row.tags.map((tag) => (
        <Badge key={tag}>{tag}</Badge>
      ))}
      {row.description !== '' && (
        <span class="about" dir="auto">
          {row.description}
        </span>
      )}
    </span>
  );
}
