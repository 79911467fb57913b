/**
 * Network addresses as values: parsed once, canonical in text, and classified by how far they reach, so that the
 * one dialler can refuse what no peer may make us connect to (SAFETY rule 2).
 */

/** An IP address and port. `host` is canonical: dotted IPv4, or lower-case compressed IPv6 without brackets. */
export interface Address {
  readonly host: string;
  /** 1–65535. */
  readonly port: number;
}

/** How far an IP address reaches; `forbidden` is never a host (multicast, unspecified, broadcast, reserved). */
export type Reach = 'public' | 'private' | 'link-local' | 'loopback' | 'forbidden';

/** The 4 or 16 bytes of an IP literal; IPv4-mapped IPv6 becomes its 4 bytes. */
export function parseIp(text: string): Uint8Array | undefined {
  if (!text.includes(':')) return parseIp4(text);
  const bytes = parseIp6(text);
  return bytes && isMapped(bytes) ? bytes.slice(12) : bytes;
}

/** The canonical text of 4 or 16 address bytes (RFC 5952). */
export function formatIp(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  if (isMapped(bytes)) return bytes.subarray(12).join('.');
  const groups: number[] = [];
  for (let i = 0; i < 16; i += 2) groups.push((bytes[i]! << 8) | bytes[i + 1]!);
  let best = { from: 0, length: 1 };
  for (let from = 0; from < 8; from++) {
    let length = 0;
    while (from + length < 8 && groups[from + length] === 0) length++;
    if (length > best.length) best = { from, length };
  }
  const spell = (part: number[]): string => part.map((group) => group.toString(16)).join(':');
  if (best.length < 2) return spell(groups);
  return `${spell(groups.slice(0, best.from))}::${spell(groups.slice(best.from + best.length))}`;
}

/** Parses `1.2.3.4:80` or `[2001:db8::1]:80`; undefined when it is not an IP literal with a port 1–65535. */
export function parseAddress(text: string): Address | undefined {
  const match = /^(?:\[([0-9a-f:.]+)\]|([0-9.]+)):([0-9]{1,5})$/i.exec(text);
  if (!match) return undefined;
  const ip = parseIp(match[1] ?? match[2]!);
  const port = Number(match[3]);
  return ip && port >= 1 && port <= 65_535 ? { host: formatIp(ip), port } : undefined;
}

/** The network of an IP address by its first bytes, of IPv4 and of IPv6 so many: 3 and 6 are a /24 and a /48. */
export function prefixOfIp(ip: Uint8Array, bytesOf4: number, bytesOf6: number): string {
  return ip.subarray(0, ip.length === 4 ? bytesOf4 : bytesOf6).join('.');
}

/** Who is counted where strangers are: an IPv4 address, or the /64 of an IPv6 one, of which one subscriber has all addresses. */
export function sourceOf(host: string): string {
  const ip = parseIp(host);
  return ip ? sourceOfIp(ip) : host;
}

/** The same of an address that was read already. */
export function sourceOfIp(ip: Uint8Array): string {
  return prefixOfIp(ip, 4, 8);
}

export function isSameAddress(one: Address, other: Address): boolean {
  return one.host === other.host && one.port === other.port;
}

/** `1.2.3.4:80` or `[2001:db8::1]:80`. */
export function formatAddress(address: Address): string {
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}

/**
 * Whether a stranger's word may lead somebody to this port: below 1024 wait other services, at which a swarm must not be
 * aimed; 80 and 443 are the web's, and used to being asked.
 */
export function isHearsayPort(port: number): boolean {
  return port >= 1024 || port === 80 || port === 443;
}

/** Reads a compact peer (BEP 23: 6 bytes, BEP 7: 18 bytes); undefined for port 0 or any other length. */
export function parseCompactAddress(bytes: Uint8Array): Address | undefined {
  if (bytes.length !== 6 && bytes.length !== 18) return undefined;
  const port = (bytes[bytes.length - 2]! << 8) | bytes[bytes.length - 1]!;
  return port === 0 ? undefined : { host: formatIp(bytes.subarray(0, -2)), port };
}

