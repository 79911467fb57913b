/**
 * The TCP side of the one port: listens at every place of the bound network, all under one number, and anew when those
 * places change. What arrives is somebody else's business.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { MonsoonError } from '../base/index.ts';
import type { Place } from '../ports/index.ts';
import type { BoundNetwork } from './bound-network.ts';

const BACKLOG = 4096;
/** Numbers tried when any will do: the second place may have the first one's taken. */
const TRIES_MAX = 5;
/** When somebody took the port while our network was gone. */
const RETRY_MS = 2000;

/** A listening port. */
export class Listener {
  readonly #network: BoundNetwork;
  readonly #take: (socket: Socket) => void;
  /** One per place: at most the addresses of one interface, or two devices. */
  #servers: Server[] = [];
  #port: number;
  #work: Promise<void> = Promise.resolve();
  #retry: NodeJS.Timeout | undefined;
  #isClosed = false;

  /** Listens; rejects with a MonsoonError that says what to do when the port cannot be had. */
  static async open(network: BoundNetwork, port: number, take: (socket: Socket) => void): Promise<Listener> {
    const listener = new Listener(network, port, take);
    for (let tries = 1; ; tries++) {
      try {
        await listener.#listen();
        break;
      } catch (error) {
        listener.#stop();
        const mayTryAnother = port === 0 && tries < TRIES_MAX && (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
        if (!mayTryAnother) throw bindError(error as NodeJS.ErrnoException, port);
        listener.#port = 0;
      }
    }
    network.watch(() => listener.#listenAgain());
    return listener;
  }

  private constructor(network: BoundNetwork, port: number, take: (socket: Socket) => void) {
    this.#network = network;
    this.#port = port;
    this.#take = take;
  }

  /** The number really bound. */
  get port(): number {
    return this.#port;
  }

  /** Stops listening; the connections that were taken are their owner's. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#retry);
    await this.#work;
    this.#stop();
  }

  async #listen(): Promise<void> {
    for (const place of this.#network.places()) {
      const server = await listenAt(this.#network, place, this.#port, this.#take);
      this.#servers.push(server);
      const address = server.address();
      if (typeof address === 'object' && address) this.#port = address.port;
    }
  }

  #listenAgain(): void {
    clearTimeout(this.#retry);
    this.#work = this.#work.then(async () => {
      this.#stop();
      if (this.#isClosed) return;
      try {
        await this.#listen();
      } catch {
        // The places changed under us, or another program was faster: there is nobody to tell but the next try.
        this.#stop();
        this.#retry = setTimeout(() => this.#listenAgain(), RETRY_MS);
      }
    });
  }

  #stop(): void {
    for (const server of this.#servers) server.close();
    this.#servers = [];
  }
}

function listenAt(network: BoundNetwork, place: Place, port: number, take: (socket: Socket) => void): Promise<Server> {
  const server = createServer({ noDelay: true }, take);
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void => {
      if (error.code === 'EAFNOSUPPORT' && place.host === '::') {
        // A machine without IPv6 still has every IPv4 address.
        server.off('error', failed);
        listenAt(network, { ...place, host: '0.0.0.0' }, port, take).then(resolve, reject);
        return;
      }
      reject(error);
    };
    server.on('error', failed);
    server.once('listening', () => {
      server.off('error', failed);
      // What fails later is one connection that could not be accepted, for want of descriptors.
      server.on('error', () => {});
      resolve(server);
    });
    const fd = network.heldSocket('tcp', place, port);
    // Where a descriptor could not be had, the plain call fails as well and says why; should it not, it is not pinned.
    if (fd !== undefined) server.listen({ fd, backlog: BACKLOG });
    else if (place.device === undefined) server.listen({ host: place.host, port, backlog: BACKLOG });
    else refusePinned(server, place, port, failed);
  });
}

/** Finds out why a pinned socket could not be had: never leaves an unpinned one in its place. */
function refusePinned(server: Server, { host, device }: Place, port: number, failed: (error: Error) => void): void {
  server.removeAllListeners('listening');
  server.once('listening', () => {
    server.close();
    failed(new Error(`the system does not let us use ${device}`));
  });
  server.listen({ host, port });
}

function bindError(error: NodeJS.ErrnoException, port: number): MonsoonError {
  if (error.code === 'EADDRINUSE') {
    return new MonsoonError(
      'port-taken',
      `port ${port} is taken. Choose another with --port, or --port 0 for a free one`,
      error,
    );
  }
  if (error.code === 'EACCES') {
    return new MonsoonError(
      'permission',
      `no permission to listen on port ${port}. Use a port above 1023, or setcap`,
      error,
    );
  }
  return new MonsoonError('config', `cannot listen on port ${port}: ${error.message}`, error);
}
