/** SHA-1 by the runtime, for pure code that takes it as an argument. */
import { hash } from 'node:crypto';
import type { Sha1 } from '../torrent/index.ts';

/** SHA-1; 20 bytes. */
export const sha1: Sha1 = (bytes) => hash('sha1', bytes, 'buffer');
