/**
 * Where the user's orders for one torrent are kept: one small file beside its resume file, in two generations. When the
 * last orders are damaged those before them apply; when these are too, the torrent waits for its user: nobody knows
 * where its files went.
 */
import { join } from 'node:path';
import type { InfoHash } from '../base/index.ts';
import { encodeUserOrders, NO_ORDERS, parseUserOrders, type UserOrders } from '../torrent/index.ts';
import { GenerationFile } from './generation-file.ts';

/** The orders of one torrent. */
export class OrdersFile {
  readonly #file: GenerationFile;

  constructor(directory: string, infoHash: InfoHash) {
    this.#file = new GenerationFile(join(directory, `${infoHash}.orders`));
  }

  /** What was saved last; none when nothing was. */
  async load(report: (problem: string) => void): Promise<UserOrders> {
    const { generation, setAside } = await this.#file.load(parseUserOrders);
    if (setAside.length === 0) return generation?.value ?? NO_ORDERS;
    const damage = `the orders are damaged and were set aside as ${setAside.join(' and ')}`;
    if (!generation) {
      report(`${damage}; the torrent is paused`);
      return { ...NO_ORDERS, isPaused: true };
    }
    report(`${damage}; the orders before them apply`);
    // Whether those files were deleted, and what lies at their place since, is not known any more.
    return { ...generation.value, clearing: '' };
  }

  async save(orders: UserOrders): Promise<void> {
    await this.#file.save(encodeUserOrders(orders));
  }

  async remove(): Promise<void> {
    await this.#file.remove();
  }
}
