/** What is known of a torrent, and how: measured facts, whose counts they are and how old, and mere claims. */
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { CountRow, ListingRow, PlacementRow, TorrentDetail } from '../../../app/running-node.ts';
import { formatAge, formatCount, formatLeft, formatSize, shortHex } from '../../format.ts';
import { read } from '../api.ts';
import { CheckedMark } from '../checked-mark.tsx';

export function Facts({ detail }: { readonly detail: TorrentDetail }): JSX.Element {
  const { listing, torrent, pieceLength, infoHash } = detail;
  const placement = usePlacement(infoHash);
  const size = listing?.size ?? torrent?.size ?? 0;
  return (
    <dl class="facts">
      <Fact name="Hash">
        <code class="whole">{infoHash}</code>
      </Fact>
      {size > 0 && (
        <Fact name="Size">
          {formatSize(size)}
          {listing && `, ${formatCount(listing.files)} ${listing.files === 1 ? 'file' : 'files'}`}
          {pieceLength !== null && `, pieces of ${formatSize(pieceLength)}`}{' '}
          {listing && <CheckedMark isVerified={listing.verified} />}
        </Fact>
      )}
      {listing && (
        <>
          <Fact name="Seeds">{countOf(listing, listing.seeders)}</Fact>
          <Fact name="Leech">{countOf(listing, listing.leechers)}</Fact>
          <Fact name="Done">{countOf(listing, listing.completions)}</Fact>
          <Fact name="Category">
            {listing.category}
            {listing.tags.map((tag) => (
              <> · {tag}</>
            ))}{' '}
            <span class="hint">as published</span>
          </Fact>
          <Fact name="Published">
            {new Date(listing.added * 1000).toLocaleString()} ({formatAge(Date.now() / 1000 - listing.added)})
          </Fact>
          <Fact name="By">
            <code class="whole">{listing.publisher}</code>
          </Fact>
        </>
      )}
      {detail.counts.length > 1 && (
        <Fact name="Counted">
          <span class="hint whole">seeds / leech / done</span>
          {detail.counts.map((count) => (
            <span key={count.source} class="whole" title={count.source}>
              {countsText(count)} <span class="hint">{`${whoseText(count)}, ${agoText(count.ageSeconds)}`}</span>
            </span>
          ))}
        </Fact>
      )}
      <Fact name="Supernode">{placementText(placement, listing)}</Fact>
      {detail.trackers.length > 0 && (
        <Fact name="Trackers">
          {detail.trackers.map((tracker) => (
            <span key={tracker} class="whole">
              {tracker}
            </span>
          ))}
        </Fact>
      )}
    </dl>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: ComponentChildren }): JSX.Element {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}

function countOf({ countsFrom, countsAgeSeconds }: ListingRow, count: number | null): JSX.Element {
  if (count === null) return <span class="unknown">nobody has counted</span>;
  return (
    <>
      {formatCount(count)}{' '}
      {countsFrom !== null && (
        <span class="hint" title={countsFrom}>
          counted by {shortHex(countsFrom)}, {agoText(countsAgeSeconds)}
        </span>
      )}
    </>
  );
}

/** Seeds, leechers and completions as one supernode counted them. */
function whoseText({ source, class: counted }: CountRow): string {
  return counted === 'tracked' ? 'tracked here' : `${shortHex(source)} claims`;
}

function countsText({ seeders, leechers, completions }: CountRow): string {
  return [seeders, leechers, completions].map((count) => (count === null ? '?' : formatCount(count))).join(' / ');
}

function agoText(seconds: number | null): string {
  return seconds === null || seconds < 1 ? 'now' : `${formatLeft(seconds)} ago`;
}

/** The supernode that owns the hash now, else the one that was last heard counting. */
function placementText(placement: PlacementRow | null | undefined, listing: ListingRow | null): JSX.Element {
  if (placement) {
    const { owner, replicas } = placement;
    const copies = replicas.length === 0 ? 'no copies' : `copies at ${replicas.map(shortHex).join(', ')}`;
    return (
      <>
        <code title={owner}>{shortHex(owner)}</code> <span class="hint">owns the hash now; {copies}</span>
      </>
    );
  }
  const last = listing?.countsFrom;
  if (placement === undefined) return <span class="hint">…</span>;
  if (!last) return <span class="unknown">none is known</span>;
  return (
    <>
      <code title={last}>{shortHex(last)}</code> <span class="hint">was the last to count; none is known now</span>
    </>
  );
}

/** Undefined until it is known, null when nobody owns the hash. */
function usePlacement(infoHash: string): PlacementRow | null | undefined {
  const [placement, setPlacement] = useState<PlacementRow | null | undefined>(undefined);
  useEffect(() => {
    const ends = new AbortController();
    read<PlacementRow>(`/api/supernodes/${infoHash}`, ends.signal).then(setPlacement, () => {
      if (!ends.signal.aborted) setPlacement(null);
    });
    return () => ends.abort();
  }, [infoHash]);
  return placement;
}
