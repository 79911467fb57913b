/**
 * The state of one download as a line: on a terminal it is redrawn in place, elsewhere it is repeated every few
 * seconds so that a log file stays short.
 */
import { cleanText } from '../../src/base/index.ts';
import type { TorrentRow } from '../running-node.ts';
import { formatCounted, formatDuration, formatPercent, formatRate, formatSize } from './quantities.ts';
import { fitColumns } from './width.ts';

export interface ProgressTerminal {
  readonly isTty: boolean;
  readonly columns: number;
  write(text: string): void;
}

const BAR_COLUMNS = 20;
const PLAIN_INTERVAL_MS = 5000;
const NAME_COLUMNS_MAX = 40;
const ERASE_LINE = '\r\u001b[2K';

/** Shows a download's rows as they come. */
export class ProgressLine {
  readonly #terminal: ProgressTerminal;
  #plainAtMs = Number.NEGATIVE_INFINITY;
  #isDrawn = false;

  constructor(terminal: ProgressTerminal) {
    this.#terminal = terminal;
  }

  /** @param nowMs any clock that only goes forward */
  show(row: TorrentRow, nowMs: number): void {
    if (this.#terminal.isTty) {
      this.#isDrawn = true;
      // A line of the full width would wrap on some terminals and could not be erased.
      this.#terminal.write(ERASE_LINE + fitColumns(progressText(row, true), this.#terminal.columns - 1));
    } else if (nowMs - this.#plainAtMs >= PLAIN_INTERVAL_MS) {
      this.#plainAtMs = nowMs;
      this.#terminal.write(`${progressText(row, false)}\n`);
    }
  }

  /** Removes the line, so that the next text begins on a clean one. */
  end(): void {
    if (this.#isDrawn) this.#terminal.write(ERASE_LINE);
    this.#isDrawn = false;
  }
}

/** `NAME  [####····]  42 % of 300 MiB  12.3 MiB/s  5 peers  20 s left`, or why nothing moves. */
export function progressText(row: TorrentRow, withBar: boolean): string {
  const parts = [fitColumns(cleanText(row.name, 255), NAME_COLUMNS_MAX)];
  if (row.state === 'metadata') parts.push('asking for the metadata');
  else {
    if (withBar) parts.push(bar(row.progress));
    parts.push(`${formatPercent(row.progress)} of ${formatSize(row.size)}`);
    if (row.state === 'checking') parts.push('checking');
    else parts.push(formatRate(row.downBytesPerSecond));
  }
  parts.push(formatCounted(row.peers, 'peer'));
  if (row.stalledBecause !== null) parts.push(cleanText(row.stalledBecause, 255));
  else if (row.secondsLeft !== null) parts.push(`${formatDuration(row.secondsLeft)} left`);
  return parts.join('  ');
}

function bar(progress: number): string {
  const full = Math.floor(progress * BAR_COLUMNS);
  return `[${'█'.repeat(full)}${'·'.repeat(BAR_COLUMNS - full)}]`;
}
