/** A .torrent file or a magnet link dropped or pasted anywhere on the page is fetched. */
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { fetchTransfer } from './fetch-torrent.ts';

export function DropZone(): JSX.Element {
  const [isOver, setOver] = useState(false);
  useEffect(() => {
    const ends = new AbortController();
    const on = <Name extends keyof DocumentEventMap>(name: Name, take: (event: DocumentEventMap[Name]) => void): void =>
      document.addEventListener(name, take, { signal: ends.signal });
    on('dragover', (event) => {
      event.preventDefault();
      setOver(true);
    });
    on('dragleave', (event) => event.relatedTarget === null && setOver(false));
    on('drop', (event) => {
      event.preventDefault();
      setOver(false);
      if (event.dataTransfer) fetchTransfer(event.dataTransfer);
    });
    on('paste', (event) => {
      const isWriting = event.target instanceof HTMLElement && event.target.matches('input, textarea');
      if (!isWriting && event.clipboardData && fetchTransfer(event.clipboardData)) event.preventDefault();
    });
    return () => ends.abort();
  }, []);
  return (
    <div class="drop" hidden={!isOver}>
      <p>Drop a .torrent file or a magnet link to fetch it</p>
    </div>
  );
}
