/**
 * Where the user's orders for one torrent are kept: one small file beside its resume file, written whole. A damaged
 * one is set aside, and the torrent waits for its user: nobody knows where its files went.
 */
import { readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type InfoHash, isFault } from '../base/index.ts';
import { encodeUserOrders, NO_ORDERS, parseUserOrders, type UserOrders } from '../torrent/index.ts';
import { writeFileAtomically } from './atomic-file.ts';

/** The orders of one torrent. */
export class OrdersFile {
  readonly #path: string;

  constructor(directory: string, infoHash: InfoHash) {
    this.#path = join(directory, `${infoHash}.orders`);
  }

  /** What was saved last; none when nothing was. */
  async load(report: (problem: string) => void): Promise<UserOrders> {
    const bytes = await readFile(this.#path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (!bytes) return NO_ORDERS;
    const orders = parseUserOrders(bytes);
    if (!isFault(orders)) return orders;
    const aside = `${this.#path}.damaged-${Date.now()}`;
    await rename(this.#path, aside);
    report(`the orders are damaged (${orders.text}) and were set aside as ${aside}; the torrent is paused`);
    return { ...NO_ORDERS, isPaused: true };
  }

  async save(orders: UserOrders): Promise<void> {
    await writeFileAtomically(this.#path, encodeUserOrders(orders), { mode: 0o600 });
  }

  async remove(): Promise<void> {
    await rm(this.#path, { force: true });
  }
}
