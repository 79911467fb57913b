/** Takes no range, gives none, and signs nothing. */
import type { HostileRole } from './hostile-role.ts';

const REFUSED = new Set(['offer', 'frame', 'grant', 'receipt', 'claim', 'vote']);

export const refusesHandOff: HostileRole = {
  name: 'refuses-hand-off',
  hear: (_node, input) => (input.type === 'asked' && REFUSED.has(input.message.type) ? undefined : input),
  say: (_node, message) => (message.type === 'offer' || message.type === 'frame' ? undefined : message),
};
