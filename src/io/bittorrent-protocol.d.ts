/** The part of bittorrent-protocol 5.0.9 that FastWire builds on; @types describes another major version. */
declare module 'bittorrent-protocol' {
  import type { EventEmitter } from 'node:events';

  export default class Wire extends EventEmitter {
    constructor(type?: string, peEnabled?: 0 | 1 | 2);
    hasFast: boolean;
    amChoking: boolean;
    extendedMapping: Record<number, string>;
    extendedHandshake: Record<string, unknown>;
    _extendedHandshakeSent: boolean;
    handshake(infoHash: string, peerId: Uint8Array, extensions: { fast: boolean }): void;
    choke(): void;
    unchoke(): void;
    interested(): void;
    uninterested(): void;
    have(piece: number): void;
    bitfield(bytes: Uint8Array): void;
    haveAll(): void;
    haveNone(): void;
    cancel(piece: number, offset: number, length: number): void;
    reject(piece: number, offset: number, length: number): void;
    extended(id: number, payload: Uint8Array): void;
    keepAlive(): void;
    destroy(): this;
    _push(bytes: Uint8Array): void;
    _write(bytes: Uint8Array, done: () => void): void;
    _sendExtendedHandshake(): void;
    _onMessage(bytes: Uint8Array): void;
    _onKeepAlive(): void;
    _onHave(piece: number): void;
    _onBitField(bytes: Uint8Array): void;
    _onRequest(piece: number, offset: number, length: number): void;
    _onCancel(piece: number, offset: number, length: number): void;
    _onExtended(id: number, payload: Uint8Array): void;
    _onReject(piece: number, offset: number, length: number): void;
  }
}
