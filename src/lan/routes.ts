/**
 * The default gateways of a machine, from what its system prints about routes. Parsers only: lines that are no default
 * route are skipped, whatever they are.
 */
import { bytesOfHex, formatIp, parseIp } from '../base/index.ts';

/** A default route. */
export interface DefaultRoute {
  readonly gateway: string;
  /** The interface's name, or (Windows) its address. */
  readonly device: string;
  /** The lowest is used. */
  readonly metric: number;
}

const LINES_MAX = 4096;
const FLAG_GATEWAY = 2;

/** IPv4, from Linux' /proc/net/route: hexadecimal in the machine's order, which is little-endian wherever Node runs. */
export function parseProcRoute(text: string): DefaultRoute[] {
  return rows(text).flatMap(([device, destination, gateway, flags, , , metric, mask]) => {
    if (destination !== '00000000' || mask !== '00000000' || !isGateway(flags)) return [];
    const bytes = bytesOfHex(gateway ?? '');
    if (bytes?.length !== 4) return [];
    return [{ gateway: formatIp(bytes.toReversed()), device: device!, metric: Number(metric) }];
  });
}

/** IPv4, from `netstat -rn -f inet` of macOS and the BSDs: `default 192.168.1.1 UGScg en0`. */
export function parseNetstat(text: string): DefaultRoute[] {
  return rows(text).flatMap(([destination, gateway, flags, ...rest]) => {
    const isDefault =
      destination === 'default' && /^[A-Za-z]*G/.test(flags ?? '') && parseIp(gateway ?? '')?.length === 4;
    const device = rest.find((word) => /^[a-z]+\d+$/.test(word));
    return isDefault && device !== undefined ? [{ gateway: gateway!, device, metric: 0 }] : [];
  });
}

/** IPv4, from `route print -4` of Windows, in any language: `0.0.0.0 0.0.0.0 192.168.1.1 192.168.1.7 25`. */
export function parseRoutePrint(text: string): DefaultRoute[] {
  return rows(text).flatMap(([destination, mask, gateway, device, metric]) => {
    if (destination !== '0.0.0.0' || mask !== '0.0.0.0') return [];
    if (parseIp(gateway ?? '')?.length !== 4 || parseIp(device ?? '')?.length !== 4) return [];
    return [{ gateway: gateway!, device: device!, metric: /^\d+$/.test(metric ?? '') ? Number(metric) : 0 }];
  });
}

/** The route in use. */
export function bestRoute(routes: readonly DefaultRoute[]): DefaultRoute | undefined {
  return routes.toSorted((a, b) => a.metric - b.metric)[0];
}

function isGateway(flags: string | undefined): boolean {
  return (Number.parseInt(flags ?? '', 16) & FLAG_GATEWAY) !== 0;
}

function rows(text: string): string[][] {
  return text.split('\n', LINES_MAX).map((line) => line.trim().split(/\s+/));
}
