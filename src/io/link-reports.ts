/**
 * Where the reports of one torrent's links go: to the fetch of its metadata until that is known, to the transfer
 * machine and the disk afterwards. It decides nothing.
 */
import { assert, type Fault, textOfError } from '../base/index.ts';
import type { TransferInput } from '../torrent/index.ts';
import {
  type ExtendedHandshake,
  type MetadataMessage,
  metadataReply,
  type PexMessage,
  type WireHandshake,
} from '../wire/index.ts';
import { now } from './alarm-clock.ts';
import type { LinkOwner, PeerLink } from './peer-link.ts';
import type { PexHost } from './pex-host.ts';
import type { Allowance } from './rate-gate.ts';
import type { TorrentParts } from './torrent-parts.ts';

/** Failures to read that say nothing about the file: the process or the machine has too much open. */
const SHORTAGES: ReadonlySet<unknown> = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN']);

/** What link reports ask of their torrent. */
export interface ReportedTorrent {
  readonly pex: PexHost;
  /** All that a read brought has been reported: time to act. */
  pump(): void;
  /** The last link closed. */
  alone(): void;
  /** Where a link's peer takes links. */
  listens(link: PeerLink, port: number): void;
  /** A new link's part in the upload limits. */
  uploadAllowance(link: PeerLink): Allowance;
  fail(text: string): void;
  log(text: string): void;
}

/** The owner of all links of one torrent. */
export class LinkReports implements LinkOwner {
  readonly #parts: Readonly<TorrentParts>;
  readonly #torrent: ReportedTorrent;

  constructor(parts: Readonly<TorrentParts>, torrent: ReportedTorrent) {
    this.#parts = parts;
    this.#torrent = torrent;
  }

  opened(link: PeerLink, theirs: WireHandshake): void {
    const { transfer } = this.#parts;
    if (transfer) link.sendStored(transfer.stored);
    else link.sendNothingStored();
    this.fact(link, { type: 'linkOpened', link: link.id, address: link.address, hasFast: theirs.hasFast });
  }

  extended(link: PeerLink, theirs: ExtendedHandshake): void {
    const { requestQueue, isUploadOnly, metadataId, metadataSize, listenPort } = theirs;
    this.#torrent.pex.ready(link, theirs);
    // A private torrent takes peers from its trackers, and from who connects while it does (BEP 27).
    if (listenPort !== undefined && this.#parts.info?.isPrivate !== true) this.#torrent.listens(link, listenPort);
    if (requestQueue !== undefined) this.fact(link, { type: 'queueMax', link: link.id, requests: requestQueue });
    if (isUploadOnly !== undefined) this.fact(link, { type: 'uploadOnly', link: link.id, isUploadOnly });
    if (metadataId === undefined || metadataSize === undefined) return;
    this.#parts.metadata?.note({ type: 'offered', link: link.id, size: metadataSize });
  }

  metadata(link: PeerLink, message: MetadataMessage): void {
    const { metadata, info } = this.#parts;
    if (message.type === 'request') link.answerMetadata(metadataReply(info?.raw, message.piece));
    else metadata?.note({ type: 'message', link: link.id, message });
  }

  pex(link: PeerLink, message: PexMessage): void {
    this.#torrent.pex.heard(link, message);
  }

  fact(link: PeerLink, fact: TransferInput): void {
    const { transfer, metadata } = this.#parts;
    if (transfer) transfer.input(fact, now());
    else metadata?.keep(link.id, fact);
  }

  mayServe(link: PeerLink, piece: number, offset: number, length: number): boolean {
    return this.#parts.transfer?.mayServe(link.id, piece, offset, length) ?? false;
  }

  async read(piece: number, offset: number, views: readonly Uint8Array[], length: number): Promise<void> {
    const { disk } = this.#parts;
    assert(disk, 'what may be served has a disk');
    await disk.read(piece, offset, views, length);
  }

  readFailed(error: unknown): void {
    const text = textOfError(error);
    if (SHORTAGES.has((error as { cause?: NodeJS.ErrnoException }).cause?.code)) this.#torrent.log(text);
    else this.#torrent.fail(text);
  }

  blockPlace(link: PeerLink, piece: number, offset: number, length: number): Uint8Array | undefined {
    return this.#parts.blocks?.place(link.id, piece, offset, length);
  }

  blockArrived(link: PeerLink, piece: number, offset: number, length: number): void {
    const { blocks, transfer } = this.#parts;
    if (!blocks?.arrived(link.id, piece, offset, length)) return;
    transfer?.input({ type: 'blockArrived', link: link.id, piece, offset }, now());
  }

  uploadAllowance(link: PeerLink): Allowance {
    return this.#torrent.uploadAllowance(link);
  }

  settled(): void {
    this.#torrent.pump();
  }

  closed(link: PeerLink, why: Fault): void {
    this.#torrent.log(`link closed: ${why}`);
    this.#torrent.pex.note({ type: 'linkClosed', link: link.id });
    this.#parts.blocks?.linkClosed(link.id);
    this.#parts.metadata?.linkClosed(link.id);
    this.#parts.transfer?.input({ type: 'linkClosed', link: link.id }, now());
    this.#torrent.pump();
    if (this.#parts.transfer?.links.size === 0) this.#torrent.alone();
  }
}
