// What mainline-dht.ts uses of bittorrent-dht 11, which ships no types. Members with an underscore are its internals.
declare module 'bittorrent-dht' {
  import type { EventEmitter } from 'node:events';

  interface Options {
    socket: object;
    bootstrap: readonly { host: string; port: number }[];
    maxAge: number;
    maxPeers: number;
    maxTables: number;
    maxValues: number;
    verify: (signature: Uint8Array, signed: Uint8Array, key: Uint8Array) => boolean;
  }

  /** What `put` takes for a mutable item (BEP 44). */
  interface MutableItem {
    k: Uint8Array;
    salt: Uint8Array;
    seq: number;
    v: Uint8Array;
    sign: (signed: Uint8Array) => Uint8Array;
  }

  /** What carries its queries. */
  export interface KrpcSocket {
    readonly destroyed: boolean;
    query(peer: { host: string; port: number }, query: object, done: (error: Error | null) => void): void;
    _resolveAndQuery: KrpcSocket['query'];
  }

  export default class DHT extends EventEmitter<{
    peer: [peer: { host: string; port: number }, infoHash: Buffer];
    error: [error: Error];
    listening: [];
  }> {
    constructor(options: Options);
    readonly nodes: { closest(id: Uint8Array, count?: number): object[] };
    readonly _rpc: { readonly socket: KrpcSocket };
    readonly _peers: {
      /** Random peers of a swarm, all of them without a count; 6 bytes each. */
      get(infoHash: string, count?: number): Buffer[];
      add(infoHash: string, peer: Buffer): void;
    };
    listen(): void;
    lookup(infoHash: Uint8Array, done: (error: Error | null) => void): () => void;
    announce(infoHash: Uint8Array, port: number, done: (error: Error | null, takers?: number) => void): void;
    put(item: MutableItem, done: (error: Error | null, key?: Uint8Array, takers?: number) => void): Uint8Array;
    get(
      target: Uint8Array,
      options: { salt: Uint8Array; cache: boolean },
      done: (error: Error | null, item?: { v: unknown } | null) => void,
    ): void;
    destroy(done: () => void): void;
  }
}
