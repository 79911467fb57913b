/** The rows of a question for a component: read as they come into sight, and again as the listing changes. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { ListingAnswer } from '../../../app/running-node.ts';
import { read } from '../api.ts';
import { status } from '../live.ts';
import { useStore } from '../store.ts';
import type { Span } from '../table/visible-rows.ts';
import { RowPages } from './row-pages.ts';

/** Counts change without any row being added, so rows in sight are read again after this time at the latest. */
const AGE_MS_MAX = 15_000;
/** Rows that come in one by one are not each a reason to read. */
const AGE_MS_MIN = 1500;

export interface Rows {
  /** Of the question before, until the first answer to this one. */
  readonly shown: RowPages;
  /** They are of this question. */
  readonly isCurrent: boolean;
  /** Rows came or went since those in sight were read. */
  readonly isOld: boolean;
  readonly want: (span: Span) => void;
  readonly refresh: () => void;
}

/**
 * @param question the parameters of the API; another text is another question
 * @param isStill true while somebody reads further down, where rows must not move
 */
export function useRows(question: string, isStill: boolean): Rows {
  const [, draw] = useState(0);
  const known = useStore(status)?.listingRows;
  const readAt = useRef({ known, at: Date.now() });
  const pages = useMemo(() => {
    const readPage = (offset: number, limit: number, interrupt: AbortSignal): Promise<ListingAnswer> => {
      const parameters = new URLSearchParams(question);
      parameters.set('offset', String(offset));
      parameters.set('limit', String(limit));
      return read(`/api/listing?${parameters}`, interrupt);
    };
    readAt.current = { known: status.value?.listingRows, at: Date.now() };
    return new RowPages(readPage, () => draw((n) => n + 1));
  }, [question]);
  useEffect(() => {
    // The total is in the first answer, and without it there is no table that could say what is in sight.
    pages.want(0, 1);
    return () => pages.close();
  }, [pages]);
  const shown = useRef(pages);
  if (pages.total !== undefined || pages.problem !== undefined) shown.current = pages;

  const refresh = (): void => {
    readAt.current = { known: status.value?.listingRows, at: Date.now() };
    pages.refresh();
    draw((n) => n + 1);
  };
  const isOld = known !== undefined && readAt.current.known !== undefined && known !== readAt.current.known;
  useEffect(() => {
    readAt.current.known ??= known;
    const timer = setInterval(() => {
      if (isStill || document.hidden || pages.isReading) return;
      const age = Date.now() - readAt.current.at;
      if (age > AGE_MS_MAX || pages.problem !== undefined || (isOld && age > AGE_MS_MIN)) refresh();
    }, AGE_MS_MIN / 2);
    return () => clearInterval(timer);
  }, [pages, isStill, isOld, known]);

  const want = (next: Span): void => {
    pages.want(next.from, Math.max(next.to, next.from + 1));
  };
  return { shown: shown.current, isCurrent: shown.current === pages, isOld, want, refresh };
}
