/**
 * Files of torrents over the local surface while they come, for browsers and players. Those send no header of ours, so
 * that each torrent's addresses have a key of their own, which reads this torrent, changes nothing, and ends with the
 * process. Invariants: at most READERS_MAX readers, of each no more in memory than was read at once; a reader that
 * leaves is waited for no more, and one whose torrent ends is told by the end of its connection.
 */
import { createHmac } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type InfoHash, MonsoonError, parseInfoHash, textOfError } from '../../src/base/index.ts';
import { mediaTypeOf } from '../../web/index.ts';
import type { RunningNode } from '../running-node.ts';
import type { FileReading, OpenFile, StreamAddress } from '../streamed-file.ts';
import { type Answer, jsonAnswer } from './answer.ts';
import { type ByteRange, parseRange } from './byte-range.ts';
import { isToken } from './guard.ts';

/** Readers at a time: players open a few connections each. */
export const READERS_MAX = 16;
const KEY_DIGITS = 32;
/** What follows the index is for the player's eyes only. */
const PATH = /^\/stream\/([0-9a-f]{40})\/([0-9a-f]{32})\/(0|[1-9][0-9]{0,6})(?:\/[^/?#]*)?$/;
/** A torrent's files may look like pages: they load nothing but themselves, as a medium. */
const POLICY =
  "default-src 'none'; media-src 'self'; img-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

interface Wanted {
  readonly infoHash: InfoHash;
  readonly file: number;
}

export class Streams {
  readonly #node: Pick<RunningNode, 'open'>;
  readonly #secret: string;
  readonly #log: (text: string) => void;
  readonly #responses = new Set<ServerResponse>();

  /** @param secret what keys are made from, and cannot be found out from them */
  constructor(node: Pick<RunningNode, 'open'>, secret: string, log: (text: string) => void) {
    this.#node = node;
    this.#secret = secret;
    this.#log = log;
  }

  /** Where a torrent's files are read. */
  addressOf(infoHash: InfoHash): StreamAddress {
    return { infoHash, path: `/stream/${infoHash}/${this.#keyOf(infoHash)}/` };
  }

  /** Whether a path as sent names a file together with its torrent's key. */
  admits(url: string): boolean {
    return this.#wantedBy(url) !== undefined;
  }

  /** Answers GET and HEAD of a file, or of a part of it; undefined for a path that is none of ours. */
  answer({ method, url = '', headers }: IncomingMessage): Answer | undefined {
    const wanted = this.#wantedBy(url);
    if (!wanted || (method !== 'GET' && method !== 'HEAD')) return undefined;
    const file = this.#node.open(wanted.infoHash, wanted.file);
    const tag = `"${wanted.infoHash}-${wanted.file}"`;
    const isSame = headers['if-range'] === undefined || headers['if-range'] === tag;
    const range = parseRange(method === 'GET' && isSame ? headers.range : undefined, file.size);
    if (!range) return unsatisfiable(file.size);
    if (this.#responses.size >= READERS_MAX) {
      throw new MonsoonError('busy', `${READERS_MAX} readers are at it already: close a player.`);
    }
    const type = mediaTypeOf(file.path);
    return {
      status: range === 'whole' ? 200 : 206,
      contentType: type,
      headers: {
        'Accept-Ranges': 'bytes',
        'Content-Length': `${range === 'whole' ? file.size : range.length}`,
        ...(range !== 'whole' && {
          'Content-Range': `bytes ${range.start}-${range.start + range.length - 1}/${file.size}`,
        }),
        'Content-Security-Policy': POLICY,
        ETag: tag,
      },
      begin: (response) => this.#begin(response, file, range === 'whole' ? { start: 0, length: file.size } : range),
    };
  }

  /** Ends every stream. */
  close(): void {
    for (const response of this.#responses) response.destroy();
  }

  #keyOf(infoHash: InfoHash): string {
    return createHmac('sha256', this.#secret).update(`stream ${infoHash}`).digest('hex').slice(0, KEY_DIGITS);
  }

  #wantedBy(url: string): Wanted | undefined {
    const [, hash = '', key = '', file = ''] = PATH.exec(url) ?? [];
    const infoHash = parseInfoHash(hash);
    if (!infoHash || !isToken(key, this.#keyOf(infoHash))) return undefined;
    return { infoHash, file: Number(file) };
  }

  #begin(response: ServerResponse, file: OpenFile, { start, length }: ByteRange): void {
    const reading = file.read(start, length);
    this.#responses.add(response);
    response.once('close', () => {
      this.#responses.delete(response);
      reading.close();
    });
    // Its size and type are known, whenever its bytes come.
    response.flushHeaders();
    pour(reading, response).catch((error: unknown) => {
      this.#log(`a stream of ${file.path} ended: ${textOfError(error)}`);
      // Fewer bytes than were promised: the reader sees that these are not all.
      response.destroy();
    });
  }
}

async function pour(reading: FileReading, response: ServerResponse): Promise<void> {
  for (let bytes = await reading.next(); bytes; bytes = await reading.next()) {
    if (!response.write(bytes)) await drained(response);
  }
  response.end();
}

/** Resolves when a reader took what was sent, or has left. */
function drained(response: ServerResponse): Promise<void> {
  if (response.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
  });
}

function unsatisfiable(size: number): Answer {
  const message = `the file has ${size} bytes, and none where that range is`;
  return { ...jsonAnswer({ error: 'usage', message }, 416), headers: { 'Content-Range': `bytes */${size}` } };
}
