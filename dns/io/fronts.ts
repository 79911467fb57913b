/**
 * Where a responder listens: a pair of sockets at every place that the node is bound to, all under one number, and anew
 * when those places change. What comes in is somebody else's business.
 */
import { isIPv6 } from 'node:net';
import { MonsoonError } from '../../src/base/index.ts';
import type { ListeningPlaces, Place, PlaceKey } from '../../src/ports/index.ts';
import { inheritedSockets } from './inherited-sockets.ts';
import { adoptPair, openPair, type SocketMaker, type SocketPair } from './sockets.ts';

/** Tries at a number that is free for UDP and TCP at every place. */
const PORT_TRIES = 10;
/** When another program took the port while the network was gone, or a new IPv6 address is not usable yet. */
const RETRY_MS = 2000;

export interface Where extends SocketMaker {
  /** 0 picks a port that is free for UDP and TCP. */
  readonly port: number;
  readonly network: ListeningPlaces;
}

/** The open pairs of a responder. */
export class Fronts {
  readonly #where: Where;
  readonly #serve: (pair: SocketPair) => void;
  /** At most two for each address of the machine. */
  readonly #pairs = new Map<PlaceKey, SocketPair>();
  #port: number;
  #work: Promise<void> = Promise.resolve();
  #retry: NodeJS.Timeout | undefined;
  #isClosed = false;

  /**
   * Opens what systemd passed on, or else a pair at every place; rejects with a MonsoonError when the port cannot be had.
   * @param serve is given every pair once, as soon as it is open
   */
  static async open(where: Where, serve: (pair: SocketPair) => void): Promise<Fronts> {
    const inherited = inheritedSockets(process.env);
    if (inherited) {
      const fronts = new Fronts(where, serve);
      fronts.#add('', await adoptPair(inherited, where.batching));
      return fronts;
    }
    for (let attempt = 1; ; attempt++) {
      const fronts = new Fronts(where, serve);
      const problem = await fronts.#openMissing();
      if (problem === undefined) {
        where.network.watchPlaces(() => fronts.#follow());
        return fronts;
      }
      await fronts.close();
      const mayTryAnother = where.port === 0 && codeOf(problem.cause) === 'EADDRINUSE' && attempt < PORT_TRIES;
      if (!mayTryAnother) throw bindFailure(problem, where.port);
    }
  }

  private constructor(where: Where, serve: (pair: SocketPair) => void) {
    this.#where = where;
    this.#serve = serve;
    this.#port = where.port;
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
    this.#stop(() => true);
  }

  /** Opens what is not open; resolves with one of the places that cannot be had, those left out that are merely late. */
  async #openMissing(): Promise<Problem | undefined> {
    let problem: Problem | undefined;
    for (const [key, place] of this.#where.network.exactPlaces()) {
      if (this.#pairs.has(key)) continue;
      try {
        this.#add(key, await openPair(place, this.#port, this.#where));
      } catch (cause) {
        if (isLate(place, cause)) this.#retryLater();
        else problem = { place, cause };
      }
    }
    return problem;
  }

  #add(key: PlaceKey, pair: SocketPair): void {
    this.#port = pair.port;
    this.#pairs.set(key, pair);
    this.#serve(pair);
  }

  /** Listens where it is to be listened now, and nowhere else. */
  #follow(): void {
    clearTimeout(this.#retry);
    this.#work = this.#work.then(async () => {
      if (this.#isClosed) return;
      const places = this.#where.network.exactPlaces();
      this.#stop((key) => !places.has(key));
      // There is nobody to tell but the next try.
      if (await this.#openMissing()) this.#retryLater();
    });
  }

  #retryLater(): void {
    clearTimeout(this.#retry);
    if (!this.#isClosed) this.#retry = setTimeout(() => this.#follow(), RETRY_MS).unref();
  }

  #stop(isUnwanted: (key: PlaceKey) => boolean): void {
    for (const [key, { udp, tcp }] of this.#pairs) {
      if (!isUnwanted(key)) continue;
      this.#pairs.delete(key);
      udp.close();
      tcp.close();
    }
  }
}

interface Problem {
  readonly place: Place;
  readonly cause: unknown;
}

/** A new IPv6 address is there for a second or two before it may be used. */
function isLate({ host }: Place, cause: unknown): boolean {
  return isIPv6(host) && codeOf(cause) === 'EADDRNOTAVAIL';
}

function codeOf(cause: unknown): string | undefined {
  return (cause as NodeJS.ErrnoException).code;
}

function bindFailure({ place: { host }, cause }: Problem, port: number): MonsoonError {
  const code = codeOf(cause);
  if (code === 'EACCES') {
    const text = `DNS may not use port ${port}: choose --dns-port above 1023, or see docs/DNS.md.`;
    return new MonsoonError('permission', text, cause);
  }
  if (code === 'EADDRINUSE') {
    const text = `DNS cannot use port ${port} of ${host}, another program has it: stop that, or choose another --dns-port.`;
    return new MonsoonError('port-taken', text, cause);
  }
  return new MonsoonError(
    'config',
    `DNS cannot listen on port ${port} of ${host}: ${(cause as Error).message}.`,
    cause,
  );
}
