/** Keeps the first records it ever sent or saw and sends those again instead of newer ones. */
import type { OverlayMessage } from '../../../src/overlay/index.ts';
import type { HostileRole } from './hostile-role.ts';

const KEPT_MAX = 200;

export function replaysRecords(): HostileRole {
  const kept: Uint8Array[] = [];
  const keep = (message: OverlayMessage): void => {
    if (message.type !== 'records') return;
    for (const record of message.records) if (kept.length < KEPT_MAX) kept.push(record);
  };
  return {
    name: 'replays-records',
    hear(_node, input) {
      if (input.type === 'asked' || input.type === 'answered') keep(input.message);
      return input;
    },
    say(_node, message) {
      if (message.type !== 'records') return message;
      keep(message);
      return { ...message, records: message.records.map((_, i) => kept[i % kept.length]!) };
    },
  };
}
