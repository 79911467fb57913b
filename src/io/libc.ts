/**
 * Calls of Linux that Node has none for, by its C library through node:ffi (ADRs 10 and 19). That module is experimental, so
 * everything made with it has another way that works without.
 */
import type { DynamicLibraryResult } from 'node:ffi';
import { endianness } from 'node:os';

const CALLS = {
  socket: { arguments: ['int32', 'int32', 'int32'], return: 'int32' },
  setsockopt: { arguments: ['int32', 'int32', 'int32', 'pointer', 'uint32'], return: 'int32' },
  bind: { arguments: ['int32', 'pointer', 'uint32'], return: 'int32' },
  close: { arguments: ['int32'], return: 'int32' },
  recvmmsg: { arguments: ['int32', 'pointer', 'uint32', 'int32', 'pointer'], return: 'int32' },
  sendmmsg: { arguments: ['int32', 'pointer', 'uint32', 'int32'], return: 'int32' },
} as const;
/** Structures are laid out by hand for pointers of 8 bytes, lowest byte first. */
const ARCHITECTURES: ReadonlySet<string> = new Set(['x64', 'arm64']);

export type Libc = DynamicLibraryResult<typeof CALLS>['functions'] & {
  /** Where memory that does not move begins. */
  addressOf(memory: ArrayBuffer): bigint;
};

/** Undefined where the calls cannot be had. */
export function loadLibc(): Libc | undefined {
  if (!ARCHITECTURES.has(process.arch) || endianness() !== 'LE') return undefined;
  return openLibc(({ dlopen, getRawPointer }) => ({ ...dlopen(null, CALLS).functions, addressOf: getRawPointer }));
}

/** What `open` makes of the C library; undefined where that cannot be had, or has no such calls. */
export function openLibc<Opened>(open: (ffi: typeof import('node:ffi')) => Opened): Opened | undefined {
  if (process.platform !== 'linux') return undefined;
  // Its warning is meant for us, who read the change log of each Node before we take it, and not for our users.
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return open(process.getBuiltinModule('node:ffi'));
  } catch {
    // A Node built without it, or a libc that names these calls otherwise.
    return undefined;
  } finally {
    process.emitWarning = emitWarning;
  }
}
