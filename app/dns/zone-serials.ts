/**
 * Serials that never go back, also over restarts and when the clock jumps: a file holds a number that no serial has
 * passed, and is written before serials come near it. When it cannot be written, serials go on from memory.
 */

import { isSerialAfter, nextSerial } from '../../dns/index.ts';
import { type Fault, fault, type WallSeconds } from '../../src/base/index.ts';
import { GenerationFile } from '../../src/io/generation-file.ts';

/** How far ahead the file is: one write in so many serials or seconds. */
const RESERVE = 600;

/** The serials of one home's zone. */
export class ZoneSerials {
  readonly #file: GenerationFile;
  readonly #warn: (error: unknown) => void;
  #last: number;
  #reserved = 0;
  #writing: Promise<void> = Promise.resolve();

  private constructor(file: GenerationFile, last: number, warn: (error: unknown) => void) {
    this.#file = file;
    this.#last = last;
    this.#warn = warn;
  }

  /** @param warn is told when the file cannot be written */
  static async open(path: string, wallNow: WallSeconds, warn: (error: unknown) => void): Promise<ZoneSerials> {
    const file = new GenerationFile(path);
    const { generation } = await file.load(parseSerial);
    const last = generation?.value ?? 0;
    const serials = new ZoneSerials(file, last, warn);
    // Before the first one is used: what was written for it must be there when the process is killed.
    serials.#reserve(nextSerial(last, wallNow));
    await serials.#writing;
    return serials;
  }

  /** The serial of a zone that changed. */
  next(wallNow: WallSeconds): number {
    this.#last = nextSerial(this.#last, wallNow);
    if (isSerialAfter(this.#last + RESERVE / 2, this.#reserved)) this.#reserve(this.#last);
    return this.#last;
  }

  /** Resolves when what was reserved is written. */
  async close(): Promise<void> {
    await this.#writing;
  }

  #reserve(from: number): void {
    const target = (from + RESERVE) % 2 ** 32;
    this.#reserved = target;
    this.#writing = this.#writing
      .then(async () => void (await this.#file.save(Buffer.from(String(target)))))
      .catch(this.#warn);
  }
}

function parseSerial(body: Uint8Array): number | Fault<'serial-malformed'> {
  const text = Buffer.from(body).toString('latin1');
  return /^[0-9]{1,10}$/.test(text) && Number(text) < 2 ** 32 ? Number(text) : fault('serial-malformed', 'no serial');
}
