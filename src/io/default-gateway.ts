/** Finds the IPv4 gateway that this node's traffic goes through, and which address of ours it knows. Sends nothing. */
import { execFile } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import {
  bestRoute,
  type DefaultRoute,
  type Gateway,
  parseNetstat,
  parseProcRoute,
  parseRoutePrint,
} from '../lan/index.ts';
import type { BoundNetwork } from './bound-network.ts';

const COMMAND_MS = 5000;
const OUTPUT_BYTES_MAX = 1_048_576;
const ANY_PORT = 5351;

/** The gateway of the network that the node is bound to, or of the machine's default route; undefined without one. */
export async function findGateway(network: BoundNetwork): Promise<Gateway | undefined> {
  try {
    const { source } = network;
    // What we are bound to is gone, or leads nowhere: any other route is not ours to use.
    if (!source && network.isRestricted) return undefined;
    const routes = await readRoutes();
    const isOurs = ({ device }: DefaultRoute): boolean => device === source?.device || !!source?.hosts.includes(device);
    const route = bestRoute(source ? routes.filter(isOurs) : routes);
    const ownHost = source ? source.hosts.find((host) => !host.includes(':')) : await hostTowards(route?.gateway);
    return route && ownHost !== undefined ? { host: route.gateway, ownHost } : undefined;
  } catch {
    // A system without that file or program, or a network that went away in between: no gateway is known.
    return undefined;
  }
}

async function readRoutes(): Promise<DefaultRoute[]> {
  if (process.platform === 'linux') return parseProcRoute(await readFile('/proc/net/route', 'utf8'));
  if (process.platform === 'win32') return parseRoutePrint(await outputOf('route', ['print', '-4', '0.0.0.0']));
  return parseNetstat(await outputOf('netstat', ['-rn', '-f', 'inet']));
}

async function outputOf(program: string, args: readonly string[]): Promise<string> {
  const limits = { timeout: COMMAND_MS, maxBuffer: OUTPUT_BYTES_MAX, windowsHide: true };
  return (await promisify(execFile)(program, args, limits)).stdout;
}

/** Our address on the way to a host, which the system tells for a datagram socket that never sends. */
async function hostTowards(host: string | undefined): Promise<string | undefined> {
  if (host === undefined) return undefined;
  const socket = createSocket('udp4');
  try {
    socket.connect(ANY_PORT, host);
    await once(socket, 'connect');
    return socket.address().address;
  } finally {
    socket.close();
  }
}
