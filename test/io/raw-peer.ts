// A peer that says whatever a test wants, byte for byte, over a real socket; and the seed that honest tests need of it.
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import {
  type Address,
  concatBytes,
  type InfoHash,
  infoHashBytes,
  readUint32,
  writeUint32,
} from '../../src/base/index.ts';
import { newPeerId } from '../../src/io/torrent-identity.ts';
import type { TorrentInfo } from '../../src/torrent/index.ts';
import { encodeWireHandshake, HANDSHAKE_BYTES, MESSAGE, PROTOCOL_HEADER } from '../../src/wire/index.ts';
import { until } from './loopback-node.ts';

/** A framed message; without an id it is a keep-alive. */
export function message(id?: number, ...parts: (number | Uint8Array)[]): Uint8Array {
  if (id === undefined) return new Uint8Array(4);
  const body = concatBytes(parts.map((part) => (typeof part === 'number' ? uint32(part) : part)));
  return concatBytes([uint32(body.length + 1), Uint8Array.of(id), body]);
}

export function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  writeUint32(bytes, 0, value);
  return bytes;
}

export interface Heard {
  readonly id: number;
  readonly payload: Buffer;
}

/** One raw link. */
export class RawPeer {
  readonly socket: Socket;
  readonly heard: Heard[] = [];
  isClosed = false;
  bytesRead = 0;
  #bytes: Buffer = Buffer.alloc(0);
  #hasHandshake = false;
  onHandshake: () => void = () => {};
  onMessage: (heard: Heard) => void = () => {};

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => {});
    socket.on('close', () => {
      this.isClosed = true;
    });
    socket.on('data', (bytes) => this.#read(bytes as Buffer));
  }

  /** @param from another address of this machine than the usual one */
  static async dial(address: Address, from?: string): Promise<RawPeer> {
    const socket = connect({ ...address, localAddress: from });
    const peer = new RawPeer(socket);
    await once(socket, 'connect');
    return peer;
  }

  /** Connects and says hello; resolves when the other side has said hello too. */
  static async greet(address: Address, infoHash: InfoHash, peerId: Uint8Array = newPeerId()): Promise<RawPeer> {
    const peer = await RawPeer.dial(address);
    peer.send(encodeWireHandshake(infoHash, peerId));
    await until('a handshake', () => peer.#hasHandshake);
    return peer;
  }

  get hasHandshake(): boolean {
    return this.#hasHandshake;
  }

  send(...parts: Uint8Array[]): void {
    if (!this.isClosed) this.socket.write(concatBytes(parts));
  }

  async closed(): Promise<void> {
    await until('the link to close', () => this.isClosed);
  }

  #read(bytes: Buffer): void {
    this.bytesRead += bytes.length;
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    if (!this.#hasHandshake) {
      if (this.#bytes.length < HANDSHAKE_BYTES) return;
      // What a client does that knows nothing of encryption.
      if (!this.#bytes.subarray(0, PROTOCOL_HEADER.length).equals(PROTOCOL_HEADER)) return void this.socket.destroy();
      this.#hasHandshake = true;
      this.onHandshake();
      this.#bytes = this.#bytes.subarray(HANDSHAKE_BYTES);
    }
    while (this.#bytes.length >= 4 && this.#bytes.length >= 4 + readUint32(this.#bytes, 0)) {
      const end = 4 + readUint32(this.#bytes, 0);
      if (end > 4) {
        const heard = { id: this.#bytes[4]!, payload: this.#bytes.subarray(5, end) };
        this.heard.push(heard);
        this.onMessage(heard);
      }
      this.#bytes = this.#bytes.subarray(end);
    }
  }
}

export interface RawSeed {
  readonly address: Address;
  /** Those that said hello. */
  readonly peers: RawPeer[];
  close(): void;
}

/** A seed on a port of its own. `blockOf` gives a block, or undefined to be silent. */
export async function openRawSeed(
  info: TorrentInfo,
  blockOf: (piece: number, offset: number, length: number) => Uint8Array | undefined,
  host = '127.0.0.1',
): Promise<RawSeed> {
  const peers: RawPeer[] = [];
  const server: Server = createServer((socket) => {
    const peer = new RawPeer(socket);
    peer.onHandshake = () => {
      peers.push(peer);
      const reserved = encodeWireHandshake(info.infoHash, newPeerId());
      peer.send(reserved, message(MESSAGE.haveAll), message(MESSAGE.unchoke));
    };
    peer.onMessage = ({ id, payload }) => {
      if (id !== MESSAGE.request) return;
      const [piece, offset, length] = [0, 4, 8].map((at) => readUint32(payload, at)) as [number, number, number];
      const block = blockOf(piece, offset, length);
      if (block) peer.send(message(MESSAGE.piece, piece, offset, block));
    };
  });
  server.listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const close = (): void => {
    server.close();
    for (const { socket } of peers) socket.destroy();
  };
  return { address: { host, port }, peers, close };
}

/** The header of a handshake for a torrent nobody has. */
export function strangersHandshake(): Uint8Array {
  const bytes = encodeWireHandshake('00'.repeat(20) as InfoHash, newPeerId());
  bytes.set(infoHashBytes('11'.repeat(20) as InfoHash), 28);
  return bytes;
}
