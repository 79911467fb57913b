/** Ways not to see a row again: it alone, or all of its publisher. The filter view shows both, and undoes them. */
import type { JSX } from 'preact';
import type { ListingRow } from '../../../app/running-node.ts';
import { ActionButton } from '../action-button.tsx';
import { changeFilter } from '../filter/filter.ts';
import { closeTorrent, hrefOf } from '../route.ts';

export function Hide({ listing }: { readonly listing: ListingRow }): JSX.Element {
  const { infoHash, name, publisher } = listing;
  const deny = async (rule: string, what: string): Promise<void> => {
    if (await changeFilter({ add: [rule] }, `${what} is hidden; “Filter” shows the rule and takes it back`))
      closeTorrent(infoHash);
  };
  return (
    <p class="group">
      <ActionButton onAct={() => deny(infoHash, name)}>Hide this</ActionButton>
      <ActionButton onAct={() => deny(`by:${publisher}`, 'All of this publisher')}>Hide its publisher</ActionButton>
      <a class="hint" href={hrefOf('filter')}>
        What is hidden
      </a>
    </p>
  );
}
