/** The node's one port on both transports: a TCP listener and a UDP socket of the same number. */
import { MonsoonError } from '../src/base/index.ts';
import type { PortUsers } from '../src/io/arrival.ts';
import { type OnePort, openPort, type PortSettings } from '../src/io/one-port.ts';
import { UdpPort } from '../src/io/udp-port.ts';

/** A free TCP port is usually free on UDP as well; a few tries find one that is. */
const TRIES_MAX = 10;

/** Both halves, bound to one number. */
export interface Ports {
  readonly port: OnePort;
  readonly udp: UdpPort;
}

/** Opens both, port 0 as one that is free on both; rejects with a MonsoonError when either cannot be had. */
export async function openPorts(settings: PortSettings, users: PortUsers): Promise<Ports> {
  for (let tries = 1; ; tries++) {
    const port = await openPort(settings, users);
    try {
      return { port, udp: await UdpPort.open(settings.network, port.port) };
    } catch (error) {
      await port.close();
      const isUnlucky = settings.port === 0 && error instanceof MonsoonError && error.code === 'port-taken';
      if (!isUnlucky || tries >= TRIES_MAX) throw error;
    }
  }
}
