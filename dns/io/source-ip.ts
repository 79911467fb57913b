import { parseIp } from '../../src/base/index.ts';

/** The bytes of the address that a socket tells of its other end; a link-local one comes with its scope behind `%`. */
export function sourceIp(address: string | undefined): Uint8Array | undefined {
  return address === undefined ? undefined : parseIp(address.replace(/%.*$/, ''));
}
