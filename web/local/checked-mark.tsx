/** Whether name, size and files are more than the publisher's word. */
import type { JSX } from 'preact';
import { Badge } from './badge.tsx';

export function CheckedMark({ isVerified }: { readonly isVerified: boolean }): JSX.Element {
  if (!isVerified) {
    return (
      <Badge kind="warn" title="Nobody has checked name, size and files yet: they are the publisher's word">
        unchecked
      </Badge>
    );
  }
  return (
    <span class="verified" title="Name, size and files were checked against the torrent's metadata">
      <span aria-hidden="true">✓</span>
      <span class="hidden">verified</span>
    </span>
  );
}