/** Writes a compact peer: 6 bytes for IPv4, 18 for IPv6. */
export function encodeCompactAddress(address: Address): Uint8Array {
  const ip = parseIp(address.host);
  if (!ip) return new Uint8Array(0);
  const bytes = new Uint8Array(ip.length + 2);
  bytes.set(ip);
  bytes[ip.length] = address.port >>> 8;
  bytes[ip.length + 1] = address.port;
  return bytes;
}

/** Classifies an IP literal; anything that is not one is `forbidden`. */
export function reachOf(host: string): Reach {
  const ip = parseIp(host);
  return ip ? reachOfIp(ip) : 'forbidden';
}

/** Classifies 4 or 16 address bytes; an IPv4 address in the form of an IPv6 one is `forbidden`. */
export function reachOfIp(ip: Uint8Array): Reach {
  return ip.length === 4 ? reachOfIp4(ip[0]!, ip[1]!, ip[2]!) : reachOfIp6(ip);
}

function reachOfIp4(a: number, b: number, c: number): Reach {
  if (a === 127) return 'loopback';
  if (a === 0 || a >= 224) return 'forbidden';
  if (a === 10 || (a === 172 && b >= 16 && b < 32) || (a === 192 && b === 168)) return 'private';
  if (a === 100 && b >= 64 && b < 128) return 'private';
  if (a === 169 && b === 254) return 'link-local';
  if (a === 192 && b === 0 && (c === 0 || c === 2)) return 'forbidden';
  if ((a === 198 && b === 51 && c === 100) || (a === 203 && b === 0 && c === 113)) return 'forbidden';
  return 'public';
}

function reachOfIp6(ip: Uint8Array): Reach {
  if (ip.subarray(0, 15).every((byte) => byte === 0)) return ip[15] === 1 ? 'loopback' : 'forbidden';
  if (ip[0] === 0xff) return 'forbidden';
  if (ip[0] === 0xfe && (ip[1]! & 0xc0) === 0x80) return 'link-local';
  if ((ip[0]! & 0xfe) === 0xfc) return 'private';
  if (ip[0] === 0x20 && ip[1] === 0x01 && ip[2] === 0x0d && ip[3] === 0xb8) return 'forbidden';
  // NAT64, 6to4 and Teredo carry an IPv4 address inside: a peer could aim them at what IPv4 rules refuse.
  if (ip[0] === 0x00 || (ip[0] === 0x20 && ip[1] === 0x02)) return 'forbidden';
  if (ip[0] === 0x20 && ip[1] === 0x01 && ip[2] === 0 && ip[3] === 0) return 'forbidden';
  // Nothing outside 2000::/3 has been given to anybody (RFC 4291, IANA).
  return (ip[0]! & 0xe0) === 0x20 ? 'public' : 'forbidden';
}

function isMapped(ip: Uint8Array): boolean {
  return ip.length === 16 && ip.subarray(0, 10).every((byte) => byte === 0) && ip[10] === 0xff && ip[11] === 0xff;
}

function parseIp4(text: string): Uint8Array | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(?:0|[1-9][0-9]{0,2})$/.test(part) && Number(part) < 256)) {
    return undefined;
  }
  return Uint8Array.from(parts, Number);
}

function parseIp6(text: string): Uint8Array | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = groupsOf(halves[0]!);
  const tail = halves.length === 2 ? groupsOf(halves[1]!) : [];
  if (!head || !tail || (halves.length === 2 && halves[0]!.includes('.'))) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...head, ...new Array<number>(missing).fill(0), ...tail];
  return Uint8Array.from(groups.flatMap((group) => [group >>> 8, group & 255]));
}

function groupsOf(text: string): number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [i, part] of parts.entries()) {
    if (i === parts.length - 1 && part.includes('.')) {
      const ip4 = parseIp4(part);
      if (!ip4) return undefined;
      groups.push((ip4[0]! << 8) | ip4[1]!, (ip4[2]! << 8) | ip4[3]!);
    } else {
      if (!/^[0-9a-f]{1,4}$/i.test(part)) return undefined;
      groups.push(Number.parseInt(part, 16));
    }
  }
  return groups;
}
