/**
 * What the C library does with memory that is given back. glibc gives large pieces back to the system at once, but learns:
 * each time one is freed, pieces of that size are kept from then on, in one heap whose holes stay resident. A megabyte
 * that is read, hashed or compiled teaches it to keep nearly everything; told a size, it does not learn.
 */
import { openLibc } from './libc.ts';

const M_MMAP_THRESHOLD = -3;
/** The size that glibc begins with. */
const GIVEN_BACK_BYTES_MIN = 131_072;
const MALLOPT = { arguments: ['int32', 'int32'], return: 'int32' } as const;

/** Has large pieces of freed memory given back to the system; true where the C library can be told. */
export function giveMemoryBack(): boolean {
  const mallopt = openLibc(({ dlopen }) => dlopen(null, { mallopt: MALLOPT }).functions.mallopt);
  return mallopt?.(M_MMAP_THRESHOLD, GIVEN_BACK_BYTES_MIN) === 1;
}
