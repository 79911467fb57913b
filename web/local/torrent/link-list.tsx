/** The peers that are connected now. */
import type { JSX } from 'preact';
import type { LinkRow } from '../../../app/running-node.ts';

const LINES_MAX = 100;
const ENCRYPTIONS: Readonly<Record<LinkRow['encryption'], string>> = {
  tls: 'TLS',
  rc4: 'RC4',
  header: 'RC4 at the start',
  none: 'in clear',
};

export function LinkList({ links }: { readonly links: readonly LinkRow[] }): JSX.Element {
  return (
    <section aria-labelledby="links-title">
      <h3 id="links-title">
        Peers <span class="hint">{links.length}</span>
      </h3>
      <ul class="links">
        {links.slice(0, LINES_MAX).map((link) => (
          <li key={`${link.address.host} ${link.address.port}`}>
            <code>
              {link.address.host}:{link.address.port}
            </code>
            <span class="hint">
              {link.isIncoming ? 'came in' : 'dialled'}, {ENCRYPTIONS[link.encryption]}
              {link.nodeId !== null && `, node ${link.nodeId.slice(0, 8)}`}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
