/**
 * The pages of the runtime's own file that only a start needs: its parser and snapshot, what it makes of options and of the
 * first modules. They stay mapped until the system is short of memory, and most of them are never read again. Given up, those
 * that are read come back from the system's cache of that file, 16 at a time and without the disk.
 */
import { readFileSync, realpathSync } from 'node:fs';
import { openLibc } from './libc.ts';

const MADV_DONTNEED = 4;
const MADVISE = { arguments: ['pointer', 'uint64', 'int32'], return: 'int32' } as const;
/** A mapping as /proc/PID/smaps begins it: addresses, rights, offset, device, inode, path. */
const MAPPING = /^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+ +(.*)$/;

/** Gives up the pages of the runtime's file; returns the bytes that were resident of them, 0 where that cannot be done. */
export function giveUpStartPages(): number {
  const madvise = openLibc(({ dlopen }) => dlopen(null, { madvise: MADVISE }).functions.madvise);
  if (madvise === undefined) return 0;
  let given = 0;
  for (const { start, end, residentBytes } of cleanMappings()) {
    if (madvise(start, end - start, MADV_DONTNEED) === 0) given += residentBytes;
  }
  return given;
}

interface Mapping {
  readonly start: bigint;
  readonly end: bigint;
  residentBytes: number;
  /** Whether each page is as the file has it: one that was written is nowhere else. */
  isClean: boolean;
}

/** The parts of the runtime's file that cannot be written, and never were. */
function cleanMappings(): readonly Mapping[] {
  const runtime = realpathSync(process.execPath);
  const mappings: Mapping[] = [];
  let current: Mapping | undefined;
  for (const line of readFileSync('/proc/self/smaps', 'latin1').split('\n')) {
    const found = MAPPING.exec(line);
    if (found) {
      const [, start, end, rights, path] = found;
      current = undefined;
      if (path !== runtime || rights!.includes('w')) continue;
      current = { start: BigInt(`0x${start}`), end: BigInt(`0x${end}`), residentBytes: 0, isClean: false };
      mappings.push(current);
    } else if (current && line.startsWith('Rss:')) current.residentBytes = Number(/\d+/.exec(line)) * 1024;
    else if (current && line.startsWith('Anonymous:')) current.isClean = Number(/\d+/.exec(line)) === 0;
  }
  return mappings.filter(({ isClean }) => isClean);
}
