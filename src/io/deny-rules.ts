/** Deny lists that know hashes by their SHA-256 too, so that a list can be passed on without naming what it denies. */
import { hash } from 'node:crypto';
import { infoHashBytes } from '../base/index.ts';
import { DenyList } from '../listing/index.ts';

/** An empty list. */
export function newDenyList(): DenyList {
  return new DenyList((infoHash) => hash('sha256', infoHashBytes(infoHash), 'hex'));
}
