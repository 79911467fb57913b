/**
 * What the user ordered for one torrent, remembered beside its resume file: it holds whether the torrent takes part
 * at the moment or not. Knows nothing of pieces, which the resume file remembers.
 */
import { decodeBencode, encodeBencode, type Fault, fault, isFault, textOfUtf8 } from '../base/index.ts';

export interface UserOrders {
  readonly isPaused: boolean;
  /** Bytes per second; null is without a limit, 0 lets nothing through. */
  readonly downMax: number | null;
  readonly upMax: number | null;
  /** Where it stands among downloads that wait: the smallest goes first; null is by the time it was added. */
  readonly place: number | null;
  /** Absolute folder that its files were moved to; empty while they are where they were put first. */
  readonly directory: string;
  /** Absolute folder that its files are being copied to; empty when they rest. */
  readonly movingTo: string;
  /** Absolute folder in which files that were moved away are still to be deleted; empty when none are. */
  readonly clearing: string;
}

/** Nothing ordered. */
export const NO_ORDERS: UserOrders = {
  isPaused: false,
  downMax: null,
  upMax: null,
  place: null,
  directory: '',
  movingTo: '',
  clearing: '',
};

/** Writes orders as a file's content. */
export function encodeUserOrders(orders: UserOrders): Uint8Array<ArrayBuffer> {
  const { isPaused, downMax, upMax, place, directory, movingTo, clearing } = orders;
  return encodeBencode({
    clearing,
    directory,
    down: downMax ?? undefined,
    movingTo,
    paused: isPaused ? 1 : 0,
    place: place ?? undefined,
    up: upMax ?? undefined,
  });
}

/** Reads what `encodeUserOrders` wrote. */
export function parseUserOrders(bytes: Uint8Array): UserOrders | Fault<'orders-damaged'> {
  const decoded = decodeBencode(bytes);
  if (isFault(decoded) || !(decoded instanceof Map)) return fault('orders-damaged', 'the file is not bencoded');
  const text = (key: string): string | undefined => {
    const value = decoded.get(key);
    return value instanceof Uint8Array ? textOfUtf8(value) : undefined;
  };
  const number = (key: string): number | null => {
    const value = decoded.get(key);
    return typeof value === 'number' ? value : null;
  };
  const [directory, movingTo, clearing] = [text('directory'), text('movingTo'), text('clearing')];
  if (directory === undefined || movingTo === undefined || clearing === undefined) {
    return fault('orders-damaged', 'the file lacks a member');
  }
  return {
    isPaused: number('paused') === 1,
    downMax: number('down'),
    upMax: number('up'),
    place: number('place'),
    directory,
    movingTo,
    clearing,
  };
}
